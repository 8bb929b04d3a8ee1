/*
 * What an instance and its eBPF broker say to each other, over a SEQPACKET socket of their own: one
 * request, then one answer. Whose programs are meant is known by the socket; objects and maps are
 * numbers of that socket alone, so that nobody can name another's.
 */
#pragma once

#include <stdint.h>

#define BROKER_VERSION 4u

#define BROKER_OBJECT_MAX (8u << 20) /* bytes of an ELF object */
#define BROKER_CHUNK_MAX (64u << 10) /* of it in one message */
#define BROKER_DATA_MAX (64u << 10)  /* of a key or a value */
#define BROKER_TEXT_MAX 1024u        /* of a message for people */
#define BROKER_NAME_MAX 63u          /* of a map or program */
#define BROKER_TARGET_MAX 255u
#define BROKER_OBJECTS_MAX 16u /* of one instance at once */
#define BROKER_MAPS_MAX 64u    /* of one object */
/* Descriptors of buffers in one answer. */
#define BROKER_BUFFERS_MAX 16u

enum broker_operation {
    /*
     * An object of `flags` bytes follows in BROKER_CHUNK messages; the answer comes after the last
     * one: struct broker_object. With an error its bytes are text. first: what is set before it is
     * loaded, each a struct broker_setting.
     */
    BROKER_LOAD = 1,
    BROKER_CHUNK, /* first: the bytes */
    /* object; everything of it is gone with the answer. With `flags` 1 soon after: the kernel waits
     * for every processor to have left a tracepoint's programs, tens of milliseconds. */
    BROKER_CLOSE,
    BROKER_ATTACH, /* object; first: the program's name; second: the target, or nothing */
    /* object, map, command (BPF_MAP_*_ELEM); first: the key; second: the value. The answer: the
     * value, or the next key. */
    BROKER_MAP,
    /* object, map. Descriptors to be mapped: of a ring buffer one, of a perf event array one a
     * processor from number `flags` on. Each is given out once. The answer: struct broker_buffer. A
     * user ring buffer and an array that was made to be mapped are one descriptor, too. */
    BROKER_BUFFER,
    /* object; first: the name of an iterator that is attached; flags 1: from its beginning. The
     * answer: its next bytes, none at the end. */
    BROKER_ITERATE,
    BROKER_DETACH, /* object; first: the program's name, or a struct_ops's */
    /* object; first: a program that is attached; map: another object; second: its program, which is
     * from now on what is attached. */
    BROKER_REPLACE,
    BROKER_STATISTICS, /* object; first: the program. The answer: struct broker_statistics */
    /* object, map, command (BPF_MAP_*_BATCH); first: struct broker_batch and the keys; second: the
     * values. The answer: struct broker_batch, the keys, the values. */
    BROKER_BATCH,
    BROKER_PIN,     /* object, map; first: the name, by which it outlives the instance */
    BROKER_UNPIN,   /* first: the name */
    BROKER_OPEN,    /* first: the name. The answer: an object that is this one map */
    BROKER_CREATE,  /* first: struct broker_new_map. The answer: an object that is this one map */
    BROKER_PROGRAM, /* first: struct broker_new_program; second: its instructions, in which maps are
                     * numbers of its list. The answer: an object that is this one program */
    BROKER_SHARE,   /* object; first: the name by which others, who are granted it, may join it */
    BROKER_JOIN,    /* first: the name. The answer: an object that has its maps */
    /* object; first: a program that is attached; second: the name by which that outlives the
     * instance */
    BROKER_KEEP,
    BROKER_TAKE_OVER, /* object; first: a program that is not; second: the name of what was kept */
    BROKER_OPERATIONS,
};

enum broker_setting_kind {
    BROKER_SET_PROGRAM = 1, /* four bytes: 0, it is not loaded; 1, it is */
    BROKER_SET_GLOBAL,      /* the first value of a variable */
    BROKER_SET_ENTRIES,     /* four bytes: of a map */
};

