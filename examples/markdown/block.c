/*
 * Block structure, line by line, as CommonMark's appendix describes it: each line first continues
 * the blocks that are open, then opens new ones, and what is left of it is text.
 */
#include <string.h>

#include "block.h"
#include "character.h"
#include "line.h"

#define CODE_INDENT 4

struct parser {
    struct arena *arena;
    struct definitions *definitions;
    struct block *root, *tip; /* tip: the deepest open block */
    struct line line;
};

static struct block *block_new(struct parser *parser, struct block *parent, enum block_kind kind)
{
    struct block *block = arena_take(parser->arena, sizeof *block);

    block->kind = kind;
    block->open = true;
    block->parent = parent;
    if (parent) {
        block->depth = parent->depth + 1;
        if (parent->last)
            parent->last->next = block;
        else
            parent->first = block;
        parent->last = block;
    }
    return block;
}

static bool can_hold(const struct block *parent, enum block_kind kind)
{
    switch (parent->kind) {
    case BLOCK_DOCUMENT:
    case BLOCK_QUOTE:
    case BLOCK_ITEM:
        return kind != BLOCK_ITEM;
    case BLOCK_LIST:
        return kind == BLOCK_ITEM;
    default:
        return false;
    }
}

static bool holds_lines(const struct block *block)
{
    return block->kind == BLOCK_PARAGRAPH || block->kind == BLOCK_HEADING ||
           block->kind == BLOCK_CODE;
}

/* Moves link definitions from the front of a paragraph into the table. */
static void take_definitions(struct parser *parser, struct text *text)
{
    size_t length;

    while (text->size > 0 &&
           (length = definition_take(parser->definitions, text->data, text->size)) > 0) {
        text->data += length;
        text->size -= length;
        text->capacity -= length;
    }
}

/* Whether a blank line ended this block or, in lists, the last block within it. */
static bool ends_with_blank(const struct block *block)
{
    while (block) {
        if (block->last_line_blank)
            return true;
        if (block->kind != BLOCK_LIST && block->kind != BLOCK_ITEM)
            return false;
        block = block->last;
    }
    return false;
}

/* A list is loose if a blank line separates items, or blocks of one item. */
static bool list_is_tight(const struct block *list)
{
    for (const struct block *item = list->first; item; item = item->next) {
        if (item->next && ends_with_blank(item))
            return false;
        for (const struct block *child = item->first; child; child = child->next)
            if ((item->next || child->next) && ends_with_blank(child))
                return false;
    }
    return true;
}

/* Indented code doesn't end with the blank lines behind it. */
static void trim_blank_lines(struct text *text)
{
    size_t end = text->size;

    while (end > 0 && is_ascii_space(text->data[end - 1]))
        end--;
    while (end < text->size && text->data[end] != '\n')
        end++;
    text->size = end < text->size ? end + 1 : end;
}

static struct block *close_block(struct parser *parser, struct block *block)
{
    block->open = false;
    switch (block->kind) {
    case BLOCK_PARAGRAPH:
        take_definitions(parser, &block->text);
        if (block->text.size == 0)
            block->kind = BLOCK_NOTHING;
        break;
    case BLOCK_CODE:
        if (!block->code.fence)
            trim_blank_lines(&block->text);
        break;
    case BLOCK_LIST:
        block->list.tight = list_is_tight(block);
        break;
    default:
        break;
    }
    return block->parent;
}

static struct block *add_child(struct parser *parser, struct block *parent, enum block_kind kind)
{
    while (!can_hold(parent, kind))
        parent = close_block(parser, parent);
    return block_new(parser, parent, kind);
}

enum continued { CONTINUES, ENDS, LINE_DONE };

static enum continued continue_code(struct parser *parser, struct block *block)
{
    struct line *line = &parser->line;

    if (!block->code.fence) {
        if (line->indent >= CODE_INDENT)
            line_advance_columns(line, CODE_INDENT);
        else if (line->blank)
            line_advance_to_text(line);
        else
            return ENDS;
        return CONTINUES;
    }
    if (line->indent < CODE_INDENT &&
        line_closes_fence(line, block->code.fence, block->code.length)) {
        while (parser->tip != block)
            parser->tip = close_block(parser, parser->tip);
        parser->tip = close_block(parser, block);
        return LINE_DONE;
    }
    for (int i = 0; i < block->code.indent && is_space_or_tab(line_peek(line)); i++)
        line_advance_columns(line, 1);
    return CONTINUES;
}

