/* Tries to leave the folder /www by its working directory; each attempt and what came of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* From the folder: to the directory, and what is read there. */
static void attempt(const char *directory, const char *path)
{
    char line[64] = "", where[4096];

    if (chdir("/www") < 0)
        printf("no folder\n");
    printf("%s", directory);
    printf(" (%s)", chdir(directory) < 0 ? strerror(errno) : getcwd(where, sizeof where));
    int fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, line, sizeof line - 1) < 0)
        strcpy(line, strerror(errno));
    line[strcspn(line, "\n")] = '\0';
    printf(" %s: %s\n", path, line);
}

static void tried(const char *what, int result)
{
    printf("%s: %s\n", what, result < 0 ? strerror(errno) : "done");
}

int main(void)
{
    static char longest[5000];
    int failed = 0;

    attempt("..", "secret");
    attempt("/", "../secret");
    attempt("/", "www/inside");
    attempt("/", "www/../secret");
    attempt("/www/../www", "../secret");
    attempt("sub/..", "../secret");
    attempt("sub/below", "../../../secret");
    attempt("sub/below", "../../inside");
    attempt("link", "../../../secret");
    /* The ".." of a link is that of where it leads to, as on UNIX. */
    attempt("link/..", "../inside");
    attempt("link/..", "../../secret");
    attempt("away", "secret");
    attempt("up", "secret");
    attempt("sub/far", "secret");
    attempt("away/data", "inside");
    attempt("/proc/self/cwd", "secret");
    attempt("/proc/self/root", "etc/passwd");
    attempt("/proc/self/fd", "0");
    attempt("/etc", "passwd");
    attempt("/wwwx", "secret");
    attempt(".", "/etc/passwd");
    attempt(".", "/proc/self/maps");

    /* The working directory becomes a symlink that leads away. */
    chdir("/www/other");
    tried("rename", rename("/www/other", "/www/was"));
    tried("rename", rename("/www/away", "/www/other"));
    tried("read", open("secret", O_RDONLY));
    tried("unlink", unlink("secret"));
    tried("mkdir", mkdir("made", 0777));

    memset(longest, 'a', sizeof longest - 1);
    tried("long", chdir(longest));
    /* A name that comes back to itself does not grow. */
    chdir("/www/sub");
    for (int i = 0; i < 3000; i++)
        failed += chdir("./../sub/") < 0;
    printf("%d failed, in %s\n", failed, getcwd(longest, sizeof longest));
    return 0;
}
