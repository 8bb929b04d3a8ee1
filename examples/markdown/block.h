/* The block structure of a document: a tree of containers whose leaves hold text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "link.h"

/* Containers deeper than this are text: the tree is walked by recursion. */
#define BLOCK_DEPTH_MAX 64

enum block_kind {
    BLOCK_NOTHING, /* a paragraph that held link definitions only */
    BLOCK_DOCUMENT,
    BLOCK_QUOTE,
    BLOCK_LIST,
    BLOCK_ITEM,
    BLOCK_PARAGRAPH,
    BLOCK_HEADING,
    BLOCK_CODE,
    BLOCK_BREAK,
};

struct block {
    enum block_kind kind;
    struct block *parent, *first, *last, *next;
    bool open, last_line_blank;
    int depth;
    struct text text; /* PARAGRAPH, HEADING, CODE */
    int level;        /* HEADING */
    struct {
        char fence; /* '`' or '~'; 0: indented */
        int length, indent;
        struct text info;
    } code;
    struct {
        char mark; /* '-', '+', '*', '.' or ')' */
        int start;
        bool tight;
        int content_column; /* ITEM: columns from its parent's edge to its content */
    } list;
};

/* Parses a document; tree and definitions live as long as `arena`. */
struct block *block_parse(struct arena *arena, struct definitions *definitions, const char *data,
                          size_t size);
