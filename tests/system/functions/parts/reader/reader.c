/* The program of `book`: it keeps pointers into it, in its own data and on the heap. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

int *book_inner(void);
const char *book_read(int value);

/* The library has one of its own, hidden, of that name. */
EXPORT int page = 50;
static const char *(*read_it)(int);
static int **kept;
static int asked;

EXPORT int reader_apply(int (*function)(int), int value)
{
    return function(value);
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    asked++;
    if (!kept) {
        read_it = book_read;
        kept = malloc(sizeof *kept);
        *kept = book_inner();
    }
    if (in_len == 4 && memcmp(in, "busy", 4) == 0)
        for (time_t end = time(NULL) + 4; time(NULL) < end;)
            ;
    return snprintf((char *)out, out_cap, "%s; %d %d", read_it(5), **kept, asked);
}
