/* A library with state of every kind: it is replaced by other versions of itself while it runs. */
#include <stdio.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

struct note {
    const char *word;
    long (*grow)(long);
    long *inner;
};

EXPORT long ledger_total = 100;
static long calls;
static long inner[3];
static long *to_inner = &inner[1];
static struct note *note; /* on the heap */

static long step(long n)
{
    return n + 1;
}

EXPORT void ledger_add(long cents)
{
    if (!note) {
        note = malloc(sizeof *note);
        note->word = "first";
        note->grow = step;
        note->inner = to_inner;
    }
    calls++;
    *note->inner = note->grow(*to_inner);
    ledger_total += cents;
}

EXPORT long *ledger_inner(void)
{
    return &inner[1];
}

EXPORT const char *ledger_text(void)
{
    static char text[128];

    snprintf(text, sizeof text, "one calls %ld inner %ld word %s", calls, inner[1], note->word);
    return text;
}
