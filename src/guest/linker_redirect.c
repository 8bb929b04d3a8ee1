/* Pointers into a library that is replaced: see linker_redirect.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/symbol_map.h"
#include "guest/linker.h"
#include "guest/linker_internal.h"
#include "guest/linker_redirect.h"

/* Something of the old library, and where it is in the new one; 0: nowhere. */
struct place {
    uintptr_t start, to;
    uint64_t bytes;
    bool function;
    const char *name;
};

struct redirect {
    const struct library *old, *next;
    struct place *places; /* by their start */
    size_t count;
};

/* A function of a file's own symbol table, by name. */
struct named {
    const char *name;
    uintptr_t address;
};

static int by_start(const void *a, const void *b)
{
    const struct place *left = a, *right = b;

    return (left->start > right->start) - (left->start < right->start);
}

static int by_name(const void *a, const void *b)
{
    const struct named *left = a, *right = b;

    return strcmp(left->name, right->name);
}

/* The name of symbol `i` if it is a function with a place, else NULL. */
static const char *function_at(const struct library *library, uint64_t i, uintptr_t *ret_address)
{
    const struct elf_image *image = &library->image;
    Elf64_Sym symbol;

    memcpy(&symbol, &image->symbols[i], sizeof symbol);
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF ||
        symbol.st_value < image->text_start || symbol.st_value >= image->text_end)
        return NULL;
    *ret_address = (uintptr_t)library->base + symbol.st_value;
    return elf_string(image->strings, image->string_bytes, symbol.st_name);
}

static int functions_of(const struct library *library, struct named **ret_list, size_t *ret_count)
{
    uint64_t count = library->image.symbols ? library->image.symbol_count : 0;
    struct named *list = calloc(count + 1, sizeof *list);

    if (!list)
        return -ENOMEM;
    *ret_count = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct named *one = &list[*ret_count];
        one->name = function_at(library, i, &one->address);
        *ret_count += one->name != NULL;
    }
    qsort(list, *ret_count, sizeof *list, by_name);
    *ret_list = list;
    return 0;
}

/* The only one of this name; 0: none, or several static ones. */
static uintptr_t only_named(const struct named *list, size_t count, const char *name)
{
    const struct named key = {.name = name};
    const struct named *found = bsearch(&key, list, count, sizeof *list, by_name);

    if (!found || (found > list && strcmp(found[-1].name, name) == 0) ||
        (found + 1 < list + count && strcmp(found[1].name, name) == 0))
        return 0;
    return found->address;
}

static void add_functions(struct redirect *redirect, const struct named *before,
                          size_t before_count, const struct named *after, size_t after_count)
{
    for (size_t i = 0; i < before_count; i++) {
        bool only = only_named(before, before_count, before[i].name) != 0;
        redirect->places[redirect->count++] = (struct place){
            .start = before[i].address,
            .to = only ? only_named(after, after_count, before[i].name) : 0,
            .bytes = 1,
            .function = true,
            .name = before[i].name,
        };
    }
}

/* A map says where variables lie; it is believed of the image alone. */
static bool in_image(const struct library *library, const struct symbol *symbol)
{
    return (uint64_t)symbol->address + symbol->size <= library->image.span;
}

static void add_variables(struct redirect *redirect, const struct symbol_map *from,
                          const struct symbol_map *to)
{
    for (uint32_t i = 0; i < from->header->symbol_count; i++) {
        const struct symbol *a = &from->symbols[i];
        if (a->kind != SYMBOL_VARIABLE || !a->address || !in_image(redirect->old, a))
            continue;
        const struct symbol *b = symbol_find(to, SYMBOL_VARIABLE, symbol_name(from, a), a->ordinal);
        bool there = b && b->address && in_image(redirect->next, b);
        redirect->places[redirect->count++] = (struct place){
            .start = (uintptr_t)redirect->old->base + a->address,
            .to = there ? (uintptr_t)redirect->next->base + b->address : 0,
            .bytes = there && b->size < a->size ? b->size : a->size,
            .name = symbol_name(from, a),
        };
    }
}

