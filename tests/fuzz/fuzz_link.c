/*
 * Native libraries as the guest links them into a tree, and one replaced by another with the symbol
 * maps of both: the first four bytes say how long the first file is. Nothing of them is run.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "fuzz.h"
#include "guest/linker.h"
#include "guest/linker_internal.h"

/* What passes over all of a large image takes its time, and finds no more. */
#define SPAN_MAX (1u << 20)

static uintptr_t host_symbol(const char *name)
{
    return strcmp(name, "malloc") == 0 || strcmp(name, "snprintf") == 0 ? 1 : 0;
}

__attribute__((noreturn)) static void missing(const char *name, uintptr_t return_address)
{
    (void)name, (void)return_address;
    abort();
}

static bool is_small(const uint8_t *data, size_t size)
{
    struct elf_image image = {0};
    uint8_t *copy = malloc(size ? size : 1);

    CHECK(copy);
    memcpy(copy, data, size);
    bool small = elf_image_read(copy, size, &image, NULL) < 0 || image.span <= SPAN_MAX;
    free(copy);
    return small;
}

/* Everything in the tree lies in its own image. */
static void is_sound(const struct link_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        const struct library *library = tree->libraries[i];
        CHECK(library->base && library->image.span > 0);
        CHECK(link_tree_holder(tree, (uintptr_t)library->base) == library);
        for (uint32_t k = 0; k < library->exports.count; k++)
            CHECK(library->exports.all[k].value <= library->image.span);
        for (uint32_t k = 0; k < library->exports.place_count; k++)
            CHECK(library->exports.places[k] <= library->exports.count);
    }
}

static void link_both(int first, int second)
{
    const struct link_tree_options options = {.host = host_symbol, .missing = missing};
    const struct link_file files[2] = {{.fd = first, .name = "first"},
                                       {.fd = second, .name = "second"}};
    struct link_tree *tree;
    struct err err = {0};

    CHECK(link_tree_new(&options, &tree, &err) == 0);
    int r = link_tree_add(tree, &files[0], 1, &err);
    CHECK(r == 0 ? tree->count == 1 : tree->count == 0 && err.message[0]);
    is_sound(tree);
    if (r == 0) {
        struct library *old = link_tree_find(tree, "first");
        err = (struct err){0};
        r = link_tree_replace(tree, old, &files[1], false, NULL, &err);
        CHECK(tree->count == 1);
        CHECK(r == 0 ? link_tree_find(tree, "second") && !link_tree_find(tree, "first")
                     : link_tree_find(tree, "first") == old && err.message[0]);
        is_sound(tree);
    }
    /* Both beside each other: what they export clashes, mostly. */
    link_tree_add(tree, &files[1], 1, &err);
    is_sound(tree);
    link_tree_free(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t bytes;
    int first = -1, second = -1;

    if (size < sizeof bytes)
        return 0;
    memcpy(&bytes, data, sizeof bytes);
    data += sizeof bytes, size -= sizeof bytes;
    if (bytes > size)
        bytes = (uint32_t)size;
    if (!is_small(data, bytes) || !is_small(data + bytes, size - bytes))
        return 0;
    CHECK(fd_sealed_copy("first", data, bytes, &first, NULL) == 0);
    CHECK(fd_sealed_copy("second", data + bytes, size - bytes, &second, NULL) == 0);
    link_both(first, second);
    close(first);
    close(second);
    return 0;
}