struct broker_setting {
    uint32_t kind, data_bytes;
    char name[BROKER_NAME_MAX + 1];
    /* then the data */
};

struct broker_statistics {
    uint64_t runs, run_ns; /* counted while the machine's sysctl kernel.bpf_stats_enabled is 1 */
    uint64_t missed;       /* runs that were left out: it ran already on that processor */
    uint64_t instructions; /* that the verifier looked at */
    uint64_t loaded_ns;    /* since the machine's start */
    uint32_t id, code_bytes;
};

#define BROKER_TOKEN_MAX 64u
struct broker_batch {
    uint32_t count;
    uint32_t begun; /* 1: `token` says where to go on */
    uint64_t flags;
    uint8_t token[BROKER_TOKEN_MAX];
};

struct broker_new_map {
    char name[BROKER_NAME_MAX + 1];
    uint32_t type, key_bytes, value_bytes, entries, flags, reserved;
};

#define BROKER_USED_MAPS_MAX 16u
struct broker_new_program {
    char name[BROKER_NAME_MAX + 1];
    char section[BROKER_NAME_MAX + 1];
    char license[BROKER_NAME_MAX + 1];
    uint32_t map_count, reserved;
    struct {
        uint32_t object, map;
    } maps[BROKER_USED_MAPS_MAX];
};

struct broker_request {
    uint32_t version;
    uint32_t operation;
    uint32_t object, map;
    uint32_t command;
    uint32_t first_bytes, second_bytes;
    uint32_t reserved;
    uint64_t flags;
    /* then the first and the second */
};

struct broker_answer {
    int32_t error; /* 0, or -errno; then the bytes are text for people */
    uint32_t bytes;
    /* then the bytes */
};

struct broker_map {
    char name[BROKER_NAME_MAX + 1];
    uint32_t type;
    uint32_t key_bytes;
    uint32_t value_bytes; /* of one element as it is read: for all processors where it is per CPU */
    uint32_t entries;
};

struct broker_object {
    uint32_t object;
    uint32_t map_count;
    uint32_t variable_count;
    uint32_t field_count;     /* of what is in its samples: only where they are to be shown */
    struct broker_map maps[]; /* map_count; then struct broker_variable, variable_count; then
                               * struct broker_field, field_count */
};

#define BROKER_FIELDS_MAX 128u
enum broker_field_kind {
    BROKER_FIELD_STRUCT = 1, /* a structure: the fields that follow are its members */
    BROKER_FIELD_UNSIGNED,
    BROKER_FIELD_SIGNED,
    BROKER_FIELD_POINTER,
    BROKER_FIELD_FLOAT,
    BROKER_FIELD_TEXT,
    BROKER_FIELD_BYTES,
};
struct broker_field {
    char name[BROKER_NAME_MAX + 1];
    uint32_t kind, at, bytes;
    uint32_t count;       /* of an array: elements of `bytes` each; else 0 */
    uint32_t shift, bits; /* of a bit field: `bits` of them from `shift` on; else 0 */
};

#define BROKER_VARIABLES_MAX 512u
/* A global variable of an object: bytes of its map's one value. */
struct broker_variable {
    char name[BROKER_NAME_MAX + 1];
    uint32_t map, at, bytes, reserved;
};

struct broker_buffer {
    uint32_t count; /* descriptors that come with it */
    uint32_t total; /* of the map, with those that are still to be asked for */
    uint32_t page_bytes;
    uint32_t data_bytes; /* of each buffer: a power of two; of an array that is mapped: its bytes */
    uint32_t events;     /* a second, that the policy allows; 0: any number */
    uint32_t reserved;
};

struct host;
/* Closes what a run of a command left loaded. */
void bpf_reset(struct host *host);

#define BROKER_REQUEST_MAX (sizeof(struct broker_request) + 2 * BROKER_DATA_MAX)
#define BROKER_ANSWER_MAX (sizeof(struct broker_answer) + BROKER_DATA_MAX)
