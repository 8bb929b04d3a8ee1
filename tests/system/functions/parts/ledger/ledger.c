/*
 * A library with all that one has: a constructor, variables, constants with pointers, the address
 * of a function of its own and of another's, the C library, a function of the program's that it
 * calls back, and one of the program's variables.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

extern int desk_factor;
int desk_apply(int (*function)(int), int value);
int desk_twice(int value);

EXPORT int ledger_entries = 5;
static const char *const names[] = {"even", "odd"};
static int (*chosen)(int) = desk_twice;
static int began;
static char *kept;

__attribute__((constructor)) static void begin(void)
{
    began = 40;
}

static int thrice(int value)
{
    return 3 * value + began;
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

EXPORT int ledger_line(int value, char *text, size_t size)
{
    int values[] = {9, value, 3};

    qsort(values, 3, sizeof values[0], compare);
    ledger_entries++;
    free(kept);
    kept = strdup(names[value & 1]);
    return snprintf(text, size, "%s %d %d %d %d %.2f", kept, desk_apply(thrice, value),
                    chosen(value), values[1] * desk_factor, ledger_entries, value / 4.0);
}
