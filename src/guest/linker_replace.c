/*
 * A library of a tree is replaced by another version of it, by KylinX's rules: the library's own
 * variables are copied; what is in others' data stays there, and the new library's offset table
 * leads to it; a pointer to what is the library's, from wherever, is changed to the new one's; any
 * other pointer is kept; new variables have their initial values.
 *
 * Where pointers are: in the variables that are copied, in all data of the other libraries (their
 * offset tables among it), and in what native code has allocated. Each aligned word there that is
 * an address of the old library is one. All are looked at before the first is changed, so that one
 * that can't be followed refuses the whole. Nothing of the library is on a stack meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/symbol_map.h"
#include "guest/linker.h"
#include "guest/linker_internal.h"
#include "guest/linker_redirect.h"
#include "guest/native_heap.h"
#include "guest/update.h"

DEFINE_CLEANUP(struct redirect, redirect_free)

struct replacing {
    struct link_tree *tree;
    struct library *old, *next;
    struct symbol_map from, to;
    struct redirect *redirect;
    bool going_back;
    bool apply; /* else it is only looked whether it can be */
    struct err *err;
    struct update_times times;
    int64_t since_ns; /* when the phase that is under way began */
};

/* An object of the file's own symbol table that holds [address, address + bytes). */
static bool is_object(const struct elf_image *image, const Elf64_Sym *objects, size_t count,
                      const struct symbol *symbol)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (objects[middle].st_value < symbol->address)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < count && objects[low].st_value == symbol->address; low++)
        if (symbol->size <= objects[low].st_size)
            return (uint64_t)symbol->address + symbol->size <= image->span;
    return false;
}

static int by_value(const void *a, const void *b)
{
    const Elf64_Sym *left = a, *right = b;

    return (left->st_value > right->st_value) - (left->st_value < right->st_value);
}

/* The map's variables are what the file says of itself: they are read and written by it. */
static int check_map(const struct library *library, const struct symbol_map *map, struct err *err)
{
    const struct elf_image *image = &library->image;
    uint64_t symbols = image->symbols ? image->symbol_count : 0;
    _cleanup_(freep) Elf64_Sym *objects = calloc(symbols + 1, sizeof *objects);
    size_t count = 0;

    if (!objects)
        return err_set(err, -ENOMEM, "cannot replace library");
    for (uint64_t i = 0; i < symbols; i++) {
        memcpy(&objects[count], &image->symbols[i], sizeof *objects);
        count += ELF64_ST_TYPE(objects[count].st_info) == STT_OBJECT;
    }
    qsort(objects, count, sizeof *objects, by_value);
    for (uint32_t i = 0; i < map->header->symbol_count; i++) {
        const struct symbol *symbol = &map->symbols[i];
        if (symbol->kind == SYMBOL_VARIABLE && symbol->address &&
            !is_object(image, objects, count, symbol))
            return err_say(err, -EPERM,
                           "the symbol map of library '%s' lies: variable '%.80s' is not there",
                           library->name, symbol_name(map, symbol));
    }
    return 0;
}

static int map_of(const struct library *library, const char *which, struct symbol_map *ret_map,
                  struct err *err)
{
    const struct elf_image *image = &library->image;
    int r =
        image->file_bytes < SYMBOL_MAP_BEHIND_BYTES
            ? -ENOENT
            : symbol_map_of(image->file, image->file_bytes - SYMBOL_MAP_BEHIND_BYTES, ret_map, err);

    if (r == 0 && !ret_map->header->native)
        return err_say(err, -EPERM, "the %s library is no native code", which);
    if (r == -ENOENT)
        return err_say(err, -EPERM, "the %s library has no symbol map: build it again", which);
    return r < 0 ? r : check_map(library, ret_map, err);
}

