/*
 * An object as the sandboxed reader gives it back: flat arrays of maps, programs and instructions.
 * What it says is not believed: image_open() checks that every offset is inside, policy.c what it
 * asks for, the kernel's verifier the code.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "guest/bpf.h"

struct err;

#define IMAGE_MAGIC UINT32_C(0x31495656)
#define IMAGE_BYTES_MAX (32u << 20)
#define IMAGE_INSTRUCTIONS_MAX 200000u /* of all programs */

struct image_header {
    uint32_t magic;
    uint32_t bytes; /* of the whole image */
    int32_t error;  /* 0, or -errno with text; then nothing follows */
    uint32_t uses_kernel_types;
    uint32_t map_count, program_count, slot_count, variable_count;
    uint32_t field_count;
    uint32_t btf_at, btf_bytes; /* the object's own type information */
    uint32_t kernel_version;
    char license[64];
    char text[512];
    /* then the maps, the programs, the slots, the variables, the fields
     * of samples (struct broker_field), and what their offsets name */
};

struct image_map {
    char name[64];
    char kernel_name[16];
    uint32_t type, key_bytes, value_bytes, entries, flags;
    uint32_t btf_key, btf_value;
    uint32_t inner;         /* 1 + the map that those in it are like; 0: it holds none */
    uint32_t template_only; /* made only for that: not the guest's */
    uint32_t kernel_value;  /* of a struct_ops: the kernel's type of the value */
    uint32_t pinned;        /* it is the function's, by its name, and outlives the object */
    uint32_t initial_at, initial_bytes; /* the value of key 0 */
    uint32_t frozen;
    uint64_t extra;
};

struct image_program {
    char name[64];
    char section[128];
    char kernel_name[16];
    uint32_t type, attach_type, flags;
    uint32_t code_at, code_count; /* struct bpf_insn; a map is named by its index in the image */
    uint32_t functions_at, functions_size, functions_count; /* func_info of BTF */
    uint32_t lines_at, lines_size, lines_count;             /* line_info */
    uint32_t kernel_type; /* of a struct_ops: the kernel's type that it is a member of */
};

enum image_slot_kind { IMAGE_SLOT_MAP = 1, IMAGE_SLOT_PROGRAM, IMAGE_SLOT_MEMBER };

/* A map or program in a map of maps or programs, from the start; or, as a member, a program at byte
 * `key` of a struct_ops's first value. */
struct image_slot {
    uint32_t map, key, kind, index;
};

/* A global variable: bytes of the one value of its map. */
struct image_variable {
    char name[64];
    uint32_t map, at, bytes, reserved;
};

struct image {
    const uint8_t *bytes;
    const struct image_header *header;
    const struct image_map *maps;
    const struct image_program *programs;
    const struct image_slot *slots;
    const struct image_variable *variables;
    const struct broker_field *fields;
};

/* `bytes` (8-byte aligned) stay the caller's. -EBADMSG when anything points outside. */
int image_open(const uint8_t *bytes, size_t size, struct image *ret_image, struct err *err);
