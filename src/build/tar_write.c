/* The writer of tars. A library that writes each format there is would load forty others. */
#include "build/tar_write.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build/tar_format.h"

#define SIZE_MAX_BYTES 077777777777ULL /* eleven digits */

/* Room for so many bytes more, zeroed; NULL: there is no memory. */
static char *reserve(struct tar_writer *writer, size_t size)
{
    size_t wanted;

    if (__builtin_add_overflow(writer->size, size, &wanted))
        return NULL;
    if (wanted > writer->capacity) {
        size_t capacity = wanted + wanted / 2;
        char *grown = realloc(writer->bytes, capacity);
        if (!grown)
            return NULL;
        writer->bytes = grown;
        writer->capacity = capacity;
    }
    char *at = writer->bytes + writer->size;
    memset(at, 0, size);
    writer->size = wanted;
    return at;
}

static bool put_path(struct tar_header *header, const char *path)
{
    size_t length = strlen(path);
    const char *slash = path;

    if (length <= sizeof header->name) {
        memcpy(header->name, path, length);
        return true;
    }
    /* The first slash behind which the rest has room. */
    slash = strchr(path + length - sizeof header->name - 1, '/');
    if (slash == path)
        slash = strchr(slash + 1, '/');
    if (!slash || slash[1] == '\0' || (size_t)(slash - path) > sizeof header->prefix)
        return false;
    memcpy(header->prefix, path, (size_t)(slash - path));
    memcpy(header->name, slash + 1, strlen(slash + 1));
    return true;
}

/* Digits and a space; where the field is wider by one, its last byte stays NUL. */
static void put_octal(char *field, int digits, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%0*llo ", digits, (unsigned long long)value);
    memcpy(field, text, (size_t)digits + 1);
}

static void put_checksum(struct tar_header *header)
{
    const uint8_t *bytes = (const uint8_t *)header;
    unsigned sum = 0;

    memset(header->checksum, ' ', sizeof header->checksum); /* counts as spaces */
    for (size_t i = 0; i < sizeof *header; i++)
        sum += bytes[i];
    snprintf(header->checksum, sizeof header->checksum - 1, "%06o", sum);
}

int tar_writer_add(struct tar_writer *writer, const char *path, const void *data, size_t size)
{
    struct tar_header header = {.type = '0', .magic = "ustar", .version = {'0', '0'}};

    if (!put_path(&header, path))
        return -ENAMETOOLONG;
    if (size > SIZE_MAX_BYTES)
        return -EFBIG;
    put_octal(header.mode, 6, 0644);
    put_octal(header.uid, 6, 0);
    put_octal(header.gid, 6, 0);
    put_octal(header.size, 11, size);
    put_octal(header.mtime, 11, 0);
    put_octal(header.major, 6, 0);
    put_octal(header.minor, 6, 0);
    put_checksum(&header);
    char *at = reserve(writer, sizeof header);
    if (!at)
        return -ENOMEM;
    memcpy(at, &header, sizeof header);
    at = reserve(writer, (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK);
    if (!at)
        return -ENOMEM;
    if (size)
        memcpy(at, data, size);
    return 0;
}

int tar_writer_end(struct tar_writer *writer)
{
    return reserve(writer, 2 * TAR_BLOCK) ? 0 : -ENOMEM;
}