/* Whoever was bound to it finds the same there. */
static int check_exports(const struct replacing *replacing)
{
    const struct library_exports *exports = &replacing->old->exports;

    for (uint32_t i = 0; i < exports->count; i++) {
        const struct library_export *before = &exports->all[i];
        const struct library_export *after = library_export_find(replacing->next, before->name);
        if (!after || after->function != before->function)
            return err_say(replacing->err, -EPERM, "%s '%.80s' was removed",
                           before->function ? "function" : "variable", before->name);
        if (!after->function && after->bytes != before->bytes)
            return err_say(replacing->err, -EPERM,
                           "the size of variable '%.80s' changed: %llu to %llu bytes", before->name,
                           (unsigned long long)before->bytes, (unsigned long long)after->bytes);
    }
    return 0;
}

/* Memory of ours that words can be read from and, in the end, written to. */
static int words(const struct replacing *replacing, void *at, size_t bytes)
{
    uintptr_t from = ((uintptr_t)at + 7) & ~(uintptr_t)7, end = (uintptr_t)at + bytes;

    for (; from + sizeof(uintptr_t) <= end; from += sizeof(uintptr_t)) {
        uintptr_t value, now;
        memcpy(&value, (void *)from, sizeof value);
        int r = redirect_value(replacing->redirect, value, &now, replacing->err);
        if (r < 0)
            return r;
        if (r > 0 && replacing->apply)
            memcpy((void *)from, &now, sizeof now);
    }
    return 0;
}

static int heap_words(void *block, size_t bytes, void *user)
{
    return words(user, block, bytes);
}

/* All that it can write to, and what was constant once it was linked. */
static int library_words(const struct replacing *replacing, const struct library *library)
{
    const struct elf_image *image = &library->image;
    int r = 0;

    if (replacing->apply && image->relro_end &&
        mprotect(library->base + image->relro_start, image->relro_end - image->relro_start,
                 PROT_READ | PROT_WRITE) < 0)
        return err_set(replacing->err, -errno, "cannot change library '%s'", library->name);
    for (uint32_t i = 0; r == 0 && i < image->segment_count; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        if (segment->p_flags & PF_W)
            r = words(replacing, library->base + segment->p_vaddr, segment->p_memsz);
    }
    if (replacing->apply && library_protect(library, replacing->err) < 0)
        return replacing->err->code;
    return r;
}

/* Where a variable that is copied lies; NULL: it is not the library's to write. */
static void *variable_at(const struct library *library, const struct symbol *symbol)
{
    const struct elf_image *image = &library->image;
    uint64_t end = (uint64_t)symbol->address + symbol->size;

    if (!symbol->address || !elf_image_writable(image, symbol->address, symbol->size) ||
        (end > image->relro_start && symbol->address < image->relro_end))
        return NULL;
    return library->base + symbol->address;
}

/* The variables that both have: looked at where they are, or copied and then changed. */
static int variables(const struct replacing *replacing)
{
    const struct symbol_map *from = &replacing->from;

    for (uint32_t i = 0; i < from->header->symbol_count; i++) {
        const struct symbol *a = &from->symbols[i];
        if (a->kind != SYMBOL_VARIABLE)
            continue;
        const struct symbol *b =
            symbol_find(&replacing->to, SYMBOL_VARIABLE, symbol_name(from, a), a->ordinal);
        void *before = variable_at(replacing->old, a);
        void *after = b && b->size == a->size ? variable_at(replacing->next, b) : NULL;
        if (!before || !after)
            continue;
        if (replacing->apply)
            memcpy(after, before, a->size);
        int r = words(replacing, replacing->apply ? after : before, a->size);
        if (r < 0)
            return r;
    }
    return 0;
}

static int everywhere(struct replacing *replacing)
{
    int r = variables(replacing);

    for (size_t i = 0; r == 0 && i < replacing->tree->count; i++)
        if (replacing->tree->libraries[i] != replacing->next)
            r = library_words(replacing, replacing->tree->libraries[i]);
    return r < 0 ? r : native_heap_each(heap_words, replacing);
}

/* What it took since the last time belongs to this phase. */
static void lap(struct replacing *replacing, uint64_t *phase_ns)
{
    int64_t now_ns = clock_now_ns();

    *phase_ns += (uint64_t)(now_ns - replacing->since_ns);
    replacing->since_ns = now_ns;
}

