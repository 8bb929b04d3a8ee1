/*
 * vireo-bpf: the reader of eBPF objects. It holds no right at all; for each object it forks a child
 * that reads that one and ends. A request is one message on READER_FD: struct reader_request with
 * two descriptors, the object (a sealed memfd) and a pipe for the image. With a symbol, the file is
 * any ELF file, and the answer is struct reader_place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READER_FD 3
#define READER_FILE_MAX (512u << 20) /* of a program whose functions are looked for */

struct reader_request {
    uint32_t version; /* BROKER_VERSION */
    uint32_t bytes;
    uint32_t settings_bytes; /* behind the object: struct broker_setting */
    uint32_t reserved;
    uint64_t owner;   /* the function that asks: two of its objects are read at a time */
    char symbol[128]; /* "": the image is asked for */
};

struct reader_place {
    int32_t error; /* 0 or -errno */
    uint32_t reserved;
    uint64_t offset; /* in the file */
};

/* symbol.c: where a function begins. -ENOENT; -ENOEXEC: it is no ELF file. */
int symbol_find(const void *bytes, size_t size, const char *name, uint64_t *ret_offset);

/*
 * Serves until its socket ends. Returns the program's exit status. `prepare`: the kernel's type
 * information is parsed before the first object comes; else after the first that needed it.
 */
int reader_main(bool prepare);
