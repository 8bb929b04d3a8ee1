/* Files by stdio and by descriptor: make, seek, append, truncate, stat, rename, remove. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAY(expression) say(#expression, (expression))

static void say(const char *what, long value)
{
    if (value < 0)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, value);
}

static long size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) < 0 ? -1 : (long)st.st_size;
}

static void by_stdio(void)
{
    char text[64] = "";

    FILE *file = fopen("/granted/file", "w+");
    fprintf(file, "%s %d\n", "hello", 42);
    SAY(ftell(file));
    SAY(fseek(file, 6, SEEK_SET));
    fputs("43", file);
    rewind(file);
    fgets(text, sizeof text, file);
    printf("read back: %s", text);
    SAY(fclose(file));
    file = fopen("/granted/file", "a+");
    fputs("appended\n", file);
    SAY(fseek(file, 0, SEEK_SET));
    size_t bytes = fread(text, 1, sizeof text, file);
    printf("%zu bytes: %.*s", bytes, (int)bytes, text);
    fclose(file);
    file = fopen("/granted/missing", "r");
    printf("missing: %s\n", file ? "there" : strerror(errno));
    file = fopen("/granted/big", "w");
    for (int i = 0; i < 20000; i++)
        fprintf(file, "%05d ", i);
    fclose(file);
    SAY(size_of("/granted/big"));
    file = fopen("/granted/big", "r");
    fseek(file, 6 * 12345, SEEK_SET);
    int number = -1;
    if (fscanf(file, "%d", &number) != 1)
        printf("no number\n");
    printf("number %d\n", number);
    SAY(fseek(file, -6, SEEK_END));
    SAY(ftell(file));
    fclose(file);
}

static void by_descriptor(void)
{
    char text[16] = "";

    int fd = open("/granted/data", O_RDWR | O_CREAT | O_EXCL, 0644);
    SAY(open("/granted/data", O_RDWR | O_CREAT | O_EXCL, 0644));
    SAY(write(fd, "0123456789", 10));
    SAY(lseek(fd, -4, SEEK_END));
    SAY(read(fd, text, 2));
    printf("text '%s'\n", text);
    SAY(pread(fd, text, 3, 1));
    SAY(pwrite(fd, "xy", 2, 12));
    SAY(lseek(fd, 0, SEEK_CUR));
    SAY(size_of("/granted/data"));
    SAY(ftruncate(fd, 5));
    SAY(size_of("/granted/data"));
    SAY(lseek(fd, -1, SEEK_SET));
    SAY(fsync(fd));
    SAY(isatty(fd));
    SAY(close(fd));
    SAY(close(fd));
    fd = open("/granted/data", O_RDONLY);
    SAY(write(fd, "x", 1));
    close(fd);
    fd = open("/granted/data", O_WRONLY);
    SAY(read(fd, text, 1));
    close(fd);
}

static void names(void)
{
    struct stat st, other;

    SAY(rename("/granted/data", "/granted/renamed"));
    SAY(access("/granted/data", F_OK));
    SAY(link("/granted/renamed", "/granted/linked"));
    stat("/granted/renamed", &st);
    stat("/granted/linked", &other);
    printf("same file: %d, links %d, regular %d\n", st.st_ino == other.st_ino, (int)other.st_nlink,
           S_ISREG(st.st_mode));
    SAY(unlink("/granted/renamed"));
    SAY(unlink("/granted/renamed"));
    SAY(size_of("/granted/linked"));
    SAY(truncate("/granted/linked", 2));
    SAY(size_of("/granted/linked"));
    struct timespec times[2] = {{1000000000, 0}, {1234567890, 0}};
    SAY(utimensat(AT_FDCWD, "/granted/linked", times, 0));
    stat("/granted/linked", &st);
    printf("times %lld.%09ld %lld.%09ld\n", (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
           (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

int main(void)
{
    by_stdio();
    by_descriptor();
    names();
    return 0;
}
