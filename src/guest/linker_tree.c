/* The libraries of a tree: linked all or none, found by name, taken out again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "guest/linker.h"
#include "guest/linker_internal.h"
#include "guest/linker_tree.h"

static int refuse(struct err *err, const char *cause)
{
    return err_say(err, -ENOEXEC, "cannot link library: %s", cause);
}

int link_tree_new(const struct link_tree_options *options, struct link_tree **ret_tree,
                  struct err *err)
{
    struct link_tree *tree = calloc(1, sizeof *tree);

    if (!tree)
        return err_set(err, -ENOMEM, "cannot make a tree of libraries");
    tree->options = *options;
    *ret_tree = tree;
    return 0;
}

void link_tree_free(struct link_tree *tree)
{
    if (!tree)
        return;
    for (size_t i = 0; i < tree->count; i++)
        library_close(tree->libraries[i]);
    free(tree);
}

struct library *link_tree_find(const struct link_tree *tree, const char *name)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->libraries[i]->name, name) == 0)
            return tree->libraries[i];
    }
    return NULL;
}

struct library *link_tree_holder(const struct link_tree *tree, uintptr_t address)
{
    for (size_t i = 0; i < tree->count; i++) {
        const struct library *library = tree->libraries[i];
        if (address >= (uintptr_t)library->base &&
            address - (uintptr_t)library->base < library->image.span)
            return tree->libraries[i];
    }
    return NULL;
}

/* Who exports `name`, of all that are there or being added. */
static const struct library_export *find_export(const struct link_tree *tree, const char *name,
                                                const struct library **ret_library)
{
    for (size_t i = 0; i < tree->count; i++) {
        const struct library_export *found = library_export_find(tree->libraries[i], name);
        if (found) {
            *ret_library = tree->libraries[i];
            return found;
        }
    }
    return NULL;
}

uintptr_t link_tree_symbol(const struct link_tree *tree, const char *name)
{
    const struct library *library;
    const struct library_export *found = find_export(tree, name, &library);

    if (found)
        return (uintptr_t)library->base + found->value;
    return tree->options.host ? tree->options.host(name) : 0;
}

uint64_t link_tree_bound(const struct link_tree *tree)
{
    return tree->bound;
}

/* ---- one library ---- */

/* Nothing that it exports is exported already, by another one or by the guest. */
static int check_clash(const struct link_tree *tree, const struct library *library, struct err *err)
{
    for (uint32_t i = 0; i < library->exports.count; i++) {
        const struct library_export *own = &library->exports.all[i];
        const char *name = own->name;

        for (size_t k = 0; k < tree->count; k++)
            if (library_export_find_hashed(tree->libraries[k], name, own->hash))
                return err_say(
                    err, -EEXIST,
                    "cannot link library '%s': symbol clash: '%.100s' is '%s' library's too",
                    library->name, name, tree->libraries[k]->name);
        if (tree->options.host && tree->options.host(name))
            return err_say(err, -EEXIST,
                           "cannot link library '%s': symbol clash: '%.100s' is the guest's own",
                           library->name, name);
    }
    return 0;
}

int library_open_one(struct link_tree *tree, const struct link_file *file, struct library *library,
                     struct err *err)
{
    memcpy(library->name, file->name, sizeof library->name);
    library->name[sizeof library->name - 1] = '\0';
    library->tree = tree;
    library->native = true;
    if (link_tree_find(tree, library->name))
        return err_say(err, -EEXIST, "cannot link library '%s': it is linked already",
                       library->name);
    int r = library_map_file(file->fd, file->bytes, library, err);
    if (r == 0)
        r = elf_image_read(library->image.file, library->image.file_bytes, &library->image, err);
    if (r == 0)
        r = library_index_exports(library, err);
    if (r == 0)
        r = check_clash(tree, library, err);
    return r < 0 ? r : library_map_image(library, file->fd, err);
}

/* The symbol of a relocation, by name; its own definition is found as others' are. */
static int read_symbol(const struct library *library, uint64_t index, Elf64_Sym *ret_symbol,
                       const char **ret_name, struct err *err)
{
    const struct elf_image *image = &library->image;

    if (index == 0 || index >= image->dynamic_symbol_count)
        return refuse(err, "a relocation names a symbol that is not there");
    memcpy(ret_symbol, &image->dynamic_symbols[index], sizeof *ret_symbol);
    *ret_name =
        elf_string(image->dynamic_strings, image->dynamic_string_bytes, ret_symbol->st_name);
    return *ret_name ? 0 : refuse(err, "a symbol's name lies outside of the file");
}

/* An address inside the image of who exports it: data may be pointed into, functions not. */
static int bind_now(const struct library *library, const Elf64_Rela *relocation,
                    uint64_t *ret_value, struct err *err)
{
    const struct link_tree *tree = library->tree;
    const struct library *owner;
    Elf64_Sym symbol;
    const char *name;

    int r = read_symbol(library, ELF64_R_SYM(relocation->r_info), &symbol, &name, err);
    if (r < 0)
        return r;
    uint64_t addend = (uint64_t)relocation->r_addend;
    const struct library_export *found = find_export(tree, name, &owner);
    if (found) {
        if (addend > (found->function ? 0 : found->bytes))
            return refuse(err, "a relocation points beside a symbol");
        *ret_value = (uintptr_t)owner->base + found->value + addend;
        return 0;
    }
    *ret_value = tree->options.host ? tree->options.host(name) : 0;
    if (addend != 0)
        return refuse(err, "a relocation points beside a symbol");
    if (*ret_value || ELF64_ST_BIND(symbol.st_info) == STB_WEAK)
        return 0;
    return err_say(err, -ENOENT, "cannot link library '%s': it needs '%.100s', which nobody has",
                   library->name, name);
}

