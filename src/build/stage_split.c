/*
 * Cuts wasm2c's m.c into pieces that gcc takes one after the other: as a whole the 110 MiB of a Go
 * program would need more memory than a build may have.
 *
 * Each piece begins as m.c does, declares everything, and defines some of the functions; the first
 * one has all that is no function of the module, too. What the pieces share stops being static. A
 * line of m.c that is not of the shapes below makes a piece that does not compile or link, not
 * another meaning: nothing is left out that somebody uses.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "build/stage.h"

#define STATIC "static "
#define FUNCTION " w2c_"
#define TYPES "static u32 func_types["
#define ARRAY "static const "

struct line {
    const char *text;
    size_t length; /* without the newline */
};

static bool line_next(const char **at, const char *end, struct line *ret_line)
{
    if (*at == end)
        return false;
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    *ret_line = (struct line){*at, (size_t)((newline ? newline : end) - *at)};
    *at = newline ? newline + 1 : end;
    return true;
}

static bool begins(const struct line *line, const char *with)
{
    size_t length = strlen(with);
    return line->length >= length && memcmp(line->text, with, length) == 0;
}

static bool ends(const struct line *line, const char *with)
{
    size_t length = strlen(with);
    return line->length >= length && memcmp(line->text + line->length - length, with, length) == 0;
}

static void put(FILE *file, struct line line, size_t skip)
{
    fwrite(line.text + skip, 1, line.length - skip, file);
    fputc('\n', file);
}

/* The lines of one item, from `first` to the one that is `last`; written if `file` is not NULL. */
static void item(FILE *file, const char **at, const char *end, struct line first, const char *last)
{
    struct line line = first;
    size_t skip = sizeof STATIC - 1;

    do {
        if (file)
            put(file, line, skip);
        skip = 0;
    } while (!(line.length == strlen(last) && begins(&line, last)) && line_next(at, end, &line));
}

/* Every piece but the first only says that it is there. */
static void array(FILE *file, const char **at, const char *end, struct line first, bool defined)
{
    if (!defined)
        fprintf(file, "extern %.*s;\n", (int)(first.length - (sizeof STATIC - 1) - strlen(" = {")),
                first.text + sizeof STATIC - 1);
    item(defined ? file : NULL, at, end, first, "};");
}

/* What a line behind the helpers begins. */
static enum {
    LINE_TYPES,
    LINE_ARRAY,
    LINE_PROTOTYPE,
    LINE_FUNCTION,
    LINE_OTHER
} shape(const struct line *line)
{
    if (begins(line, TYPES))
        return LINE_TYPES;
    if (begins(line, ARRAY) && ends(line, "[] = {"))
        return LINE_ARRAY;
    if (!begins(line, STATIC) || !memmem(line->text, line->length, FUNCTION, sizeof FUNCTION - 1))
        return LINE_OTHER;
    return ends(line, ");") ? LINE_PROTOTYPE : ends(line, ") {") ? LINE_FUNCTION : LINE_OTHER;
}

static void write_piece(FILE *file, const char *text, size_t size, size_t piece_bytes, size_t piece)
{
    const char *at = text, *end = text + size;
    size_t functions_bytes = 0;
    bool helpers = true;
    struct line line;

    while (line_next(&at, end, &line)) {
        if (helpers && begins(&line, STAGE_HELPERS_END)) {
            helpers = false;
            fputs("#pragma GCC visibility push(hidden)\n", file);
        }
        switch (helpers ? LINE_OTHER : shape(&line)) {
        case LINE_TYPES:
            fputs(piece == 0 ? "" : "extern ", file);
            put(file, line, sizeof STATIC - 1);
            break;
        case LINE_ARRAY:
            array(file, &at, end, line, piece == 0);
            break;
        case LINE_PROTOTYPE:
            put(file, line, sizeof STATIC - 1);
            break;
        case LINE_FUNCTION: {
            bool here = functions_bytes / piece_bytes == piece;
            item(here ? file : NULL, &at, end, line, "}");
            functions_bytes += (size_t)(at - line.text);
            break;
        }
        default:
            if (helpers || piece == 0)
                put(file, line, 0);
        }
    }
}

size_t stage_piece_count(size_t size, size_t piece_bytes)
{
    return size / piece_bytes + 1;
}

int stage_write_piece(const char *path, const char *text, size_t size, size_t piece_bytes,
                      size_t piece)
{
    FILE *file = fopen(path, "wxe");

    if (!file)
        return -errno;
    write_piece(file, text, size, piece_bytes, piece);
    bool failed = ferror(file);
    return fclose(file) != 0 || failed ? -EIO : 0;
}
