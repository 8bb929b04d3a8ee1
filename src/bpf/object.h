/*
 * Reads a tenant's ELF object with libbpf, in a process that can do nothing: what libbpf would have
 * asked of the kernel is recorded instead, and written as an image (image.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_object;

/* What is set before it is loaded: struct broker_setting (guest/bpf.h), one after the other. */
struct object_settings {
    const uint8_t *bytes;
    size_t size;
};

/* object_settings.c. -ENOENT, -EINVAL; *ret_name: of what is not there, or not so. */
int object_set(struct bpf_object *object, const struct object_settings *settings,
               const char **ret_name);
/* A global variable of the object. */
struct object_variable {
    const char *name;
    struct bpf_map *map;
    uint32_t at, bytes;
};
/* At most `room` of them; those of sections that are not loaded are left out. */
size_t object_variables(struct bpf_object *object, struct object_variable *variables, size_t room);

struct broker_field;
/* object_fields.c: what is in its samples, at most `room`. */
size_t object_fields(struct bpf_object *object, struct broker_field *list, size_t room);

/*
 * Writes the image of the object, or one that says why there is none, to `output_fd`. 0, or -errno
 * when nothing could be written. *ret_kernel_types: it needed the kernel's type information. Runs
 * untrusted input through libbpf: only behind reader_enclose(), once a process.
 */
int object_read(const void *bytes, size_t size, const struct object_settings *settings,
                int output_fd, bool *ret_kernel_types);

/* Parses the kernel's type information now, so that forks have it. 0 or -errno. */
int object_prepare(void);

/* ---- object_record.c: the system call that libbpf makes ---- */

/* Libbpf's archive is linked with --wrap=syscall: this is what it calls. */
long __wrap_syscall(long number, ...);
struct btf;
/* With --wrap=btf__load_vmlinux_btf: what object_prepare() parsed, or what is parsed now. */
struct btf *__wrap_btf__load_vmlinux_btf(void);
/* With --wrap=btf__free: those stay, whatever libbpf does with an object. */
void __wrap_btf__free(struct btf *types);
bool object_used_kernel_types(void);
/* What that was; NULL before. */
const struct btf *object_kernel_types(void);

#define RECORDS_MAX 1024

enum record_kind { RECORD_NONE, RECORD_MAP, RECORD_PROGRAM, RECORD_TYPES };

/* One map, program or type information, as libbpf would have had it made. */
struct record {
    enum record_kind kind;
    int fd;
    char name[16];
    uint32_t type, key_bytes, value_bytes, entries, flags, btf_key, btf_value;
    uint64_t extra;
    int inner; /* a record; -1 */
    bool frozen;
    void *initial;                            /* value_bytes of it, or NULL */
    uint32_t attach_type, version, attach_to; /* the last: a type of the kernel's */
    uint32_t kernel_value;                    /* of a struct_ops: the kernel's type of its value */
    char license[64];
    void *code; /* struct bpf_insn */
    uint32_t code_count;
    void *functions, *lines;
    uint32_t functions_size, functions_count, lines_size, lines_count;
    void *types;
    uint32_t types_bytes;
};

struct record_slot {
    int map, value; /* records */
    uint32_t key;
};

/* The record that a descriptor stands for now, or -1. */
int record_of(int fd);
const struct record *record_at(int index);
size_t record_slots(const struct record_slot **ret_slots);
