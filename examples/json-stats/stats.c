/* Statistics gathered from a visitor's calls. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats.h"

static uint32_t bucket_of(const struct path *parent, const char *key, size_t size)
{
    uint32_t hash = 2166136261u ^ (uint32_t)((uintptr_t)parent >> 4); /* FNV-1a */

    for (size_t i = 0; key && i < size; i++)
        hash = (hash ^ (uint8_t)key[i]) * 16777619u;
    return (hash ^ hash >> 15) % 4096;
}

/* The path below `parent`; made when it is new. NULL: out of memory. */
static struct path *path_at(struct stats *stats, struct path *parent, const char *key, size_t size)
{
    uint32_t bucket = bucket_of(parent, key, size);
    struct path *path;

    for (path = stats->buckets[bucket]; path; path = path->next_in_bucket)
        if (path->parent == parent && !path->key == !key && path->key_size == size &&
            (size == 0 || memcmp(path->key, key, size) == 0))
            return path;

    /* The last place is for whatever is new from there on. */
    if (stats->rest)
        return stats->rest;
    path = calloc(1, sizeof *path);
    if (!path)
        return NULL;
    if (key && !(path->key = malloc(size + 1))) {
        free(path);
        return NULL;
    }
    if (size > 0)
        memcpy(path->key, key, size);
    path->key_size = size;
    path->parent = parent;
    if (stats->path_count == PATHS_MAX - 1)
        stats->rest = path;
    path->next_in_bucket = stats->buckets[bucket];
    stats->buckets[bucket] = path;
    stats->paths[stats->path_count++] = path;
    return path;
}

static void add_number(struct stats *stats, struct path *path, double number)
{
    if (path->number_count == path->number_capacity) {
        size_t capacity = path->number_capacity ? path->number_capacity * 2 : 4;
        double *grown = realloc(path->numbers, capacity * sizeof *grown);
        if (!grown) {
            stats->out_of_memory = true;
            return;
        }
        path->numbers = grown;
        path->number_capacity = capacity;
    }
    path->numbers[path->number_count++] = number;
    if (path->number_count == 1 || number < path->min)
        path->min = number;
    if (path->number_count == 1 || number > path->max)
        path->max = number;
    path->total += number;
    double difference = number - path->mean;
    path->mean += difference / (double)path->number_count;
    path->squares += difference * (number - path->mean);
}

static void on_value(void *user, enum json_kind kind, double number, size_t length)
{
    struct stats *stats = user;
    struct path *above = stats->depth > 0 ? stats->stack[stats->depth - 1] : NULL;
    struct path *path = stats->pending ? stats->pending : path_at(stats, above, NULL, 0);

    stats->pending = NULL;
    if (!path) {
        stats->out_of_memory = true;
        path = above ? above : stats->paths[0];
        if (!path)
            return;
    }
    stats->kinds[kind]++;
    path->kinds[kind]++;
    if (kind == JSON_NUMBER)
        add_number(stats, path, number);
    if (kind == JSON_STRING && length > path->longest_string)
        path->longest_string = length;
    if (kind == JSON_ARRAY || kind == JSON_OBJECT) {
        stats->object_ids[stats->depth] = ++stats->objects;
        stats->stack[stats->depth++] = path;
        if (stats->depth > stats->deepest)
            stats->deepest = stats->depth;
    }
}

static void on_key(void *user, const char *key, size_t size)
{
    struct stats *stats = user;
    uint64_t object = stats->object_ids[stats->depth - 1];
    struct path *path = path_at(stats, stats->stack[stats->depth - 1], key, size);

    stats->keys++;
    if (!path) {
        stats->out_of_memory = true;
        return;
    }
    if (path->last_object == object && path != stats->rest)
        stats->duplicate_keys++;
    path->last_object = object;
    stats->pending = path;
}

static void on_end(void *user, enum json_kind kind)
{
    struct stats *stats = user;

    (void)kind;
    stats->depth--;
}

struct stats *stats_new(void)
{
    return calloc(1, sizeof(struct stats));
}

void stats_free(struct stats *stats)
{
    for (size_t i = 0; stats && i < stats->path_count; i++) {
        free(stats->paths[i]->key);
        free(stats->paths[i]->numbers);
        free(stats->paths[i]);
    }
    free(stats);
}

struct json_visitor stats_visitor(struct stats *stats)
{
    return (struct json_visitor){.user = stats, .value = on_value, .key = on_key, .end = on_end};
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

double path_median(struct path *path)
{
    size_t half = path->number_count / 2;

    qsort(path->numbers, path->number_count, sizeof *path->numbers, compare);
    if (path->number_count % 2)
        return path->numbers[half];
    /* Halved before they are added: two large numbers would be infinite together. */
    return path->numbers[half - 1] / 2 + path->numbers[half] / 2;
}

double path_deviation(const struct path *path)
{
    return path->number_count > 0 ? sqrt(path->squares / (double)path->number_count) : 0;
}