/* A slot that is bound at the first call: it leads back to the library's own linkage table. */
static int defer(const struct library *library, const Elf64_Rela *relocation, uint64_t *ret_value,
                 struct err *err)
{
    const struct elf_image *image = &library->image;
    Elf64_Sym symbol;
    const char *name;
    uint64_t at;

    int r = read_symbol(library, ELF64_R_SYM(relocation->r_info), &symbol, &name, err);
    if (r < 0)
        return r;
    memcpy(&at, library->base + relocation->r_offset, sizeof at);
    if (at < image->text_start || at >= image->text_end)
        return refuse(err, "a slot of its linkage table leads outside of its code");
    if (relocation->r_offset + sizeof at > image->relro_start &&
        relocation->r_offset < image->relro_end)
        return refuse(err, "a slot that is bound at the first call is constant");
    *ret_value = (uintptr_t)library->base + at;
    return 0;
}

static int relocate_one(const struct library *library, const Elf64_Rela *relocation, bool lazy,
                        struct err *err)
{
    const struct elf_image *image = &library->image;
    uint64_t value = 0;
    int r = 0;

    if (!elf_image_writable(image, relocation->r_offset, sizeof value))
        return refuse(err, "a relocation lies outside of its data");
    switch (ELF64_R_TYPE(relocation->r_info)) {
    case R_X86_64_RELATIVE:
        if ((uint64_t)relocation->r_addend > image->span)
            return refuse(err, "a relocation points outside of it");
        value = (uintptr_t)library->base + (uint64_t)relocation->r_addend;
        break;
    case R_X86_64_JUMP_SLOT:
        if (lazy) {
            r = defer(library, relocation, &value, err);
            break;
        }
        __attribute__((fallthrough));
    case R_X86_64_64:
    case R_X86_64_GLOB_DAT:
        r = bind_now(library, relocation, &value, err);
        break;
    default:
        return err_say(err, -ENOEXEC, "cannot link library: relocation of kind %u",
                       (unsigned)ELF64_R_TYPE(relocation->r_info));
    }
    if (r == 0)
        memcpy(library->base + relocation->r_offset, &value, sizeof value);
    return r;
}

int library_relocate(struct library *library, struct err *err)
{
    const struct elf_image *image = &library->image;
    bool lazy = !image->bind_now && image->relocation_count[1] > 0;

    /* Its first three words, the linker's, may be among what is constant from now. */
    if (lazy && !elf_image_writable(image, image->plt_got, 24))
        return refuse(err, "its offset table is not in its data");
    for (int which = 0; which < 2; which++) {
        for (uint64_t i = 0; i < image->relocation_count[which]; i++) {
            Elf64_Rela one;

            memcpy(&one, &image->relocations[which][i], sizeof one);
            int r = relocate_one(library, &one, lazy && which == 1, err);
            if (r < 0)
                return r;
        }
    }
    if (lazy)
        library_bind_lazily(library);
    return library_protect(library, err);
}

/* ---- all or none ---- */

static int add_all(struct link_tree *tree, const struct link_file *files, size_t count,
                   struct err *err)
{
    size_t first = tree->count;

    for (size_t i = 0; i < count; i++) {
        struct library *library = calloc(1, sizeof *library);
        if (!library)
            return err_set(err, -ENOMEM, "cannot link library");
        int r = library_open_one(tree, &files[i], library, err);
        if (r < 0) {
            library_close(library);
            return r;
        }
        tree->libraries[tree->count++] = library;
    }
    /* All are there: they may need each other, in circles too. */
    for (size_t i = first; i < tree->count; i++) {
        int r = library_relocate(tree->libraries[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

int link_tree_add(struct link_tree *tree, const struct link_file *files, size_t count,
                  struct err *err)
{
    size_t before = tree->count;

    if (count > LINK_LIBRARIES_MAX - before)
        return err_say(err, -E2BIG, "cannot link library: a pVM has at most %u",
                       LINK_LIBRARIES_MAX);
    int r = add_all(tree, files, count, err);
    /* Nobody that was there before was changed. */
    while (r < 0 && tree->count > before)
        library_close(tree->libraries[--tree->count]);
    return r;
}

/* Slots that were bound to an address of `gone` lead back to their linkage table. */
static void unbind(const struct library *library, const struct library *gone)
{
    const struct elf_image *image = &library->image;

    for (uint64_t i = 0; i < image->relocation_count[1] && !image->bind_now; i++) {
        Elf64_Rela relocation;
        uint64_t at;
        uintptr_t value;

        memcpy(&relocation, &image->relocations[1][i], sizeof relocation);
        memcpy(&value, library->base + relocation.r_offset, sizeof value);
        if (value < (uintptr_t)gone->base || value - (uintptr_t)gone->base >= gone->image.span)
            continue;
        /* As the file has it; defer() looked at the same bytes. */
        const void *first = elf_image_at(image, relocation.r_offset, sizeof at);
        if (!first)
            continue;
        memcpy(&at, first, sizeof at);
        value = (uintptr_t)library->base + at;
        memcpy(library->base + relocation.r_offset, &value, sizeof value);
    }
}

void link_tree_remove(struct link_tree *tree, struct library *library)
{
    size_t kept = 0;

    for (size_t i = 0; i < tree->count; i++) {
        if (tree->libraries[i] == library)
            continue;
        unbind(tree->libraries[i], library);
        tree->libraries[kept++] = tree->libraries[i];
    }
    tree->count = kept;
    library_close(library);
}
