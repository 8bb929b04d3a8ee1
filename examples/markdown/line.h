/* One line of input: a place in it counted in bytes and columns, and the marks found there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct line {
    const char *data;
    size_t size;   /* without the end of line */
    size_t offset; /* of the next byte */
    int column;    /* of the next byte, tab stops every 4 */
    int tab_rest;  /* columns left of the tab at `offset` when a part of it is consumed */
    /* Of the next text, by line_look(). */
    size_t text_offset;
    int indent; /* columns up to it */
    bool blank;
};

struct list_mark {
    char mark; /* '-', '+', '*', '.' or ')' */
    int start, length;
};

void line_start(struct line *line, const char *data, size_t size);
void line_look(struct line *line);
char line_peek(const struct line *line); /* '\n' at the end */
bool line_at_end(const struct line *line);
void line_advance_columns(struct line *line, int columns);
void line_advance_to_text(struct line *line);

/*
 * These look at the text that line_look() found, at most three columns in. Counts are 0 when the
 * mark is not there; nothing is consumed but by the first.
 */
bool line_take_quote_mark(struct line *line);
int line_heading_marks(const struct line *line);                /* 1..6 */
int line_opens_fence(const struct line *line, char *ret_fence); /* its length */
bool line_closes_fence(const struct line *line, char fence, int length);
int line_underline(const struct line *line); /* 1: '=', 2: '-' */
bool line_is_break(const struct line *line);
bool line_list_mark(const struct line *line, bool in_paragraph, struct list_mark *ret_mark);
/* Takes the closing '#'s of a heading off the end of the line. */
void line_trim_closing_marks(struct line *line);
