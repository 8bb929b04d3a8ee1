/* Makes tar files for tests, also ones that no packer would make. Memory is the caller's. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tar_made {
    uint8_t *bytes;
    size_t size;
};

static inline void tar_made_clear(struct tar_made *tar)
{
    free(tar->bytes);
}

static inline uint8_t *tar_block(struct tar_made *tar, size_t size)
{
    size_t padded = (size + 511) / 512 * 512;

    tar->bytes = realloc(tar->bytes, tar->size + padded + 1);
    if (!tar->bytes)
        abort();
    memset(tar->bytes + tar->size, 0, padded + 1);
    tar->size += padded;
    return tar->bytes + tar->size - padded;
}

static inline void tar_checksum(uint8_t *header)
{
    unsigned sum = 0;

    memset(header + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += header[i];
    snprintf((char *)header + 148, 8, "%06o", sum);
}

/* type '0': file, '2': symbolic link to `data`, 'x': pax header, ... */
static inline void tar_add(struct tar_made *tar, char type, const char *name, const char *data,
                           size_t size)
{
    uint8_t *header = tar_block(tar, 512);
    size_t name_size = strlen(name);
    char size_text[32];

    memcpy(header, name, name_size < 100 ? name_size : 100);
    strcpy((char *)header + 100, "0000644");
    snprintf(size_text, sizeof size_text, "%011zo", type == '2' ? (size_t)0 : size);
    memcpy(header + 124, size_text, 12);
    header[156] = (uint8_t)type;
    if (type == '2')
        memcpy(header + 157, data, size);
    memcpy(header + 257, "ustar\00000", 8);
    tar_checksum(header);
    if (type != '2' && size > 0)
        memcpy(tar_block(tar, size), data, size);
}

static inline void tar_file(struct tar_made *tar, const char *name, const char *text)
{
    tar_add(tar, '0', name, text, strlen(text));
}

static inline void tar_end(struct tar_made *tar)
{
    tar_block(tar, 1024);
}
