/* The nearest of many words, for "did you mean". */
#pragma once

#include <stddef.h>

#include "base/limits.h"

struct suggestion {
    const char *wrong;
    size_t wrong_bytes;
    size_t distance;  /* of `word` */
    const char *word; /* NULL: none is near */
};

/* `wrong` stays the caller's. A word longer than a function's name is near to none. */
void suggestion_begin(struct suggestion *suggestion, const char *wrong, size_t bytes);
/* Keeps `word` (not copied) when it is nearer than what was tried before. */
void suggestion_try(struct suggestion *suggestion, const char *word);