/* Whether the line continues an open block; what belongs to the block's own edge is consumed. */
static enum continued continue_block(struct parser *parser, struct block *block)
{
    struct line *line = &parser->line;

    line_look(line);
    switch (block->kind) {
    case BLOCK_QUOTE:
        return line_take_quote_mark(line) ? CONTINUES : ENDS;
    case BLOCK_LIST:
        return CONTINUES;
    case BLOCK_ITEM:
        if (line->indent >= block->list.content_column)
            line_advance_columns(line, block->list.content_column);
        else if (line->blank && block->first)
            line_advance_to_text(line);
        else
            return ENDS; /* an item may begin with one blank line, not with two */
        return CONTINUES;
    case BLOCK_CODE:
        return continue_code(parser, block);
    case BLOCK_PARAGRAPH:
        return line->blank ? ENDS : CONTINUES;
    default:
        return ENDS;
    }
}

static struct block *open_item(struct parser *parser, struct block *container,
                               const struct list_mark *mark)
{
    struct line *line = &parser->line;
    int indent = line->indent, before, spaces;

    line_advance_to_text(line);
    line_advance_columns(line, mark->length);

    struct line after_mark = *line;
    before = line->column;
    while (line->column - before <= CODE_INDENT + 1 && is_space_or_tab(line_peek(line)))
        line_advance_columns(line, 1);
    spaces = line->column - before;
    if (spaces < 1 || spaces > CODE_INDENT || line_at_end(line)) {
        /* One space belongs to the mark; the others are indented code, or nothing. */
        *line = after_mark;
        if (spaces > 0)
            line_advance_columns(line, 1);
        spaces = 1;
    }

    if (container->kind != BLOCK_LIST || container->list.mark != mark->mark) {
        container = add_child(parser, container, BLOCK_LIST);
        container->list.mark = mark->mark;
        container->list.start = mark->start;
    }
    container = add_child(parser, container, BLOCK_ITEM);
    container->list.content_column = indent + mark->length + spaces;
    return container;
}

static struct block *open_fence(struct parser *parser, struct block *container, char fence,
                                int length)
{
    struct line *line = &parser->line;
    int indent = line->indent;

    container = add_child(parser, container, BLOCK_CODE);
    container->code.fence = fence;
    container->code.length = length;
    container->code.indent = indent;
    line_advance_to_text(line);
    line_advance_columns(line, length);
    line_look(line);
    line_advance_to_text(line);

    size_t size = line->size - line->offset;
    while (size > 0 && is_ascii_space(line->data[line->offset + size - 1]))
        size--;
    text_append(&container->code.info, parser->arena, line->data + line->offset, size);
    line->offset = line->size;
    return container;
}

/* A paragraph with a line of '=' or '-' below it is a heading, unless it was definitions only. */
static bool underline_heading(struct parser *parser, struct block *paragraph, int level)
{
    take_definitions(parser, &paragraph->text);
    if (paragraph->text.size == 0)
        return false;
    paragraph->kind = BLOCK_HEADING;
    paragraph->level = level;
    parser->line.offset = parser->line.size;
    return true;
}

/* Opens one block at the line's start; NULL when the rest is text. */
static struct block *open_block(struct parser *parser, struct block *container, bool all_matched,
                                bool maybe_lazy)
{
    struct line *line = &parser->line;
    struct list_mark mark;
    char fence;
    int count;

    line_look(line);
    if (line->indent >= CODE_INDENT) {
        if (maybe_lazy || line->blank)
            return NULL;
        line_advance_columns(line, CODE_INDENT);
        return add_child(parser, container, BLOCK_CODE);
    }
    if (container->depth < BLOCK_DEPTH_MAX && line_take_quote_mark(line))
        return add_child(parser, container, BLOCK_QUOTE);
    if ((count = line_heading_marks(line)) > 0) {
        struct block *heading = add_child(parser, container, BLOCK_HEADING);
        heading->level = count;
        line_advance_to_text(line);
        line_advance_columns(line, count);
        line_trim_closing_marks(line);
        return heading;
    }
    if ((count = line_opens_fence(line, &fence)) > 0)
        return open_fence(parser, container, fence, count);
    if (container->kind == BLOCK_PARAGRAPH && (count = line_underline(line)) > 0 &&
        underline_heading(parser, container, count))
        return container;
    if (!(container->kind == BLOCK_PARAGRAPH && !all_matched) && line_is_break(line)) {
        struct block *rule = add_child(parser, container, BLOCK_BREAK);
        line->offset = line->size;
        return rule;
    }
    if (container->depth + 1 < BLOCK_DEPTH_MAX &&
        line_list_mark(line, container->kind == BLOCK_PARAGRAPH, &mark))
        return open_item(parser, container, &mark);
    return NULL;
}

