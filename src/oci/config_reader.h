/*
 * Reads objects of a configuration by tables: one row a field, with its type, its place in the
 * struct and its bounds. Unknown fields are ignored, as the specification demands; null is absent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/config.h"

struct json_object;

/* A value and how one came to it, for messages; lives on the stack of the readers. */
struct at {
    const struct at *up;
    const char *key; /* NULL: element `index` of a list */
    size_t index;
    struct json_object *value;
};

struct reader {
    const char *name; /* of the file */
    struct oci_config *config;
    struct err *err;
};

struct field;
/* Reads at->value into `out`; 0 or -errno with a message that names the path. */
typedef int (*read_value)(struct reader *reader, const struct at *at, const struct field *field,
                          void *out);

struct field {
    const char *key;
    read_value read;
    size_t offset;
    int64_t min, max;             /* of numbers; both 0: the type's own */
    size_t count_offset;          /* of lists: where their length goes */
    const struct choice *choices; /* of words that are numbers; ends with NULL */
    bool required;
};

struct choice {
    const char *word;
    uint64_t number;
};

#define FIELD(key_, read_, type_, member_)                                 \
    {                                                                      \
        .key = (key_), .read = (read_), .offset = offsetof(type_, member_) \
    }
#define FIELD_REQUIRED(key_, read_, type_, member_)                                          \
    {                                                                                        \
        .key = (key_), .read = (read_), .offset = offsetof(type_, member_), .required = true \
    }
#define FIELD_RANGE(key_, read_, type_, member_, min_, max_)                               \
    {                                                                                      \
        .key = (key_), .read = (read_), .offset = offsetof(type_, member_), .min = (min_), \
        .max = (max_)                                                                      \
    }
#define FIELD_LIST(key_, read_, type_, list_, count_)                     \
    {                                                                     \
        .key = (key_), .read = (read_), .offset = offsetof(type_, list_), \
        .count_offset = offsetof(type_, count_)                           \
    }
#define FIELD_CHOICE(key_, read_, type_, member_, choices_, required_)                             \
    {                                                                                              \
        .key = (key_), .read = (read_), .offset = offsetof(type_, member_), .choices = (choices_), \
        .required = (required_)                                                                    \
    }

/* Zeroed memory of the configuration; NULL: none is left. */
void *config_memory(struct oci_config *config, size_t count, size_t size);

/* "cannot read 'config.json': linux.resources: " and what is wrong; returns -EINVAL. */
int refuse(struct reader *reader, const struct at *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of the value that `key` has in the object `above`. */
#define refuse_key(reader, above, name, ...) \
    refuse(reader, &(const struct at){.up = (above), .key = (name)}, __VA_ARGS__)

/* An object, field by field; `out` is the struct. Values that are absent leave it alone. */
int read_object(struct reader *reader, const struct at *at, const struct field *fields,
                size_t count, void *out);
/* The list in at->value: one struct of `size` bytes an element, read by `read`. */
int read_list(struct reader *reader, const struct at *at, size_t size, size_t max, read_value read,
              void **ret_list, size_t *ret_count);

/* Defines the reader of a list of structs, for FIELD_LIST: `field` is that row. */
#define DEFINE_LIST(name_, type_, max_, element_)                                           \
    static int name_(struct reader *reader, const struct at *at, const struct field *field, \
                     void *out)                                                             \
    {                                                                                       \
        void *list = NULL;                                                                  \
        size_t count = 0;                                                                   \
        char *base = (char *)out - field->offset;                                           \
        int r = read_list(reader, at, sizeof(type_), (max_), (element_), &list, &count);    \
        if (r < 0)                                                                          \
            return r;                                                                       \
        *(type_ **)out = list;                                                              \
        *(size_t *)(void *)(base + field->count_offset) = count;                            \
        return 0;                                                                           \
    }

/* Defines the reader of an object by its table. */
#define DEFINE_OBJECT(name_, fields_)                                                       \
    static int name_(struct reader *reader, const struct at *at, const struct field *field, \
                     void *out)                                                             \
    {                                                                                       \
        (void)field;                                                                        \
        return read_object(reader, at, (fields_), ARRAY_LEN(fields_), out);                 \
    }

/* Readers of single values; what `out` is stands behind each. */
int read_string(struct reader *, const struct at *, const struct field *,
                void *);                                                         /* const char * */
int read_word(struct reader *, const struct at *, const struct field *, void *); /* not empty */
int read_path(struct reader *, const struct at *, const struct field *, void *); /* absolute */
int read_cpu_list(struct reader *, const struct at *, const struct field *, void *);
int read_bool(struct reader *, const struct at *, const struct field *, void *); /* bool */
int read_flag(struct reader *, const struct at *, const struct field *, void *); /* oci_u64 0, 1 */
int read_u32(struct reader *, const struct at *, const struct field *, void *);  /* uint32_t */
int read_i32(struct reader *, const struct at *, const struct field *, void *);  /* int32_t */
int read_u64(struct reader *, const struct at *, const struct field *, void *);  /* oci_u64 */
int read_i64(struct reader *, const struct at *, const struct field *, void *);  /* oci_i64 */
int read_u64_plain(struct reader *, const struct at *, const struct field *, void *); /* uint64_t */
int read_i64_plain(struct reader *, const struct at *, const struct field *, void *); /* int64_t */
int read_strings(struct reader *, const struct at *, const struct field *, void *);
int read_env(struct reader *, const struct at *, const struct field *, void *);    /* NAME=VALUE */
int read_paths(struct reader *, const struct at *, const struct field *, void *);  /* absolute */
int read_pairs(struct reader *, const struct at *, const struct field *, void *);  /* oci_pairs */
int read_choice(struct reader *, const struct at *, const struct field *, void *); /* int */
int read_choice_flags(struct reader *, const struct at *, const struct field *,
                      void *); /* uint64_t: those of a list of words, together */
int read_choice_word(struct reader *, const struct at *, const struct field *,
                     void *); /* const char *: one of field->choices */

/* Whether "0-3,8" is a list of CPUs or memory nodes as the kernel reads them. */
bool is_cpu_list(const char *text);
/* Sets the bits of such a list; false: one of its numbers is `count` or more. */
bool cpu_list_bits(const char *list, unsigned long *bits, size_t count);
/* Whether a component of `path` is "..". */
bool path_climbs(const char *path);
bool is_interface_name(const char *text);
int read_interface_name(struct reader *, const struct at *, const struct field *,
                        void *); /* const char * */

/* The parts of the file, each by its table. */
int read_process(struct reader *, const struct at *, const struct field *,
                 void *); /* oci_process * */
int read_mappings(struct reader *, const struct at *, const struct field *,
                  void *);                                                        /* oci_mappings */
int read_linux(struct reader *, const struct at *, const struct field *, void *); /* oci_linux */
int read_resources(struct reader *, const struct at *, const struct field *,
                   void *); /* oci_resources */
int read_seccomp(struct reader *, const struct at *, const struct field *,
                 void *); /* oci_seccomp * */

/* What several fields together must be. */
int config_check(struct reader *reader);
/* Adds to config->warnings. */
int config_warn(struct reader *reader, const struct at *at, const char *text);
