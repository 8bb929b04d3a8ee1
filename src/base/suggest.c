/* What was meant by a mistyped word: the nearest of the words that there are. */
#include <stdint.h>
#include <string.h>

#include "base/suggest.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Optimal string alignment: insertions, deletions, changes, and swaps of neighbours (the commonest
 * slip of fingers) cost 1 each. F. J. Damerau, A technique for computer detection and correction
 * of spelling errors, CACM 7 (1964). Given up, with `limit`, as soon as it can't be below that.
 */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length, size_t limit)
{
    uint8_t rows[3][SUGGEST_WORD_MAX_BYTES + 1];
    uint8_t *two_up = rows[0], *up = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_length; j++)
        up[j] = (uint8_t)j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t lowest = i;
        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t changed = up[j - 1] + (size_t)(a[i - 1] != b[j - 1]);
            size_t cost = least(changed, least(up[j], row[j - 1]) + 1u);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost = least(cost, two_up[j - 2] + 1u);
            row[j] = (uint8_t)cost;
            lowest = least(lowest, cost);
        }
        if (lowest >= limit)
            return limit;
        uint8_t *oldest = two_up;
        two_up = up;
        up = row;
        row = oldest;
    }
    return up[b_length];
}

void suggestion_begin(struct suggestion *suggestion, const char *wrong, size_t bytes)
{
    /* A third of the word may be wrong, at least one letter and at most three. */
    size_t limit = least(bytes < 3 ? 1 : (bytes + 1) / 3, 3) + 1;

    *suggestion = (struct suggestion){
        .wrong = wrong,
        .wrong_bytes = bytes,
        .distance = bytes == 0 || bytes > SUGGEST_WORD_MAX_BYTES ? 0 : limit,
    };
}

void suggestion_try(struct suggestion *suggestion, const char *word)
{
    size_t bytes = strlen(word);
    size_t longer = bytes > suggestion->wrong_bytes ? bytes : suggestion->wrong_bytes;

    if (bytes > SUGGEST_WORD_MAX_BYTES || suggestion->distance == 0)
        return;
    size_t found =
        distance(suggestion->wrong, suggestion->wrong_bytes, word, bytes, suggestion->distance);
    /* A word that shares no letter with it is not what was meant. */
    if (found < suggestion->distance && found < longer) {
        suggestion->distance = found;
        suggestion->word = word;
    }
}

const char *suggest_word(const char *word, const char *const *words, size_t count)
{
    struct suggestion suggestion;

    suggestion_begin(&suggestion, word, strlen(word));
    for (size_t i = 0; i < count; i++)
        suggestion_try(&suggestion, words[i]);
    return suggestion.word;
}
