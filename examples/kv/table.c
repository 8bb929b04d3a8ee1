/* The keys: a hash table with chains, doubled when it is full; lists as rings. */
#include <stdlib.h>
#include <string.h>

#include "kv.h"

#define FIRST_BUCKETS 1024u

struct table keys;

/* Keys are the clients', so the hash must not be one that they can foresee cheaply: a seed. */
static uint32_t seed;

static uint32_t hash_of(struct text key)
{
    uint64_t hash = 0x9e3779b97f4a7c15u ^ seed;

    while (key.bytes >= 8) {
        uint64_t word;
        memcpy(&word, key.data, 8);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
        key.data += 8;
        key.bytes -= 8;
    }
    for (uint32_t i = 0; i < key.bytes; i++)
        hash = (hash ^ (unsigned char)key.data[i]) * 0x100000001b3u;
    hash *= 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(hash ^ hash >> 32);
}

static bool table_grow(void)
{
    uint32_t size = keys.buckets ? (keys.mask + 1) * 2 : FIRST_BUCKETS;
    struct entry **buckets = calloc(size, sizeof(struct entry *));

    if (!buckets)
        return false;
    if (!keys.buckets)
        seed = (uint32_t)server.started_ms;
    for (uint32_t i = 0; keys.buckets && i <= keys.mask; i++) {
        for (struct entry *at = keys.buckets[i], *next; at; at = next) {
            next = at->next;
            at->next = buckets[at->hash & (size - 1)];
            buckets[at->hash & (size - 1)] = at;
        }
    }
    free(keys.buckets);
    keys.buckets = buckets;
    keys.mask = size - 1;
    return true;
}

static void entry_empty(struct entry *entry)
{
    if (entry->kind == KIND_STRING) {
        free(entry->data);
    } else {
        struct item *item;
        while ((item = list_pop(&entry->list, true)))
            free(item);
        free(entry->list.items);
    }
}

static void entry_remove(struct entry **at)
{
    struct entry *entry = *at;

    *at = entry->next;
    entry_empty(entry);
    free(entry);
    keys.count--;
}

static struct entry **place_of(struct text key, uint32_t hash)
{
    struct entry **at = &keys.buckets[hash & keys.mask];

    while (*at && ((*at)->hash != hash || (*at)->key_bytes != key.bytes ||
                   memcmp((*at)->key, key.data, key.bytes) != 0))
        at = &(*at)->next;
    return at;
}

static bool has_expired(const struct entry *entry)
{
    return entry->expires_ms && entry->expires_ms <= server.now_ms;
}

struct entry *table_find(struct text key)
{
    if (!keys.buckets)
        return NULL;
    struct entry **at = place_of(key, hash_of(key));
    if (*at && has_expired(*at)) {
        entry_remove(at);
        keys.expired++;
        return NULL;
    }
    return *at;
}

struct entry *table_get(struct text key)
{
    uint32_t hash = hash_of(key);

    if ((!keys.buckets || keys.count > keys.mask) && !table_grow() && !keys.buckets)
        return NULL;
    /* The first table brings the seed. */
    if (keys.count == 0)
        hash = hash_of(key);
    struct entry **at = place_of(key, hash);
    if (*at && has_expired(*at)) {
        entry_remove(at);
        keys.expired++;
        at = place_of(key, hash);
    }
    if (*at)
        return *at;
    struct entry *entry = malloc(sizeof *entry + key.bytes);
    if (!entry)
        return NULL;
    *entry = (struct entry){.hash = hash, .key_bytes = key.bytes, .kind = KIND_STRING};
    memcpy(entry->key, key.data, key.bytes);
    *at = entry;
    keys.count++;
    return entry;
}

bool table_remove(struct text key)
{
    if (!table_find(key))
        return false;
    entry_remove(place_of(key, hash_of(key)));
    return true;
}

void table_clear(void)
{
    for (uint32_t i = 0; keys.buckets && i <= keys.mask; i++)
        while (keys.buckets[i])
            entry_remove(&keys.buckets[i]);
}

void entry_expire(struct entry *entry, int64_t at_ms)
{
    entry->expires_ms = at_ms;
    if (at_ms)
        keys.expiring = keys.seen = true;
}

void table_sweep(uint32_t buckets)
{
    for (uint32_t i = 0; keys.expiring && i < buckets && i <= keys.mask; i++) {
        if ((keys.swept & keys.mask) == 0) {
            keys.expiring = keys.seen;
            keys.seen = false;
        }
        struct entry **at = &keys.buckets[keys.swept++ & keys.mask];
        while (*at) {
            keys.seen |= (*at)->expires_ms != 0;
            if (has_expired(*at)) {
                entry_remove(at);
                keys.expired++;
            } else {
                at = &(*at)->next;
            }
        }
    }
}

bool entry_set(struct entry *entry, const char *data, uint32_t bytes)
{
    if (entry->kind != KIND_STRING) {
        entry_empty(entry);
        entry->kind = KIND_STRING;
        entry->data = NULL;
        entry->bytes = entry->capacity = 0;
    }
    /* In place, unless most of it would be unused. */
    if (bytes > entry->capacity || bytes < entry->capacity / 4) {
        char *grown = realloc(entry->data, bytes ? bytes : 1);
        if (!grown)
            return false;
        entry->data = grown;
        entry->capacity = bytes ? bytes : 1;
    }
    memcpy(entry->data, data, bytes);
    entry->bytes = bytes;
    return true;
}

void entry_become_list(struct entry *entry)
{
    free(entry->data);
    entry->kind = KIND_LIST;
    entry->bytes = entry->capacity = 0;
    entry->list = (struct list){0};
}

/* ---- lists ---- */

static bool list_grow(struct list *list)
{
    uint32_t capacity = list->capacity ? list->capacity * 2 : 8;
    struct item **items = malloc(capacity * sizeof(struct item *));

    if (!items)
        return false;
    for (uint32_t i = 0; i < list->count; i++)
        items[i] = list->items[(list->first + i) & (list->capacity - 1)];
    free(list->items);
    list->items = items;
    list->first = 0;
    list->capacity = capacity;
    return true;
}

bool list_push(struct list *list, bool front, struct text text)
{
    if (list->count == list->capacity && !list_grow(list))
        return false;
    struct item *item = malloc(sizeof *item + text.bytes);
    if (!item)
        return false;
    item->bytes = text.bytes;
    memcpy(item->data, text.data, text.bytes);
    if (front)
        list->first = (list->first - 1) & (list->capacity - 1);
    list->items[(list->first + (front ? 0 : list->count)) & (list->capacity - 1)] = item;
    list->count++;
    return true;
}

struct item *list_pop(struct list *list, bool front)
{
    if (list->count == 0)
        return NULL;
    uint32_t index = front ? list->first : list->first + list->count - 1;
    struct item *item = list->items[index & (list->capacity - 1)];
    list->first += front;
    list->count--;
    return item;
}

const struct item *list_at(const struct list *list, uint32_t index)
{
    return list->items[(list->first + index) & (list->capacity - 1)];
}