int redirect_new(const struct library *old, const struct symbol_map *from,
                 const struct library *next, const struct symbol_map *to,
                 struct redirect **ret_redirect, struct err *err)
{
    _cleanup_(freep) struct named *before = NULL;
    _cleanup_(freep) struct named *after = NULL;
    size_t before_count, after_count;
    struct redirect *redirect = calloc(1, sizeof *redirect);

    if (!redirect || functions_of(old, &before, &before_count) < 0 ||
        functions_of(next, &after, &after_count) < 0) {
        free(redirect);
        return err_set(err, -ENOMEM, "cannot replace library");
    }
    redirect->old = old;
    redirect->next = next;
    redirect->places =
        calloc(before_count + from->header->symbol_count + 1, sizeof *redirect->places);
    if (!redirect->places) {
        free(redirect);
        return err_set(err, -ENOMEM, "cannot replace library");
    }
    add_functions(redirect, before, before_count, after, after_count);
    add_variables(redirect, from, to);
    qsort(redirect->places, redirect->count, sizeof *redirect->places, by_start);
    *ret_redirect = redirect;
    return 0;
}

void redirect_free(struct redirect *redirect)
{
    if (!redirect)
        return;
    free(redirect->places);
    free(redirect);
}

/* The last place that begins at the value or before it, or NULL. */
static const struct place *place_of(const struct redirect *redirect, uintptr_t value)
{
    size_t low = 0, high = redirect->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (redirect->places[middle].start <= value)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &redirect->places[low - 1] : NULL;
}

/* The bytes of a constant segment from `value` to its end; 0: it is in none. */
static uint64_t constant_bytes(const struct library *library, uintptr_t value)
{
    uint64_t at = value - (uintptr_t)library->base;

    for (uint32_t i = 0; i < library->image.segment_count; i++) {
        const Elf64_Phdr *segment = &library->image.segments[i];
        if (!(segment->p_flags & (PF_W | PF_X)) && at >= segment->p_vaddr &&
            at < segment->p_vaddr + segment->p_filesz)
            return segment->p_vaddr + segment->p_filesz - at;
    }
    return 0;
}

/* The same text among the new one's constants, or 0. */
static uintptr_t same_text(const struct library *next, const char *text, size_t bytes)
{
    for (uint32_t i = 0; i < next->image.segment_count; i++) {
        const Elf64_Phdr *segment = &next->image.segments[i];
        if (segment->p_flags & (PF_W | PF_X))
            continue;
        const void *found = memmem(next->base + segment->p_vaddr, segment->p_filesz, text, bytes);
        if (found)
            return (uintptr_t)found;
    }
    return 0;
}

static int text_value(const struct redirect *redirect, uintptr_t value, uintptr_t *ret_value,
                      struct err *err)
{
    const char *text = (const char *)value;
    uint64_t room = constant_bytes(redirect->old, value);
    size_t bytes = room ? strnlen(text, room) : 0;

    if (room && bytes < room) {
        *ret_value = same_text(redirect->next, text, bytes + 1);
        return *ret_value
                   ? 1
                   : err_say(err, -EPERM, "a constant that is pointed to is gone: \"%.60s\"", text);
    }
    return err_say(err, -EPERM, "something is pointed to that has no name (at 0x%llx)",
                   (unsigned long long)(value - (uintptr_t)redirect->old->base));
}

int redirect_value(const struct redirect *redirect, uintptr_t value, uintptr_t *ret_value,
                   struct err *err)
{
    const struct library *old = redirect->old;

    if (value < (uintptr_t)old->base || value - (uintptr_t)old->base >= old->image.span)
        return 0;
    const struct place *place = place_of(redirect, value);
    /* Behind the last byte is where a loop's pointer may stand. */
    if (!place || value - place->start > (place->function ? 0 : place->bytes))
        return text_value(redirect, value, ret_value, err);
    if (!place->to)
        return err_say(err, -EPERM, "%s '%.80s' is pointed to, and the new version %s",
                       place->function ? "function" : "variable", place->name,
                       place->function ? "has none or several of that name" : "has it not");
    *ret_value = place->to + (value - place->start);
    return 1;
}
