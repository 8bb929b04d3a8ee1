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

    SAY(mkdir("/work/a", 0755));
    SAY(mkdir("/work/a", 0755));
    SAY(mkdir("/work/a/b", 0755));
    SAY(mkdir("/work/none/b", 0755));
    close(open("/work/a/file", O_CREAT | O_WRONLY, 0644));
    SAY(symlink("a/file", "/work/link"));
    SAY(readlink("/work/link", text, sizeof text));
    printf("link to '%s'\n", text);
    SAY(lstat("/work/link", &st));
    printf("link %d\n", S_ISLNK(st.st_mode));
    SAY(stat("/work/link", &st));
    printf("regular %d\n", S_ISREG(st.st_mode));
    list("/work");
    list("/work/a");
    list("/work/a/file");
    list("/work/none");
    SAY(rmdir("/work/a"));
    SAY(rmdir("/work/a/file"));
    SAY(unlink("/work/a/b"));
    SAY(rename("/work/a/b", "/work/a/c"));
    SAY(rename("/work/a", "/work/a/c/d"));
    SAY(rmdir("/work/a/c"));
    SAY(open("/work/a/file", O_RDONLY | O_DIRECTORY));
    SAY(symlink("loop", "/work/loop"));
    SAY(open("/work/loop", O_RDONLY));
    refused("/work/../etc/passwd");
    refused("/work/a/../../etc/passwd");
    refused("/etc/passwd");
    refused("..");
    /* Whether such a link can be made differs; it leads nowhere. */
    symlink("../..", "/work/a/out");
    refused("/work/a/out/etc/passwd");
    symlink("../../../../../../../../etc/passwd", "/work/passwd");
    refused("/work/passwd");
    SAY(mkdir("/work/many", 0755));
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "/work/many/%04d", i);
        close(open(text, O_CREAT | O_WRONLY, 0644));
    }
    list("/work/many");
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "/work/many/%04d", i);
        unlink(text);
    }
    SAY(rmdir("/work/many"));
    return 0;
}
