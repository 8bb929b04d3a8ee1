/*
 * Inside the manifest: manifest.c (reading), manifest_keys.c, manifest_values.c,
 * manifest_format.c, manifest_ceilings.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "build/manifest.h"

struct err;

/* ---- values (manifest_values.c): text in, number out; the reason alone in `reason` ---- */

/* "64MiB", "64M", "1 GiB", "4096". */
int value_bytes(const char *text, uint64_t *ret_bytes, struct err *reason);
/* "150ms", "2s", "1m", "1h", in milliseconds. */
int value_duration(const char *text, uint64_t *ret_ms, struct err *reason);
/* "0.5", "2", in thousandths. */
int value_cpus(const char *text, uint64_t *ret_millis, struct err *reason);
int value_count(const char *text, uint64_t *ret_count, struct err *reason);
void value_bytes_text(uint64_t bytes, const char *space, char *text, size_t size);
void value_duration_text(uint64_t ms, char *text, size_t size);
void value_cpus_text(uint64_t millis, char *text, size_t size);

/* UTF-8 without NUL; and control characters only when `multiline` (tab, newline). */
bool value_text_is_proper(const char *text, bool multiline);
/* Absolute, normal (no "..", ".", "//" or slash at the end), not "/", and short enough. */
int value_path(const char *text, size_t size, struct err *reason);
/* As the user wrote it, for a message: at most 40 bytes, no control characters. */
struct value_shown {
    char text[48];
};
struct value_shown value_show(const char *text);

/* In double quotes, as any reader of YAML takes it (manifest_format.c). */
void manifest_format_quoted(FILE *out, const char *text);

/* ---- bpf (manifest_bpf.c) ---- */

int manifest_bpf_check(const struct manifest *manifest, struct err *err);
void manifest_bpf_format(FILE *out, const struct manifest *manifest);

/* ---- runtime and imports (manifest_runtime.c) ---- */

int manifest_set_runtime(struct manifest *manifest, const char *value, struct err *reason);
int manifest_add_import(struct manifest *manifest, const char *name, struct err *reason);
int manifest_runtime_check(const struct manifest *manifest, struct err *err);
void manifest_runtime_format(FILE *out, const struct manifest *manifest);

/* ---- containers (manifest_container.c) ---- */

int manifest_container_check(const struct manifest *manifest, struct err *err);
void manifest_container_format(FILE *out, const struct manifest *manifest);
int manifest_talk_set(struct manifest *manifest, const char *value, struct err *reason);
int manifest_directory_set(struct manifest *manifest, const char *value, struct err *reason);

/* ---- keys (manifest_keys.c) ---- */

enum manifest_value {
    VALUE_BYTES,
    VALUE_DURATION,
    VALUE_CPUS,
    VALUE_COUNT,
    VALUE_TEXT, /* by `set` */
};

/* One scalar key: how it is written, where it is kept, which values it may have. */
struct manifest_key {
    const char *section; /* "limits"; "" for the top */
    const char *name;
    enum manifest_value value;
    uint8_t width; /* of the number kept: 4 or 8 */
    size_t offset; /* in struct manifest */
    uint64_t min, max;
    bool zero; /* 0 may be written too, for "no limit" */
    int (*set)(struct manifest *manifest, const char *value, struct err *reason); /* VALUE_TEXT */
};

extern const struct manifest_key manifest_keys[];
extern const size_t manifest_key_count;

const struct manifest_key *manifest_key_find(const char *section, const char *name);
/* Checks and stores one value; the reason begins with the key: "memory '5XB': ...". */
int manifest_key_set(const struct manifest_key *key, struct manifest *manifest, const char *value,
                     struct err *reason);
uint64_t manifest_key_get(const struct manifest_key *key, const struct manifest *manifest);
/* Stores a number that is within the key's range. */
void manifest_key_put(const struct manifest_key *key, struct manifest *manifest, uint64_t number);
/* As a person writes it. */
void manifest_key_text(const struct manifest_key *key, uint64_t number, char *text, size_t size);

int manifest_add_source(struct manifest *manifest, const char *pattern, struct err *reason);
int manifest_put_env(struct manifest *manifest, const char *name, const char *value,
                     struct err *reason);
/* The same, for a variable whose value is in a file. */
int manifest_put_secret(struct manifest *manifest, const char *name, const char *file,
                        struct err *reason);
int manifest_add_listen(struct manifest *manifest, const char *text, struct err *reason);
int manifest_add_connect(struct manifest *manifest, const char *text, struct err *reason);
int manifest_add_queue(struct manifest *manifest, const char *text, struct err *reason);
int manifest_add_exec(struct manifest *manifest, const char *text, struct err *reason);
int manifest_add_layer(struct manifest *manifest, const char *text, struct err *reason);
const char *manifest_recycle_name(enum manifest_recycle recycle);
/* Checks one grant against itself and those before it, and sets what it leaves open. */
int manifest_add_file(struct manifest *manifest, const struct manifest_file *file,
                      bool writable_is_set, struct err *reason);
