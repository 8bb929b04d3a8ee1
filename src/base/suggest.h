/* The nearest of many words, for "did you mean". */
#pragma once

#include <stddef.h>

/* Longer words are near to none: nobody mistypes them by a letter. */
#define SUGGEST_WORD_MAX_BYTES 64

struct suggestion {
    const char *wrong;
    size_t wrong_bytes;
    size_t distance;  /* that a word must be below, to be nearer */
    const char *word; /* NULL: none is near */
};

/* `wrong` (its first `bytes` bytes) stays the caller's. */
void suggestion_begin(struct suggestion *suggestion, const char *wrong, size_t bytes);
/* Keeps `word` (not copied) when it is nearer than what was tried before. */
void suggestion_try(struct suggestion *suggestion, const char *word);

/* The word of `words` nearest to `word`, or NULL when none is near. */
const char *suggest_word(const char *word, const char *const *words, size_t count);
