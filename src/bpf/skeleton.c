/*
 * The skeleton of an object: a C header with the object's bytes in it, its maps and programs by
 * name, and what loads, attaches and closes them (include/vireo/bpf.h).
 */
#include "bpf/skeleton.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "guest/bpf.h"

#define MAPS_MAX 64

DEFINE_CLEANUP(struct bpf_object, bpf_object__close)

static int say_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
    (void)level, (void)format, (void)args;
    return 0;
}

static bool is_c_name(const char *text)
{
    if (!isalpha((unsigned char)*text) && *text != '_')
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && *text != '_')
            return false;
    return true;
}

/* ".rodata" is a map too, but no name. */
static bool is_shown(const struct bpf_map *map)
{
    return is_c_name(bpf_map__name(map));
}

static void write_bytes(const char *name, const uint8_t *bytes, size_t size)
{
    printf("static const unsigned char %s_object[%zu] __attribute__((aligned(8))) = {", name, size);
    for (size_t i = 0; i < size; i++)
        printf("%s%u,", i % 24 ? "" : "\n    ", bytes[i]);
    printf("\n};\n\n");
}

static void write_struct(const char *name, struct bpf_object *object)
{
    struct bpf_map *map;
    bool any = false;

    printf("struct %s_skel {\n    bpf_object_handle object;\n", name);
    bpf_object__for_each_map(map, object)
    {
        if (!is_shown(map))
            continue;
        printf("%s        int %s;\n", any ? "" : "    struct {\n", bpf_map__name(map));
        any = true;
    }
    printf("%s};\n\n", any ? "    } maps; /* descriptors */\n" : "");
}

static void write_load(const char *name, struct bpf_object *object)
{
    struct bpf_map *map;

    printf("/* 0, or -1 with the reason in the log. */\n"
           "static inline int %s_load(struct %s_skel *skel)\n{\n"
           "    skel->object = wasm_load_bpf_object(%s_object, (int)sizeof %s_object);\n"
           "    if (!skel->object)\n        return -1;\n",
           name, name, name, name);
    bpf_object__for_each_map(map, object)
    {
        if (is_shown(map))
            printf("    skel->maps.%s = wasm_bpf_map_fd_by_name(skel->object, \"%s\");\n",
                   bpf_map__name(map), bpf_map__name(map));
    }
    printf("    return 0;\n}\n\n");
}

static void write_attach(const char *name, struct bpf_object *object)
{
    struct bpf_program *program;

    printf("/* Each program to what its section says. 0 or a negative errno. */\n"
           "static inline int %s_attach(struct %s_skel *skel)\n{\n    int r = 0;\n\n",
           name, name);
    bpf_object__for_each_program(program, object)
    {
        if (bpf_program__autoload(program))
            printf("    if (r == 0)\n"
                   "        r = wasm_attach_bpf_program(skel->object, \"%s\", NULL);\n",
                   bpf_program__name(program));
    }
    printf("    return r;\n}\n\n");
}

static int write_types(const char *name, struct bpf_object *object)
{
    uint32_t types[2 * MAPS_MAX];
    struct bpf_map *map;
    size_t count = 0;

    bpf_object__for_each_map(map, object)
    {
        if (!is_shown(map) || count + 2 > ARRAY_LEN(types))
            continue;
        types[count++] = bpf_map__btf_key_type_id(map);
        types[count++] = bpf_map__btf_value_type_id(map);
    }
    return skeleton_types(name, bpf_object__btf(object), types, count);
}

static int write_header(const char *name, const uint8_t *bytes, size_t size)
{
    const struct bpf_object_open_opts options = {.sz = sizeof options, .object_name = name};
    _cleanup_(bpf_object__closep) struct bpf_object *object =
        bpf_object__open_mem(bytes, size, &options);

    if (!object) {
        char cause[128];
        libbpf_strerror(-errno, cause, sizeof cause); /* it has numbers of its own too */
        fprintf(stderr, "%s\n", cause);
        return 1;
    }
    int r = skeleton_types_check(bpf_object__btf(object));
    if (r < 0) {
        fprintf(stderr, "its type information: %s\n",
                r == -ELOOP ? "a structure has itself, or too many in each other" : strerror(-r));
        return 1;
    }
    printf("/* Made by vireo bpf skel: do not edit. */\n#pragma once\n\n"
           "#include <vireo/bpf.h>\n\n");
    write_bytes(name, bytes, size);
    if (write_types(name, object) < 0)
        return 1;
    write_struct(name, object);
    write_load(name, object);
    write_attach(name, object);
    printf("static inline void %s_close(struct %s_skel *skel)\n{\n"
           "    wasm_close_bpf_object(skel->object);\n    skel->object = 0;\n}\n",
           name, name);
    return fflush(stdout) == 0 ? 0 : 1;
}

int skeleton_main(const char *name)
{
    _cleanup_(freep) uint8_t *bytes = malloc(BROKER_OBJECT_MAX + 1);

    if (!is_c_name(name) || !bytes)
        return 1;
    libbpf_set_print(say_nothing);
    ssize_t n = fd_read_full(STDIN_FILENO, bytes, BROKER_OBJECT_MAX + 1);
    if (n <= 0 || n > (ssize_t)BROKER_OBJECT_MAX) {
        fprintf(stderr, "%s\n",
                n > 0   ? "it is too large"
                : n < 0 ? strerror((int)-n)
                        : "it is empty");
        return 1;
    }
    return write_header(name, bytes, (size_t)n);
}
