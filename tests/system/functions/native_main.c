/*
 * A plain program, as it stands in any book: arguments, environment, standard input and output,
 * files, options, assertions. What it prints as native code is what it prints when gcc builds it.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int calls;
static jmp_buf out_of_it;

static void at_the_end(void)
{
    printf("the end\n");
}

static void deep(int n)
{
    if (n == 0)
        longjmp(out_of_it, 7);
    deep(n - 1);
}

static void files(void)
{
    char line[64], *grown = NULL, *text = NULL;
    size_t room = 0;
    int a = 0, b = 0;
    struct stat status;

    FILE *file = fopen("/tmp/numbers", "w+");
    if (!file) {
        perror("/tmp/numbers");
        return;
    }
    for (int i = 0; i < 3000; i++)
        fprintf(file, "%d and %d\n", i, i * i);
    printf("at %ld\n", ftell(file));
    rewind(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%d and %d", &a, &b) != 2)
            printf("unlike: %s", line);
    printf("last %d %d, at the end %d\n", a, b, feof(file) != 0);
    fseek(file, 0, SEEK_SET);
    printf("%zd", getline(&grown, &room, file));
    printf(" %s", grown);
    free(grown);
    printf("scanned %d", fscanf(file, "%d and %d", &a, &b));
    printf(": %d %d\n", a, b);
    ungetc('x', file);
    printf("%c\n", getc(file));
    fclose(file);
    printf("size %lld\n", stat("/tmp/numbers", &status) == 0 ? (long long)status.st_size : -1);
    printf("appended %d\n", (file = fopen("/tmp/numbers", "a")) && fputs("more\n", file) >= 0 &&
                                fileno(file) > 2 && fclose(file) == 0);
    printf("size %lld\n", stat("/tmp/numbers", &status) == 0 ? (long long)status.st_size : -1);
    file = fopen("/tmp/numbers", "wx");
    printf("exclusive %d: %s\n", file != NULL, strerror(errno));
    printf("removed %d\n", remove("/tmp/numbers"));
    file = fopen("/tmp/numbers", "r");
    printf("opened %d: %s\n", file != NULL, strerror(errno));
    printf("asprintf %d", asprintf(&text, "%s-%05.1f-%x", "it", 2.25, 48879));
    printf(" %s\n", text);
    free(text);
}

int main(int argc, char **argv)
{
    char line[256];
    int option, loud = 0;
    long bytes = 0, lines = 0;
    struct tm day;

    atexit(at_the_end);
    opterr = 0;
    while ((option = getopt(argc, argv, "vq:")) != -1)
        loud += option == 'v' ? 1 : 0;
    printf("arguments %d, behind options %d, loud %d, call %d\n", argc, argc - optind, loud,
           ++calls);
    setenv("OWN", "set here", 1);
    printf("OWN is '%s', HERE is '%s'\n", getenv("OWN"), getenv("HERE") ? getenv("HERE") : "");
    files();
    if (setjmp(out_of_it) == 0)
        deep(20);
    else
        puts("back again");
    time_t then = 86400 * 365;
    gmtime_r(&then, &day);
    printf("in %d it was %d\n", day.tm_year + 1900, day.tm_mday);
    printf("terminal %d\n", isatty(0));
    while (fgets(line, sizeof line, stdin)) {
        bytes += (long)strlen(line);
        lines++;
        for (char *at = line; *at; at++)
            *at = (char)toupper((unsigned char)*at);
        if (lines <= 2)
            fputs(line, stdout);
        if (strcmp(line, "ASSERT\n") == 0)
            assert(lines == 0);
        if (strcmp(line, "STATUS\n") == 0)
            exit(3);
    }
    printf("%ld bytes in %ld lines\n", bytes, lines);
    fprintf(stderr, "read %ld lines\n", lines);
    return 0;
}
