/*
 * Reading YAML by its events, for the files of the manifest: each event is matched against the one
 * place where it may stand. Every refusal names line and column.
 */
#pragma once

#include <stddef.h>
#include <yaml.h>

#include "build/manifest_internal.h"

#define ENTRIES_MAX 32 /* keys of one mapping: a bit each */

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    const char *where;
    struct manifest *manifest;
    struct err *err;
    /* The first thing that only a function in a container may say, and what is wrong if it is none;
     * "": nothing. */
    struct {
        yaml_mark_t mark;
        char reason[200];
    } contained;
};

/* A key that may stand in a mapping, and what reads its value (the current event, to its end). */
struct entry {
    const char *name;
    int (*read)(struct reader *reader, const struct entry *entry, void *into);
    const char *section; /* of manifest_keys, for scalars */
};

int reader_refuse_at(struct reader *reader, const yaml_mark_t *mark, const char *reason);
int reader_refuse(struct reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Moves to the next event. */
int reader_next(struct reader *reader);
/* The current event's text; good until reader_next(). */
int reader_scalar(struct reader *reader, const char *what, const char **ret_text);
/* The same, copied: neither empty nor too long. */
int reader_text(struct reader *reader, const char *what, char *to, size_t size);
int reader_bool(struct reader *reader, const struct entry *entry, bool *to);
/* Reads a mapping whose keys are `entries`; the current event is its start, then its end. */
int reader_mapping(struct reader *reader, const char *what, const struct entry *entries,
                   size_t count, void *into);

/* A list, of `what` for people: the current event is its start. Then its items, one after another:
 * 1, 0 behind the last. */
int reader_list(struct reader *reader, const char *name, const char *what);
int reader_item(struct reader *reader);
/* A list of texts (each is an `item` for people), taken by `add`, whose reason is a refusal's. */
int reader_texts(struct reader *reader, const char *name, const char *what, const char *item,
                 int (*add)(struct manifest *, const char *, struct err *), struct manifest *into);

/* bpf: and grants: bpf: (manifest_bpf.c). */
int manifest_bpf_read(struct reader *reader, const struct entry *entry, void *into);
int manifest_grant_bpf_read(struct reader *reader, const struct entry *entry, void *into);

/* application:, library:, dependencies: (manifest_library.c). */
int manifest_application_read(struct reader *reader, const struct entry *entry, void *into);
int manifest_library_read(struct reader *reader, const struct entry *entry, void *into);
int manifest_dependencies_read(struct reader *reader, const struct entry *entry, void *into);
/* command:, pool: started: (manifest_container.c). */
int manifest_command_read(struct reader *reader, const struct entry *entry, void *into);
int manifest_policy_read(struct reader *reader, const struct entry *entry, void *into);
int manifest_started_read(struct reader *reader, const struct entry *entry, void *into);
/* vkernel: (manifest_vkernel.c). */
int manifest_vkernel_read(struct reader *reader, const struct entry *entry, void *into);