static int replace(struct replacing *replacing, const struct link_file *file)
{
    struct library *next = replacing->next;
    struct err *err = replacing->err;

    int r = library_open_one(replacing->tree, file, next, err);
    lap(replacing, &replacing->times.load);
    if (r == 0)
        r = map_of(replacing->old, "running", &replacing->from, err);
    if (r == 0)
        r = map_of(next, "new", &replacing->to, err);
    if (r == 0)
        r = symbol_map_compare(&replacing->from, &replacing->to, replacing->going_back, err);
    if (r == 0)
        r = check_exports(replacing);
    lap(replacing, &replacing->times.functions);
    return r;
}

/* What a pVM is to call of both must be of one kind. */
static int compare_faces(const struct replacing *replacing)
{
    const struct library_face *a = library_face(replacing->old);
    const struct library_face *b = library_face(replacing->next);

    if (!a->native_handler == !b->native_handler && !a->start == !b->start)
        return 0;
    return err_say(replacing->err, -EPERM,
                   "one version is a handler, a program or a library, the other is not");
}

static size_t place_of(const struct link_tree *tree, const struct library *library)
{
    size_t at = 0;

    while (tree->libraries[at] != library)
        at++;
    return at;
}

/* Both are mapped and the new one is in its place: variables and pointers. */
static int exchange(struct replacing *replacing)
{
    _cleanup_(redirect_freep) struct redirect *redirect = NULL;
    int r = redirect_new(replacing->old, &replacing->from, replacing->next, &replacing->to,
                         &redirect, replacing->err);

    replacing->redirect = redirect;
    lap(replacing, &replacing->times.tables);
    if (r == 0)
        r = everywhere(replacing);
    replacing->apply = true;
    if (r == 0)
        r = everywhere(replacing);
    lap(replacing, &replacing->times.variables);
    return r;
}

int link_tree_put(struct link_tree *tree, struct library *old, const struct link_file *file,
                  bool going_back, struct library **ret_next, struct update_times *ret_times,
                  struct err *err)
{
    struct library *next = calloc(1, sizeof *next);
    struct replacing replacing = {.tree = tree,
                                  .old = old,
                                  .next = next,
                                  .going_back = going_back,
                                  .since_ns = clock_now_ns(),
                                  .err = err};
    /* In its place meanwhile: it exports nothing, and holds nothing. */
    struct library nobody = {0};
    size_t at = place_of(tree, old);

    if (!next)
        return err_set(err, -ENOMEM, "cannot replace library '%s'", old->name);
    tree->libraries[at] = &nobody;
    int r = replace(&replacing, file);
    tree->libraries[at] = next;
    if (r == 0)
        r = library_relocate(next, err);
    if (r == 0 && old->face)
        r = library_take_face(next, err);
    lap(&replacing, &replacing.times.load);
    if (r == 0 && old->face)
        r = compare_faces(&replacing);
    if (r == 0)
        r = exchange(&replacing);
    if (r < 0) {
        tree->libraries[at] = old;
        library_close(next);
        return r;
    }
    *ret_next = next;
    if (ret_times)
        *ret_times = replacing.times;
    return 0;
}

int link_tree_put_back(struct link_tree *tree, struct library *current, struct library *before,
                       struct err *err)
{
    struct replacing replacing = {
        .tree = tree, .old = current, .next = before, .going_back = true, .err = err};
    size_t at = place_of(tree, current);

    int r = map_of(current, "running", &replacing.from, err);
    if (r == 0)
        r = map_of(before, "former", &replacing.to, err);
    if (r < 0)
        return r;
    tree->libraries[at] = before;
    r = exchange(&replacing);
    if (r < 0)
        tree->libraries[at] = current;
    return r;
}

int link_tree_replace(struct link_tree *tree, struct library *old, const struct link_file *file,
                      bool going_back, struct update_times *ret_times, struct err *err)
{
    struct library *next;
    int r = link_tree_put(tree, old, file, going_back, &next, ret_times, err);

    if (r == 0)
        library_close(old);
    return r;
}
