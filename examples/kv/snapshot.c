/*
 * The snapshot: a file of all keys. It is written beside the old one, synced and renamed, so that a
 * reader finds the old or the new one, whole. Each key: kind, expiry, lengths, bytes, in the byte
 * order of the machine; at the end a count, which says that it is whole.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kv.h"

#define MAGIC "vireo-kv 1\n"

struct record {
    uint32_t kind; /* enum kind; RECORD_END */
    uint32_t key_bytes;
    uint32_t count; /* bytes of a string, items of a list; the end: keys */
    uint32_t reserved;
    int64_t expires_ms;
};
#define RECORD_END 0xffffffffu

static void write_entry(FILE *file, const struct entry *entry)
{
    struct record record = {
        .kind = entry->kind,
        .key_bytes = entry->key_bytes,
        .count = entry->kind == KIND_STRING ? entry->bytes : entry->list.count,
        .expires_ms = entry->expires_ms,
    };

    fwrite(&record, sizeof record, 1, file);
    fwrite(entry->key, 1, entry->key_bytes, file);
    if (entry->kind == KIND_STRING)
        fwrite(entry->data, 1, entry->bytes, file);
    for (uint32_t i = 0; entry->kind == KIND_LIST && i < entry->list.count; i++) {
        const struct item *item = list_at(&entry->list, i);
        fwrite(&item->bytes, sizeof item->bytes, 1, file);
        fwrite(item->data, 1, item->bytes, file);
    }
}

int snapshot_write(const char *path)
{
    struct record end = {.kind = RECORD_END, .count = keys.count};
    char beside[300];

    snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = fopen(beside, "w");
    if (!file)
        return -1;
    setvbuf(file, NULL, _IOFBF, 64 << 10);
    fwrite(MAGIC, 1, sizeof MAGIC - 1, file);
    for (uint32_t i = 0; keys.buckets && i <= keys.mask; i++)
        for (const struct entry *at = keys.buckets[i]; at; at = at->next)
            write_entry(file, at);
    fwrite(&end, sizeof end, 1, file);
    bool good = fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0;
    good = fclose(file) == 0 && good;
    return good ? rename(beside, path) : -1;
}

static bool read_text(FILE *file, uint32_t bytes, char *buffer, struct text *ret_text)
{
    *ret_text = (struct text){buffer, bytes};
    return bytes <= BULK_MAX && fread(buffer, 1, bytes, file) == bytes;
}

static bool read_entry(FILE *file, const struct record *record, char *buffer)
{
    struct text text;

    if (record->kind > KIND_LIST || !read_text(file, record->key_bytes, buffer, &text))
        return false;
    struct entry *entry = table_get(text);
    if (!entry)
        return false;
    entry_expire(entry, record->expires_ms);
    if (record->kind == KIND_STRING)
        return read_text(file, record->count, buffer, &text) &&
               entry_set(entry, text.data, text.bytes);
    entry_become_list(entry);
    for (uint32_t i = 0; i < record->count; i++) {
        uint32_t bytes;
        if (fread(&bytes, sizeof bytes, 1, file) != 1 || !read_text(file, bytes, buffer, &text) ||
            !list_push(&entry->list, false, text))
            return false;
    }
    return true;
}

long snapshot_read(const char *path)
{
    char magic[sizeof MAGIC - 1];
    struct record record;
    long count = 0;

    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    char *buffer = malloc(BULK_MAX);
    bool good = buffer && fread(magic, 1, sizeof magic, file) == sizeof magic &&
                memcmp(magic, MAGIC, sizeof magic) == 0;
    while (good && (good = fread(&record, sizeof record, 1, file) == 1) &&
           record.kind != RECORD_END) {
        good = read_entry(file, &record, buffer);
        count++;
    }
    good = good && record.count == (uint32_t)count;
    free(buffer);
    fclose(file);
    if (!good)
        errno = EBADMSG;
    return good ? count : -1;
}
