/* A plain main: what comes in goes out in capitals; an argument of the query ends it. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    const char *query = getenv("QUERY_STRING");
    int c;

    if (query && strcmp(query, "exit") == 0) {
        fprintf(stderr, "ending with 3\n");
        return 3;
    }
    while ((c = getchar()) != EOF)
        putchar(toupper(c));
    return 0;
}
