/* One line of input and the marks of blocks at its start. */
#include <string.h>

#include "character.h"
#include "line.h"

#define INDENT_MAX 3
#define COLUMN_MAX 1000000 /* columns are counted in int; nobody indents further */

void line_start(struct line *line, const char *data, size_t size)
{
    memset(line, 0, sizeof *line);
    line->data = data;
    line->size = size;
}

char line_peek(const struct line *line)
{
    return line->offset < line->size ? line->data[line->offset] : '\n';
}

bool line_at_end(const struct line *line)
{
    return line->offset >= line->size;
}

void line_look(struct line *line)
{
    size_t at = line->offset;
    int column = line->column;

    if (line->tab_rest > 0) {
        column += line->tab_rest;
        at++;
    }
    for (; at < line->size && is_space_or_tab(line->data[at]) && column < COLUMN_MAX; at++)
        column += line->data[at] == '\t' ? 4 - column % 4 : 1;
    line->text_offset = at;
    line->indent = column - line->column;
    line->blank = at >= line->size;
}

void line_advance_columns(struct line *line, int columns)
{
    while (columns > 0 && line->offset < line->size) {
        if (line->data[line->offset] != '\t') {
            line->offset++;
            line->column++;
            columns--;
            continue;
        }
        int width = line->tab_rest > 0 ? line->tab_rest : 4 - line->column % 4;
        int taken = columns < width ? columns : width;
        line->column += taken;
        columns -= taken;
        line->tab_rest = width - taken;
        if (line->tab_rest == 0)
            line->offset++;
    }
}

void line_advance_to_text(struct line *line)
{
    if (line->offset == line->text_offset && line->tab_rest == 0)
        return;
    line->offset = line->text_offset;
    line->column += line->indent;
    line->indent = 0;
    line->tab_rest = 0;
}

static char text_at(const struct line *line, size_t index)
{
    return line->text_offset + index < line->size ? line->data[line->text_offset + index] : '\n';
}

/* The number of `mark`s in a row from `index` of the text. */
static size_t run_of(const struct line *line, size_t index, char mark)
{
    size_t count = 0;

    while (text_at(line, index + count) == mark)
        count++;
    return count;
}

static bool blank_from(const struct line *line, size_t index)
{
    while (is_space_or_tab(text_at(line, index)))
        index++;
    return text_at(line, index) == '\n';
}

bool line_take_quote_mark(struct line *line)
{
    if (line->indent > INDENT_MAX || text_at(line, 0) != '>')
        return false;
    line_advance_to_text(line);
    line_advance_columns(line, 1);
    if (is_space_or_tab(line_peek(line)))
        line_advance_columns(line, 1);
    return true;
}

int line_heading_marks(const struct line *line)
{
    size_t count = run_of(line, 0, '#');
    char after = text_at(line, count);

    if (line->indent > INDENT_MAX || count < 1 || count > 6)
        return 0;
    return is_space_or_tab(after) || after == '\n' ? (int)count : 0;
}

void line_trim_closing_marks(struct line *line)
{
    size_t end = line->size;

    while (end > line->offset && is_space_or_tab(line->data[end - 1]))
        end--;
    size_t marks = end;
    while (marks > line->offset && line->data[marks - 1] == '#')
        marks--;
    if (marks == line->offset || is_space_or_tab(line->data[marks - 1]))
        end = marks;
    while (end > line->offset && is_space_or_tab(line->data[end - 1]))
        end--;
    line->size = end;
}

int line_opens_fence(const struct line *line, char *ret_fence)
{
    char fence = text_at(line, 0);

    if (line->indent > INDENT_MAX || (fence != '`' && fence != '~'))
        return 0;
    size_t count = run_of(line, 0, fence);
    if (count < 3 || count > COLUMN_MAX)
        return 0;
    /* Backticks behind a fence of backticks make it a code span. */
    size_t rest = line->text_offset + count;
    if (fence == '`' && rest < line->size && memchr(line->data + rest, '`', line->size - rest))
        return 0;
    *ret_fence = fence;
    return (int)count;
}

bool line_closes_fence(const struct line *line, char fence, int length)
{
    size_t count = run_of(line, 0, fence);

    return line->indent <= INDENT_MAX && count >= (size_t)length && blank_from(line, count);
}

int line_underline(const struct line *line)
{
    char mark = text_at(line, 0);

    if (line->indent > INDENT_MAX || (mark != '=' && mark != '-'))
        return 0;
    if (!blank_from(line, run_of(line, 0, mark)))
        return 0;
    return mark == '=' ? 1 : 2;
}

bool line_is_break(const struct line *line)
{
    char mark = text_at(line, 0);
    int count = 0;

    if (line->indent > INDENT_MAX || (mark != '*' && mark != '-' && mark != '_'))
        return false;
    for (size_t i = 0; text_at(line, i) != '\n'; i++) {
        if (text_at(line, i) == mark)
            count = count < 3 ? count + 1 : 3;
        else if (!is_space_or_tab(text_at(line, i)))
            return false;
    }
    return count == 3;
}

bool line_list_mark(const struct line *line, bool in_paragraph, struct list_mark *ret_mark)
{
    char first = text_at(line, 0);
    size_t length = 0;
    int start = 0;

    if (line->indent > INDENT_MAX)
        return false;
    if (first == '-' || first == '+' || first == '*') {
        length = 1;
    } else {
        while (length < 9 && is_ascii_digit(text_at(line, length)))
            start = start * 10 + (text_at(line, length++) - '0');
        first = text_at(line, length);
        if (length == 0 || (first != '.' && first != ')'))
            return false;
        length++;
    }
    char after = text_at(line, length);
    if (after != '\n' && !is_space_or_tab(after))
        return false;
    /* Only a list that is clearly meant as one interrupts a paragraph. */
    bool ordered = first == '.' || first == ')';
    if (in_paragraph && (blank_from(line, length) || (ordered && start != 1)))
        return false;
    *ret_mark = (struct list_mark){.mark = first, .start = start, .length = (int)length};
    return true;
}
