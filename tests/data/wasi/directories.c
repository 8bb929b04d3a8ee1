/* Directories, symlinks, and the ways out that there are not. */
#include <dirent.h>
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

static int by_name(const void *one, const void *two)
{
    return strcmp(one, two);
}

static void list(const char *path)
{
    static char names[1200][16];
    int count = 0;

    DIR *directory = opendir(path);
    if (!directory) {
        printf("opendir(%s): %s\n", path, strerror(errno));
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(directory)) && count < 1200)
        if (entry->d_name[0] != '.') /* not every run time lists "." */
            snprintf(names[count++], sizeof *names, "%.10s %d", entry->d_name, entry->d_type);
    closedir(directory);
    qsort(names, (size_t)count, sizeof *names, by_name);
    printf("%s: %d entries", path, count);
    for (int i = 0; i < count && i < 8; i++)
        printf(", %s", names[i]);
    printf("\n");
}

/* How a way out is refused differs between run times; that it is refused does not. */
static void refused(const char *path)
{
    int fd = open(path, O_RDONLY);
    printf("%s: %s\n", path, fd < 0 ? "refused" : "OPENED");
}

int main(void)
{
    struct stat st;
    char text[64] = "";

    SAY(mkdir("/granted/a", 0755));
    SAY(mkdir("/granted/a", 0755));
    SAY(mkdir("/granted/a/b", 0755));
    SAY(mkdir("/granted/none/b", 0755));
    close(open("/granted/a/file", O_CREAT | O_WRONLY, 0644));
    SAY(symlink("a/file", "/granted/link"));
    SAY(readlink("/granted/link", text, sizeof text));
    printf("link to '%s'\n", text);
    SAY(lstat("/granted/link", &st));
    printf("link %d\n", S_ISLNK(st.st_mode));
    SAY(stat("/granted/link", &st));
    printf("regular %d\n", S_ISREG(st.st_mode));
    list("/granted");
    list("/granted/a");
    list("/granted/a/file");
    list("/granted/none");
    SAY(rmdir("/granted/a"));
    SAY(rmdir("/granted/a/file"));
    SAY(unlink("/granted/a/b"));
    SAY(rename("/granted/a/b", "/granted/a/c"));
    SAY(rename("/granted/a", "/granted/a/c/d"));
    SAY(rmdir("/granted/a/c"));
    SAY(open("/granted/a/file", O_RDONLY | O_DIRECTORY));
    SAY(symlink("loop", "/granted/loop"));
    SAY(open("/granted/loop", O_RDONLY));
    refused("/granted/../etc/passwd");
    refused("/granted/a/../../etc/passwd");
    refused("/etc/passwd");
    refused("..");
    /* Whether such a link can be made differs; it leads nowhere. */
    symlink("../..", "/granted/a/out");
    refused("/granted/a/out/etc/passwd");
    symlink("../../../../../../../../etc/passwd", "/granted/passwd");
    refused("/granted/passwd");
    SAY(mkdir("/granted/many", 0755));
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "/granted/many/%04d", i);
        close(open(text, O_CREAT | O_WRONLY, 0644));
    }
    list("/granted/many");
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "/granted/many/%04d", i);
        unlink(text);
    }
    SAY(rmdir("/granted/many"));
    return 0;
}
