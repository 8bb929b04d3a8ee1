/*
 * What an instance and its eBPF broker say to each other, over a SEQPACKET socket of their own: one
 * request, then one answer. Whose programs are meant is known by the socket; objects and maps are
 * numbers of that socket alone, so that nobody can name another's.
 */
#pragma once

#include <stdint.h>

#define BROKER_VERSION 1u

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
     * one: struct broker_object. With an error its bytes are text.
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
     * processor from number `flags` on. Each is given out once. The answer: struct broker_buffer.
     */
    BROKER_BUFFER,
    BROKER_OPERATIONS,
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
    struct broker_map maps[]; /* map_count */
};

struct broker_buffer {
    uint32_t count; /* descriptors that come with it */
    uint32_t total; /* of the map, with those that are still to be asked for */
    uint32_t page_bytes;
    uint32_t data_bytes; /* of each buffer: a power of two */
};

struct host;
/* Closes what a run of a command left loaded. */
void bpf_reset(struct host *host);

#define BROKER_REQUEST_MAX (sizeof(struct broker_request) + 2 * BROKER_DATA_MAX)
#define BROKER_ANSWER_MAX (sizeof(struct broker_answer) + BROKER_DATA_MAX)
