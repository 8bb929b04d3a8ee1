/* Edit distance, given up as soon as it passes what is still near. */
#include <stdint.h>
#include <string.h>

#include "faas/suggest.h"

/* Near: at most this many edits, and fewer than half of the word. */
#define NEAR_MAX 2

void suggestion_begin(struct suggestion *suggestion, const char *wrong, size_t bytes)
{
    size_t near = bytes / 2 < NEAR_MAX ? bytes / 2 : NEAR_MAX;

    *suggestion = (struct suggestion){
        .wrong = wrong,
        .wrong_bytes = bytes,
        .distance = bytes > NAME_MAX_BYTES ? 0 : near + 1,
    };
}

/* Damerau's distance (a swap of neighbours is one edit), or `limit` when it is not below. */
static size_t distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes, size_t limit)
{
    uint8_t rows[3][NAME_MAX_BYTES + 2];
    uint8_t *before = rows[0], *previous = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_bytes; j++)
        previous[j] = (uint8_t)j;
    for (size_t i = 1; i <= a_bytes; i++) {
        uint8_t least = row[0] = (uint8_t)i;
        for (size_t j = 1; j <= b_bytes; j++) {
            uint8_t best = (uint8_t)(previous[j - 1] + (a[i - 1] != b[j - 1]));
            if (previous[j] + 1 < best)
                best = (uint8_t)(previous[j] + 1);
            if (row[j - 1] + 1 < best)
                best = (uint8_t)(row[j - 1] + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = (uint8_t)(before[j - 2] + 1);
            row[j] = best;
            if (best < least)
                least = best;
        }
        if (least >= limit)
            return limit;
        uint8_t *spare = before;
        before = previous;
        previous = row;
        row = spare;
    }
    return previous[b_bytes];
}

void suggestion_try(struct suggestion *suggestion, const char *word)
{
    size_t bytes = strlen(word);
    size_t longer = bytes > suggestion->wrong_bytes ? bytes - suggestion->wrong_bytes
                                                    : suggestion->wrong_bytes - bytes;

    if (bytes > NAME_MAX_BYTES || longer >= suggestion->distance)
        return;
    size_t found =
        distance(suggestion->wrong, suggestion->wrong_bytes, word, bytes, suggestion->distance);
    if (found < suggestion->distance) {
        suggestion->distance = found;
        suggestion->word = word;
    }
}
