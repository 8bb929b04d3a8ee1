/* Symbol maps: their check and their comparison. Async-signal-safe but for messages. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/symbol_map.h"

static int damaged(struct err *err, const char *why)
{
    return err_say(err, -EBADMSG, "the symbol map is damaged: %s", why);
}

int symbol_order(const struct symbol_map *a_map, const struct symbol *a,
                 const struct symbol_map *b_map, const struct symbol *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    int names = strcmp(symbol_name(a_map, a), symbol_name(b_map, b));
    if (names != 0)
        return names;
    return (a->ordinal > b->ordinal) - (a->ordinal < b->ordinal);
}

static int check_symbol(const struct symbol_map *map, uint32_t i, struct err *err)
{
    const struct symbol *symbol = &map->symbols[i];
    const struct symbol_map_header *header = map->header;
    uint32_t end;

    if (symbol->kind < SYMBOL_STRUCTURE || symbol->kind > SYMBOL_CONSTANT)
        return damaged(err, "a symbol of no kind");
    if (symbol->name >= header->text_bytes || symbol->type >= header->text_bytes)
        return damaged(err, "a symbol's text lies outside of it");
    if ((symbol->flags & SYMBOL_TABLE) &&
        (symbol->kind != SYMBOL_FUNCTION || symbol->address >= header->table_size))
        return damaged(err, "a function's index lies outside of the table");
    /* What is known by its type alone has no place. */
    if (symbol->kind >= SYMBOL_VARIABLE && symbol->address != 0 &&
        (__builtin_add_overflow(symbol->address, symbol->size, &end) || end > header->slack_end ||
         symbol->address < header->stack_bytes))
        return damaged(err, "a variable lies outside of the data");
    if (i > 0 && symbol_order(map, symbol - 1, map, symbol) >= 0)
        return damaged(err, "its symbols are not in order");
    return 0;
}

int symbol_map_read(const void *bytes, size_t size, struct symbol_map *ret_map, struct err *err)
{
    const struct symbol_map_header *header = bytes;
    uint64_t whole;

    if (size < sizeof *header || size > SYMBOL_MAP_MAX_BYTES || (uintptr_t)bytes % 8 != 0)
        return damaged(err, "its size is not proper");
    if (header->magic != SYMBOL_MAP_MAGIC || header->version != SYMBOL_MAP_VERSION)
        return damaged(err, "it is of another version");
    whole = sizeof *header + (uint64_t)header->symbol_count * sizeof(struct symbol) +
            header->text_bytes;
    if (header->bytes != size || whole > size || size - whole >= 8 || header->text_bytes == 0)
        return damaged(err, "its parts do not fill it");
    struct symbol_map map = {.header = header, .symbols = (const struct symbol *)(header + 1)};
    map.text = (const char *)(map.symbols + header->symbol_count);
    if (map.text[header->text_bytes - 1] != '\0')
        return damaged(err, "its text has no end");
    if (header->slack_at < header->stack_bytes || header->slack_next < header->slack_at ||
        header->slack_end < header->slack_next)
        return damaged(err, "its slack is not proper");
    for (uint32_t i = 0; i < header->symbol_count; i++) {
        int r = check_symbol(&map, i, err);
        if (r < 0)
            return r;
    }
    *ret_map = map;
    return 0;
}

int symbol_map_of(const void *file, size_t size, struct symbol_map *ret_map, struct err *err)
{
    struct symbol_map_footer footer;

    if (size < sizeof footer)
        return -ENOENT;
    memcpy(&footer, (const uint8_t *)file + size - sizeof footer, sizeof footer);
    if (footer.magic != SYMBOL_MAP_MAGIC)
        return -ENOENT;
    if (footer.bytes > size - sizeof footer)
        return damaged(err, "it is longer than its library");
    return symbol_map_read((const uint8_t *)file + size - sizeof footer - footer.bytes,
                           (size_t)footer.bytes, ret_map, err);
}