static void add_text(struct parser *parser, struct text *text, bool newline)
{
    struct line *line = &parser->line;
    static const char spaces[] = "   ";

    /* What is left of a tab that was consumed in part. */
    if (line->tab_rest > 0)
        text_append(text, parser->arena, spaces, (size_t)line->tab_rest);
    size_t skip = line->tab_rest > 0 ? 1 : 0;
    text_append(text, parser->arena, line->data + line->offset + skip,
                line->size - line->offset - skip);
    if (newline)
        text_append(text, parser->arena, "\n", 1);
}

/* Remembers where blank lines were: lists are loose because of them. */
static void note_blank(struct parser *parser, struct block *container, bool opened_item)
{
    bool blank = parser->line.blank;

    if (blank && container->last)
        container->last->last_line_blank = true;
    container->last_line_blank =
        blank && container->kind != BLOCK_QUOTE && container->kind != BLOCK_HEADING &&
        container->kind != BLOCK_BREAK &&
        !(container->kind == BLOCK_CODE && container->code.fence) &&
        !(container->kind == BLOCK_ITEM && !container->first && opened_item);
    for (struct block *above = container->parent; above; above = above->parent)
        above->last_line_blank = false;
}

static void finish_line(struct parser *parser, struct block *container, struct block *matched,
                        bool opened_item, bool skip_text)
{
    struct line *line = &parser->line;

    line_look(line);
    note_blank(parser, container, opened_item);
    /* A line of text may go on with a paragraph whose containers it does not name. */
    if (parser->tip != matched && container == matched && !line->blank &&
        parser->tip->kind == BLOCK_PARAGRAPH) {
        line_advance_to_text(line);
        add_text(parser, &parser->tip->text, true);
        return;
    }
    while (parser->tip != matched)
        parser->tip = close_block(parser, parser->tip);
    parser->tip = container;
    if (skip_text)
        return;
    if (container->kind == BLOCK_CODE) {
        add_text(parser, &container->text, true);
    } else if (!line->blank) {
        if (!holds_lines(container))
            container = add_child(parser, container, BLOCK_PARAGRAPH);
        line_advance_to_text(line);
        add_text(parser, &container->text, container->kind == BLOCK_PARAGRAPH);
        parser->tip = container;
    }
}

static void take_line(struct parser *parser)
{
    struct block *container = parser->root, *matched, *opened;
    bool all_matched = true, opened_item = false, skip_text = false;

    while (all_matched && container->last && container->last->open) {
        switch (continue_block(parser, container->last)) {
        case CONTINUES:
            container = container->last;
            break;
        case LINE_DONE:
            return;
        case ENDS:
            all_matched = false;
            break;
        }
    }
    matched = container;

    bool maybe_lazy = parser->tip->kind == BLOCK_PARAGRAPH;
    while (container->kind != BLOCK_CODE &&
           (opened = open_block(parser, container, all_matched, maybe_lazy))) {
        /* The heading that a paragraph became, a break and an opening fence end their line. */
        skip_text = opened->kind == BLOCK_BREAK ||
                    (opened->kind == BLOCK_CODE && opened->code.fence) || opened == container;
        container = opened;
        opened_item = container->kind == BLOCK_ITEM;
        if (holds_lines(container) || container->kind == BLOCK_BREAK)
            break;
        maybe_lazy = false;
    }
    finish_line(parser, container, matched, opened_item, skip_text);
}

struct block *block_parse(struct arena *arena, struct definitions *definitions, const char *data,
                          size_t size)
{
    struct parser parser = {.arena = arena, .definitions = definitions};

    parser.root = parser.tip = block_new(&parser, NULL, BLOCK_DOCUMENT);
    for (size_t at = 0; at < size;) {
        size_t end = at;
        while (end < size && data[end] != '\n' && data[end] != '\r')
            end++;
        line_start(&parser.line, data + at, end - at);
        take_line(&parser);
        if (end + 1 < size && data[end] == '\r' && data[end + 1] == '\n')
            end++;
        at = end + 1;
    }
    while (parser.tip)
        parser.tip = close_block(&parser, parser.tip);
    return parser.root;
}
