/* What was meant by a mistyped word: the nearest of the words that there are. */
#include <string.h>

#include "cli/cli.h"

/* Longer words are not compared: nobody mistypes them by a letter. */
#define WORD_MAX_BYTES 64

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Optimal string alignment: insertions, deletions, changes, and swaps of neighbours (the commonest
 * slip of fingers) cost 1 each. F. J. Damerau, A technique for computer detection and correction
 * of spelling errors, CACM 7 (1964).
 */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][WORD_MAX_BYTES + 1];
    size_t *two_up = rows[0], *up = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_length; j++)
        up[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t changed = up[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(changed, least(up[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], two_up[j - 2] + 1);
        }
        size_t *oldest = two_up;
        two_up = up;
        up = row;
        row = oldest;
    }
    return up[b_length];
}

const char *cli_suggest(const char *word, const char *const *words, size_t count)
{
    size_t length = strlen(word);
    const char *nearest = NULL;
    /* A third of the word may be wrong, at least one letter and at most three. */
    size_t limit = least(length < 3 ? 1 : (length + 1) / 3, 3) + 1;

    if (length == 0 || length > WORD_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(words[i]);
        if (other > WORD_MAX_BYTES)
            continue;
        size_t d = distance(word, length, words[i], other);
        /* A word that shares no letter with it is not what was meant. */
        if (d < limit && d < (other > length ? other : length)) {
            limit = d;
            nearest = words[i];
        }
    }
    return nearest;
}
