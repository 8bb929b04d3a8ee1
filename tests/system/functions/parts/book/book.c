/*
 * A library with state of every kind, in two files: it is replaced by other versions of itself
 * while it runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"

#define EXPORT __attribute__((visibility("default")))

struct note {
    const char *word;
    int (*grow)(int);
    int *inner;
};

int reader_apply(int (*function)(int), int value);

EXPORT int book_total = 100;
static int calls;
static int inner[3];
static int *to_inner = &inner[1];
static const char *const titles[] = {"plain", "fine"};
static struct note *note; /* on the heap */

static int step(int n)
{
    return n + 1;
}

EXPORT int *book_inner(void)
{
    return &inner[1];
}

/* What it holds is chosen once, at the first call. */
EXPORT const char *book_read(int value)
{
    static char text[128];

    if (!note) {
        note = malloc(sizeof *note);
        note->word = "first";
        note->grow = step;
        note->inner = to_inner;
    }
    calls++;
    *note->inner = note->grow(*to_inner);
    book_total += value;
    snprintf(text, sizeof text, "one %d %d %s %s %d %d", calls, inner[1], note->word,
             titles[value & 1], turn_page(), reader_apply(step, value));
    return text;
}

__attribute__((constructor)) static void begin(void)
{
    calls = 40;
}