const struct symbol *symbol_find(const struct symbol_map *map, enum symbol_kind kind,
                                 const char *name, uint32_t ordinal)
{
    uint32_t low = 0, high = map->header->symbol_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct symbol *at = &map->symbols[middle];
        int r = at->kind != kind ? (at->kind < kind ? -1 : 1) : strcmp(symbol_name(map, at), name);
        if (r == 0)
            r = (at->ordinal > ordinal) - (at->ordinal < ordinal);
        if (r == 0)
            return at;
        if (r < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- comparison ---- */

static const char *const kind_names[] = {
    [SYMBOL_STRUCTURE] = "structure",
    [SYMBOL_FUNCTION] = "function",
    [SYMBOL_VARIABLE] = "variable",
    [SYMBOL_CONSTANT] = "constant",
};

/* What a running instance may depend on: a static function that nobody has the address of is its
 * file's own business, and so are structures that are used no more, and constants. */
static bool must_stay(const struct symbol *symbol)
{
    if (!(symbol->flags & SYMBOL_OURS))
        return false;
    if (symbol->kind == SYMBOL_FUNCTION)
        return symbol->flags & (SYMBOL_EXTERNAL | SYMBOL_TABLE);
    return symbol->kind == SYMBOL_VARIABLE;
}

/* Something may point to it. */
static bool has_place(const struct symbol *symbol)
{
    return symbol->kind >= SYMBOL_VARIABLE ? symbol->address != 0
                                           : (symbol->flags & SYMBOL_TABLE) != 0;
}

/* Where the two texts part, with some of what is before: a message shows fields, not pages. */
static int changed(const struct symbol_map *from, const struct symbol *a,
                   const struct symbol_map *to, const struct symbol *b, struct err *err)
{
    const char *name = symbol_name(from, a);
    const char *before = symbol_type(from, a), *after = symbol_type(to, b);
    size_t same = 0;

    switch (a->kind) {
    case SYMBOL_FUNCTION:
        return err_say(err, -EPERM, "the signature of function '%.80s' changed: %.90s to %.90s",
                       name, before, after);
    case SYMBOL_STRUCTURE:
        /* From the first field that differs. */
        for (size_t i = 0; before[i] && before[i] == after[i]; i++)
            if (before[i] == ';')
                same = i + 2;
        return err_say(err, -EPERM, "the fields of '%.80s' changed: '%.*s' to '%.*s'", name,
                       before[same] ? (int)strcspn(before + same, ";") : 0, before + same,
                       after[same] ? (int)strcspn(after + same, ";") : 0, after + same);
    default:
        return err_say(err, -EPERM, "the type of variable '%.80s' changed: %.90s to %.90s", name,
                       before, after);
    }
}

static int compare_one(const struct symbol_map *from, const struct symbol *a,
                       const struct symbol_map *to, const struct symbol *b, struct err *err)
{
    const char *name = symbol_name(from, a);
    bool typed = *symbol_type(from, a) && *symbol_type(to, b);

    if (typed && (a->kind != SYMBOL_FUNCTION || must_stay(a)) &&
        strcmp(symbol_type(from, a), symbol_type(to, b)) != 0)
        return changed(from, a, to, b, err);
    if (a->kind == SYMBOL_VARIABLE && a->address && b->address && a->size != b->size)
        return err_say(err, -EPERM, "the size of variable '%.80s' changed: %u to %u bytes", name,
                       a->size, b->size);
    if (to->header->native)
        return 0; /* who replaces it copies, and changes pointers */
    /* What the build has seen to; a map that lies is met here. */
    if (a->kind >= SYMBOL_VARIABLE && a->address && b->address && a->address != b->address)
        return err_say(err, -EPERM, "%s '%.80s' lies elsewhere: it was not built against the other",
                       kind_names[a->kind], name);
    if ((a->flags & SYMBOL_TABLE) && (b->flags & SYMBOL_TABLE) && a->address != b->address)
        return err_say(err, -EPERM,
                       "function '%.80s' has another index: it was not built against the other",
                       name);
    return 0;
}

int symbol_map_compare(const struct symbol_map *from, const struct symbol_map *to, bool going_back,
                       struct err *err)
{
    const struct symbol *b = to->symbols, *end = b + to->header->symbol_count;

    if (from->header->native != to->header->native)
        return err_say(err, -EPERM, "one version is native code, the other is not");
    if (from->header->stack_bytes != to->header->stack_bytes)
        return err_say(err, -EPERM, "the size of the stack changed: %u to %u bytes",
                       from->header->stack_bytes, to->header->stack_bytes);
    if (from->header->slack_at != to->header->slack_at ||
        from->header->slack_end != to->header->slack_end)
        return err_say(err, -EPERM, "its data lies elsewhere: it was not built against the other");
    for (uint32_t i = 0; i < from->header->symbol_count; i++) {
        const struct symbol *a = &from->symbols[i];
        while (b < end && symbol_order(to, b, from, a) < 0)
            b++;
        int r = 0;
        if (b < end && symbol_order(to, b, from, a) == 0)
            r = compare_one(from, a, to, b, err);
        else if (must_stay(a) && !going_back)
            r = err_say(err, -EPERM, "%s '%.80s' was removed", kind_names[a->kind],
                        symbol_name(from, a));
        else if (!going_back && !to->header->native && has_place(a))
            /* What is built against a version keeps all places that this has. */
            r = err_say(err, -EPERM,
                        "%s '%.80s' has no place any more: it was not built against the other",
                        kind_names[a->kind], symbol_name(from, a));
        if (r < 0)
            return r;
    }
    return 0;
}
