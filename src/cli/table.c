/* Tables that line up, and text from elsewhere made safe for a terminal. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/table.h"

#define COLUMNS_MAX 16

struct table {
    size_t columns;
    size_t widths[COLUMNS_MAX];
    char **cells; /* row by row, the headings first */
    size_t count, capacity;
};

void text_make_printable(char *text, size_t length, int keep_lines)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (keep_lines && (c == '\n' || c == '\t'))
            continue;
        /* C0, DEL; and C1 (U+0080..U+009F), which in UTF-8 is 0xc2 0x80..0x9f. */
        if (c < 0x20 || c == 0x7f)
            text[i] = '?';
        else if (c == 0xc2 && i + 1 < length && (unsigned char)text[i + 1] >= 0x80 &&
                 (unsigned char)text[i + 1] < 0xa0)
            text[i] = text[i + 1] = '?';
    }
}

/* Columns that a UTF-8 text takes, one a character. */
static size_t display_width(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static int cell_add(struct table *table, const char *text)
{
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : 64;
        char **grown = reallocarray(table->cells, capacity, sizeof *grown);
        if (!grown)
            return -ENOMEM;
        table->cells = grown;
        table->capacity = capacity;
    }
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    text_make_printable(copy, strlen(copy), 0);
    size_t column = table->count % table->columns;
    size_t width = display_width(copy);
    if (width > table->widths[column])
        table->widths[column] = width;
    table->cells[table->count++] = copy;
    return 0;
}

int table_row(struct table *table, const char *const *cells)
{
    for (size_t i = 0; i < table->columns; i++) {
        int r = cell_add(table, cells[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

struct table *table_new(const char *const *headings)
{
    struct table *table = calloc(1, sizeof *table);

    if (!table)
        return NULL;
    while (headings[table->columns] && table->columns < COLUMNS_MAX)
        table->columns++;
    if (table_row(table, headings) < 0) {
        table_free(table);
        return NULL;
    }
    return table;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table);
}

void table_print(const struct table *table, FILE *out)
{
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->columns;
        fputs(table->cells[i], out);
        if (column == table->columns - 1)
            fputc('\n', out);
        else
            fprintf(out, "%*s", (int)(table->widths[column] - display_width(table->cells[i]) + 2),
                    "");
    }
}

void text_duration(unsigned long long ms, char *text, size_t size)
{
    if (ms < 1000)
        snprintf(text, size, "%llu ms", ms);
    else if (ms >= 60000 && ms % 60000 == 0)
        snprintf(text, size, "%llu min", ms / 60000);
    else if (ms % 1000 == 0)
        snprintf(text, size, "%llu s", ms / 1000);
    else
        snprintf(text, size, "%llu.%llu s", ms / 1000, ms % 1000 / 100);
}
