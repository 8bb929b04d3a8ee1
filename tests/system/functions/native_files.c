/*
 * The working directory and what is below it, as any program uses them. Below the folder that it is
 * told it prints what the same program prints when gcc builds it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void tried(const char *what, int result)
{
    printf("%s: %s\n", what, result < 0 ? strerror(errno) : "done");
}

/* Where it is, without the folder's own name. */
static void here(const char *root)
{
    char path[4096];

    if (!getcwd(path, sizeof path))
        printf("nowhere: %s\n", strerror(errno));
    else
        printf("in %s\n", strncmp(path, root, strlen(root)) == 0 ? path + strlen(root) : path);
}

static void written(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    tried(path, file ? fprintf(file, "%s", text) : -1);
    if (file)
        fclose(file);
}

static void shown(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[64] = "";

    if (!file || !fgets(line, sizeof line, file))
        strcpy(line, strerror(errno));
    printf("%s says %s\n", path, line);
    if (file)
        fclose(file);
}

static void directories(const char *root)
{
    char small[2], *own;
    struct stat status;

    tried("root", chdir(root));
    here(root);
    tried("mkdir a", mkdir("a", 0755));
    tried("mkdir a/b", mkdir("a/b", 0755));
    tried("chdir a/b", chdir("a/b"));
    here(root);
    written("file", "in b");
    tried("chdir ..", chdir(".."));
    here(root);
    shown("b/file");
    shown("./b/../b//file");
    shown("../a/b/file");
    tried("chdir file", chdir("b/file"));
    tried("chdir none", chdir("none"));
    tried("chdir nothing", chdir(""));
    tried("chdir .//b/.", chdir(".//b/."));
    here(root);
    tried("stat", stat("file", &status));
    printf("%d bytes\n", (int)status.st_size);
    tried("rename", rename("file", "../renamed"));
    tried("unlink", unlink("../renamed"));
    printf("small %d\n", getcwd(small, sizeof small) == NULL && errno == ERANGE);
    tried("none", getcwd(small, 0) ? 0 : -1);
    own = getcwd(NULL, 0);
    printf("own %s\n", own + strlen(root));
    free(own);
    tried("back", chdir(root));
    tried("rmdir", rmdir("a/b"));
    tried("rmdir", rmdir("a"));
}

static void times(void)
{
    static const time_t seconds[] = {0, 784111777, 1700000000};
    char text[200];
    struct tm parts;

    for (int i = 0; i < 3; i++) {
        gmtime_r(&seconds[i], &parts);
        size_t n =
            strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S %j %% %F %5Y %e %p %U", &parts);
        printf("%d %s\n", (int)n, text);
    }
    printf("%d\n", (int)strftime(text, 4, "%Y-%m", &parts));
}

int main(int count, char **args)
{
    const char *root = count > 1 ? args[1] : getenv("ROOT");

    directories(root);
    times();
    return 0;
}
