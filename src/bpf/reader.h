/*
 * vireo-bpf: the reader of eBPF objects. It holds no right at all; for each object it forks a child
 * that reads that one and ends, and tells what it took. A request is one message on READER_FD:
 * struct reader_request with two descriptors, the object (a sealed memfd) and a pipe for the image.
 * Where places are asked for, the file is any ELF file, and the answer is struct reader_places.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READER_FD 3
#define READER_FILE_MAX (512u << 20) /* of a program whose functions are looked for */

enum reader_question {
    READER_IMAGE,     /* of an eBPF object */
    READER_FUNCTIONS, /* where those of this name begin, or of this pattern of fnmatch(3) */
    READER_USDT,      /* where the probe "provider:name" is */
};

struct reader_request {
    uint32_t version; /* BROKER_VERSION */
    uint32_t bytes;
    uint32_t settings_bytes; /* behind the object: struct broker_setting */
    uint32_t question;       /* enum reader_question */
    uint64_t owner;          /* the function that asks: two of its objects are read at a time */
    char symbol[128];        /* that is asked for */
};

/* What comes back over READER_FD when a child has ended, of whoever's time that was. */
struct reader_cost {
    uint64_t owner;
    int64_t processor_ns;
};

#define READER_PLACES_MAX 1024u
/* The arguments of a USDT probe as <bpf/usdt.bpf.h> has them: struct __bpf_usdt_spec. */
#define READER_ARGUMENTS_MAX 12
struct reader_arguments {
    struct {
        uint64_t value; /* a constant, or what is added to a register */
        uint32_t type;  /* 0: a constant; 1: in a register; 2: in memory, where that points to */
        int16_t at;     /* of the register, in struct pt_regs */
        uint8_t is_signed, shift;
    } arguments[READER_ARGUMENTS_MAX];
    uint64_t cookie;
    int16_t count;
    uint16_t unused[3];
};

struct reader_place {
    uint64_t offset;  /* in the file */
    uint64_t counter; /* of a probe: where the file has how many look at it; 0: nowhere */
    struct reader_arguments arguments;
};

struct reader_places {
    int32_t error; /* 0 or -errno */
    uint32_t count;
    struct reader_place places[READER_PLACES_MAX]; /* only so many come */
};

struct Elf;
/* An ELF file in memory, which stays the caller's; NULL: it is none. elf_end() ends it. */
struct Elf *places_open(const void *bytes, size_t size);
/* Adds one, unless it is there already. -E2BIG. */
int places_add(struct reader_places *places, const struct reader_place *place);
/* Where in the file what a program has at this address is; of code, or of whatever. -ENOENT. */
int places_offset(struct Elf *elf, uint64_t address, bool code, uint64_t *ret_offset);

/* symbol.c: where functions begin. -ENOENT; -E2BIG: too many; -ENOEXEC: it is no ELF file. */
int symbol_find(const void *bytes, size_t size, const char *name, struct reader_places *places);
/* usdt.c: where a probe is. -ENOENT; -E2BIG; -ENOEXEC; -EOPNOTSUPP: an argument of it is given in a
 * way that is not known. */
int usdt_find(const void *bytes, size_t size, const char *name, struct reader_places *places);

/*
 * Serves until its socket ends. Returns the program's exit status. `prepare`: the kernel's type
 * information is parsed before the first object comes; else after the first that needed it.
 */
int reader_main(bool prepare);
