/* What is counted while a document is read: kinds, depth, and each path's values. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parse.h"

/* Paths beyond this number are counted together, as one "(others)". */
#define PATHS_MAX 4096

/* One place in documents of this shape: "$.orders[].price" is all prices of all orders. */
struct path {
    struct path *parent, *next_in_bucket;
    char *key; /* NULL: the elements of an array, or the root */
    size_t key_size;
    uint64_t kinds[JSON_KINDS];
    uint64_t last_object; /* that had this key: a second time in one object is a duplicate */
    /* Numbers: Welford's mean and sum of squared differences. */
    double min, max, mean, squares, total;
    double *numbers; /* all of them, for the median */
    size_t number_count, number_capacity;
    size_t longest_string;
};

struct stats {
    struct path *paths[PATHS_MAX];
    size_t path_count;
    struct path *buckets[4096];
    struct path *stack[JSON_DEPTH_MAX + 1]; /* of the open arrays and objects */
    uint64_t object_ids[JSON_DEPTH_MAX + 1];
    size_t depth, deepest;
    struct path *pending; /* of the value to come; NULL: an element of the open array */
    uint64_t objects, keys, duplicate_keys, kinds[JSON_KINDS];
    struct path *rest; /* the one for all that came after PATHS_MAX */
    bool out_of_memory;
};

/* malloc'ed; NULL: out of memory. */
struct stats *stats_new(void);
void stats_free(struct stats *stats);
struct json_visitor stats_visitor(struct stats *stats);

double path_median(struct path *path); /* sorts its numbers */
double path_deviation(const struct path *path);
