/* Works as much as the query says ("work=N"), waits ("wait=MS"), speaks, or traps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A millisecond or more, however long it takes to get it. */
#define STEPS 4000000

int main(void)
{
    const char *query = getenv("QUERY_STRING");
    const char *id = getenv("HTTP_X_REQUEST_ID"), *trace = getenv("HTTP_TRACEPARENT");
    volatile unsigned long sink = 0;

    if (query && strncmp(query, "wait=", 5) == 0) {
        usleep((useconds_t)atoi(query + 5) * 1000);
    } else if (query && strncmp(query, "work=", 5) == 0) {
        for (int i = atoi(query + 5) * STEPS; i > 0; i--)
            sink += (unsigned long)i;
    } else if (query && strcmp(query, "say") == 0) {
        fprintf(stderr, "first \"line\"\nsecond\tline\n");
    } else if (query && strcmp(query, "trap") == 0) {
        __builtin_trap();
    }
    printf("%s %s\n", id ? id : "-", trace ? trace : "-");
    return 0;
}
