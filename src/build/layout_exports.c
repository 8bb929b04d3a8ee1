/*
 * A library for others exports what its sources make visible. The linker exports a variable besides
 * that is hidden, but used by several of its files: those have its address in a global of the
 * module ("GOT.data.internal.NAME"), and by that name such a variable is known here and taken out,
 * so that two libraries may each have one of the same name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/layout.h"

#define INTERNAL "GOT.data.internal."
enum { CUSTOM = 0, EXPORT = 7 };
enum { NAMES_OF_GLOBALS = 7, KIND_GLOBAL = 3 };

static struct layout_reader read_section(const struct layout_module *module,
                                         const struct layout_section *section)
{
    return (struct layout_reader){
        .bytes = module->bytes, .at = section->at, .end = section->at + section->size};
}

/* A name's bytes; the reader is behind it then. */
static const char *take_name(struct layout_reader *reader, size_t *ret_bytes)
{
    uint64_t bytes = layout_unsigned(reader);
    const char *name = (const char *)reader->bytes + reader->at;

    if (bytes > reader->end - reader->at)
        reader->failed = true;
    *ret_bytes = reader->failed ? 0 : (size_t)bytes;
    reader->at += *ret_bytes;
    return name;
}

/* Whether a global of the module has the address of the variable of this name. */
static bool is_internal(const struct layout_module *module, const char *name, size_t bytes)
{
    const size_t prefix = strlen(INTERNAL);
    const struct layout_section *names = layout_section_find(module, CUSTOM, "name");

    if (!names)
        return false;
    struct layout_reader reader = read_section(module, names);
    while (!reader.failed && reader.at < reader.end) {
        uint64_t kind = layout_unsigned(&reader), size = layout_unsigned(&reader);
        if (size > reader.end - reader.at)
            return false;
        struct layout_reader part = {
            .bytes = reader.bytes, .at = reader.at, .end = reader.at + (size_t)size};
        reader.at = part.end;
        uint64_t count = kind == NAMES_OF_GLOBALS ? layout_unsigned(&part) : 0;
        for (uint64_t i = 0; i < count && !part.failed; i++) {
            size_t length;
            layout_unsigned(&part);
            const char *found = take_name(&part, &length);
            if (length == prefix + bytes && memcmp(found, INTERNAL, prefix) == 0 &&
                memcmp(found + prefix, name, bytes) == 0)
                return true;
        }
    }
    return false;
}

/* The exports but for those, and how many. */
static int write_exports(FILE *to, const struct layout_module *module,
                         const struct layout_section *section, uint64_t *ret_count)
{
    struct layout_reader reader = read_section(module, section);
    uint64_t count = layout_unsigned(&reader);

    *ret_count = 0;
    for (uint64_t i = 0; i < count && !reader.failed; i++) {
        size_t at = reader.at, bytes;
        const char *name = take_name(&reader, &bytes);
        uint64_t kind = layout_unsigned(&reader);
        layout_unsigned(&reader);
        if (reader.failed || (kind == KIND_GLOBAL && is_internal(module, name, bytes)))
            continue;
        fwrite(reader.bytes + at, 1, reader.at - at, to);
        ++*ret_count;
    }
    return reader.failed ? -EINVAL : 0;
}

static int write_section(FILE *to, const struct layout_module *module,
                         const struct layout_section *section)
{
    _cleanup_(freep) char *text = NULL;
    size_t size = 0;
    uint64_t count;

    FILE *body = open_memstream(&text, &size);
    if (!body)
        return -ENOMEM;
    int r = write_exports(body, module, section, &count);
    if (fclose(body) != 0 || r < 0)
        return r < 0 ? r : -ENOMEM;
    /* The count in five bytes: it is written before them. */
    uint8_t leb[5];
    layout_put_leb(leb, (uint32_t)count, false);
    fputc(EXPORT, to);
    layout_write_unsigned(to, sizeof leb + size);
    fwrite(leb, 1, sizeof leb, to);
    fwrite(text, 1, size, to);
    return 0;
}

int layout_hide(uint8_t *bytes, size_t size, void **ret_module, size_t *ret_size, struct err *err)
{
    _cleanup_(layout_module_clear) struct layout_module module = {.bytes = bytes, .size = size};
    char *text = NULL;
    size_t from = 0;

    int r = layout_sections_read(&module, err);
    if (r < 0)
        return r;
    const struct layout_section *exports = layout_section_find(&module, EXPORT, NULL);
    FILE *to = open_memstream(&text, ret_size);
    if (!to)
        return err_set(err, -ENOMEM, "cannot hide what a library has for itself");
    if (exports) {
        fwrite(bytes, 1, exports->begin, to);
        r = write_section(to, &module, exports);
        from = exports->at + exports->size;
    }
    fwrite(bytes + from, 1, size - from, to);
    if (fclose(to) != 0 || r < 0) {
        free(text);
        return err_set(err, r < 0 ? r : -ENOMEM, "cannot hide what a library has for itself");
    }
    *ret_module = text;
    return 0;
}
