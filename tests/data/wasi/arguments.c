/* Arguments, the environment, and the status of an exit in mid-program. */
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

static void at_end(void)
{
    printf("at exit\n");
}

int main(int argc, char **argv)
{
    atexit(at_end);
    for (int i = 0; i < argc; i++)
        printf("%d '%s'\n", i, argv[i]);
    printf("argv ends: %s\n", argv[argc] == NULL ? "yes" : "no");
    int count = 0;
    for (char **variable = environ; *variable; variable++)
        count++;
    printf("%d variables, GREETING '%s', EMPTY '%s', HOME %s\n", count, getenv("GREETING"),
           getenv("EMPTY"), getenv("HOME") ? "set" : "not set");
    exit(42);
}
