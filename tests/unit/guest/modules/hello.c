/* A command: arguments in, standard output and exit status out. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    char *block = calloc(1, 100000);

    printf("hello %s\n", block ? "there" : "nobody");
    return 3;
}
