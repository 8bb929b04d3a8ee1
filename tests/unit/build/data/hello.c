/* A command as people write them: standard input and output, memory, floating point. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    char line[256];
    double sum = 0;

    while (fgets(line, sizeof line, stdin))
        sum += sqrt(fabs(atof(line)));
    char *copy = strdup(argc > 1 ? argv[1] : "hello");
    printf("%s %f\n", copy, sum);
    free(copy);
    return 0;
}
