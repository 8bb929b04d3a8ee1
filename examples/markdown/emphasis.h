/* Emphasis: runs of '*' and '_' and which of them belong together (CommonMark, section 6.2). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "token.h"

struct delimiter {
    struct delimiter *previous, *next;
    struct token *token; /* its text shrinks as marks are used */
    char mark;
    size_t length; /* of the run as it was written */
    bool can_open, can_close;
};

struct emphasis {
    struct delimiter *first, *last;
};

/* Adds the run that `token` holds, between the characters `before` and `after` (0: none). */
void emphasis_push(struct emphasis *emphasis, struct arena *arena, struct token *token, char mark,
                   uint32_t before, uint32_t after);

/* Pairs all runs above `bottom` (NULL: all) and takes them off. */
void emphasis_resolve(struct emphasis *emphasis, struct token_list *tokens,
                      struct delimiter *bottom);
