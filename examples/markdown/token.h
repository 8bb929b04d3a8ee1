/*
 * A paragraph's content as a flat list. Emphasis and links are pairs of tokens put around others,
 * never a tree: nothing recurses, however deep the input nests them.
 */
#pragma once

#include "arena.h"
#include "html.h"
#include "link.h"

enum token_kind {
    TOKEN_TEXT,
    TOKEN_CODE,
    TOKEN_SOFT_BREAK,
    TOKEN_HARD_BREAK,
    TOKEN_EMPHASIS,
    TOKEN_EMPHASIS_END,
    TOKEN_STRONG,
    TOKEN_STRONG_END,
    TOKEN_LINK,
    TOKEN_LINK_END,
    TOKEN_IMAGE,
    TOKEN_IMAGE_END,
};

struct token {
    enum token_kind kind;
    struct token *previous, *next;
    const char *data; /* TEXT, CODE */
    size_t size;
    const struct link_target *target; /* LINK, IMAGE and IMAGE_END */
};

struct token_list {
    struct arena *arena;
    struct token *first, *last;
};

struct token *token_append(struct token_list *list, enum token_kind kind, const char *data,
                           size_t size);
struct token *token_insert_after(struct token_list *list, struct token *at, enum token_kind kind);
struct token *token_insert_before(struct token_list *list, struct token *at, enum token_kind kind);

void token_render(const struct token_list *list, struct html *html);
