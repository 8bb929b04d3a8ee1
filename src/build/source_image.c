/* Source images: head and packed source, made and checked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/build.h"
#include "build/source_image.h"
#include "build/tar.h"
#include "guest/library.h"
#include "guest/source_image.h"

#define MAGIC_BYTES (sizeof SOURCE_IMAGE_MAGIC - 1)

bool source_image_is(const void *bytes, size_t size)
{
    return size >= MAGIC_BYTES && memcmp(bytes, SOURCE_IMAGE_MAGIC, MAGIC_BYTES) == 0;
}

int source_image_make(const struct library_note *note, const char *runtime, const void *tar,
                      size_t tar_size, void **ret_image, size_t *ret_size, struct err *err)
{
    struct source_image_head head = {.version = SOURCE_IMAGE_VERSION, .tar_bytes = tar_size};
    uint8_t *image = calloc(1, SOURCE_IMAGE_HEAD_BYTES + tar_size);

    if (!image)
        return err_set(err, -ENOMEM, "cannot build '%s'", note->name);
    memcpy(head.magic, SOURCE_IMAGE_MAGIC, sizeof head.magic);
    memcpy(head.source_hash, note->source_hash, sizeof head.source_hash);
    strcpy(head.name, note->name);
    strcpy(head.function_version, note->version);
    strncpy(head.runtime, runtime, sizeof head.runtime - 1);
    memcpy(image, &head, sizeof head);
    memcpy(image + SOURCE_IMAGE_HEAD_BYTES, tar, tar_size);
    *ret_image = image;
    *ret_size = SOURCE_IMAGE_HEAD_BYTES + tar_size;
    return 0;
}

static int refuse(struct err *err, const char *reason)
{
    return err_say(err, -ENOEXEC, "cannot accept a source image: %s", reason);
}

/* A text that ends in its field and is followed by zeros alone, of characters that names have. */
static bool is_text(const char *text, size_t size, bool may_be_empty)
{
    size_t length = strnlen(text, size);

    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
    for (size_t i = length; i < size; i++)
        if (text[i])
            return false;
    return length < size && (length > 0 || may_be_empty);
}

int source_image_check(const void *bytes, size_t size, struct library_note *ret_note,
                       struct err *err)
{
    struct source_image_head head;
    struct library_note note = {.abi = LIBRARY_ABI, .safety = "container", .kind = "handler"};
    const uint8_t *at = bytes;

    if (size < SOURCE_IMAGE_HEAD_BYTES || !source_image_is(bytes, size))
        return refuse(err, "it has no head");
    memcpy(&head, bytes, sizeof head);
    for (size_t i = sizeof head; i < SOURCE_IMAGE_HEAD_BYTES; i++)
        if (at[i])
            return refuse(err, "its head is not zero to its end");
    if (head.version != SOURCE_IMAGE_VERSION || head.reserved != 0)
        return refuse(err, "it is of another version");
    if (head.tar_bytes != size - SOURCE_IMAGE_HEAD_BYTES || head.tar_bytes > SOURCE_MAX_BYTES)
        return refuse(err, "its size is not what its head says");
    if (!is_text(head.name, sizeof head.name, false) ||
        !is_text(head.function_version, sizeof head.function_version, true) ||
        !is_text(head.runtime, sizeof head.runtime, false) || strcmp(head.runtime, "python") != 0)
        return refuse(err, "a text of its head is not proper");
    struct tar_reader reader = {.bytes = at + SOURCE_IMAGE_HEAD_BYTES,
                                .size = (size_t)head.tar_bytes};
    struct tar_entry entry;
    struct err reason = {0};
    int r;
    while ((r = tar_next(&reader, &entry, &reason)) > 0)
        ;
    if (r < 0)
        return refuse(err, reason.message);
    strcpy(note.name, head.name);
    strcpy(note.version, head.function_version);
    memcpy(note.source_hash, head.source_hash, sizeof note.source_hash);
    *ret_note = note;
    return 0;
}
