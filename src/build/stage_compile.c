/*
 * Stage one: C sources become one WebAssembly module and its symbol map. Arguments: the entry (""
 * when it is to be found), bytes of stack, bytes of slack (0: no map is made), bytes of the map of
 * the version before, how it is linked with others ("whole": not; "part": it may be a library for
 * others; "parts": it may want libraries, or be one), then the sources' names, all chosen by the
 * trusted side. The input is the packed source, and that map behind it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "build/layout.h"
#include "build/stage.h"

#define SOURCE STAGE_SOURCE
#define MODULE STAGE_SCRATCH "/module.wasm"
#define MAP STAGE_SCRATCH "/module.map"
#define KEPT STAGE_SCRATCH "/kept"
#define MODULE_MAX_BYTES (512u << 20)

/* Arguments before the sources. */
enum { ARG_ENTRY, ARG_STACK, ARG_SLACK, ARG_MAP, ARG_LINK, ARG_SOURCES };

/* What clang calls a main() with and without arguments. */
static const char *const MAIN_NAMES[] = {"__main_argc_argv", "__main_void", "__original_main",
                                         "main"};

/* Whether it is compiled for others to be linked with it: then it says what they may use. */
static bool has_parts(const struct stage *stage)
{
    return strcmp(stage->args[ARG_LINK], "parts") == 0;
}

/*
 * A library for others is compiled to lie anywhere in their memory, which LLVM 14 does for
 * Emscripten's target alone; the C library and its macros are wasi-libc's all the same.
 */
static const char *const PART_TARGET[] = {"--target=wasm32-unknown-emscripten",
                                          "-U__EMSCRIPTEN__",
                                          "-U__EMSCRIPTEN_major__",
                                          "-D__wasi__=1",
                                          "-isystem",
                                          "/usr/include/wasm32-wasi",
                                          "-mmutable-globals",
                                          "-fPIC",
                                          "-fvisibility=hidden"};

/*
 * Tools are started in the sources' (or objects') directory with relative names, so that messages
 * show names that the author knows.
 *
 * sign-ext and nontrapping-fptoint are in every wasm2c and save code on each of their uses; bulk
 * memory is for memory.c alone, which says why. Reports and reproducers of a crashed compiler are
 * of no use to the author.
 */
static int compile_one(const struct stage *stage, const char *cwd, const char *source,
                       const char *object, const char *option, const char *types)
{
    const char *command[] = {
        "/usr/bin/clang",
        "--target=wasm32-wasi",
        has_parts(stage) ? "-fvisibility=hidden" : "-fvisibility=default",
        "-std=gnu17",
        "-O2",
        "-msign-ext",
        "-mnontrapping-fptoint",
        "-fno-crash-diagnostics",
        "-fno-color-diagnostics",
        "-ferror-limit=10",
        "-fmacro-backtrace-limit=3",
        "-I.",
        "-I" STAGE_SDK "/include",
        "-isystem" STAGE_SDK "/posix",
        "-c",
        "-o",
        object,
        option ? option : "-DVIREO",
        types ? "-gdwarf-4" : "-g0",
        types ? types : "-DVIREO",
        "-Wno-pragma-clang-attribute",
        "--",
        source,
        NULL,
    };

    return stage_run_tool(stage, cwd, command, NULL);
}

/* One source of a library for others. `types`: where it is from, with the debug information. */
static int compile_part(const struct stage *stage, const char *cwd, const char *source,
                        const char *object, const char *types)
{
    const char *const options[] = {
        "-std=gnu17",
        "-O2",
        "-msign-ext",
        "-mnontrapping-fptoint",
        "-fno-crash-diagnostics",
        "-fno-color-diagnostics",
        "-ferror-limit=10",
        "-I.",
        "-I" STAGE_SDK "/include",
        "-isystem",
        STAGE_SDK "/posix",
        "-Wno-pragma-clang-attribute",
        types ? types : "-DVIREO",
        types ? "-gdwarf-4" : "-g0",
        "-c",
        "-o",
    };
    const char *command[ARRAY_LEN(PART_TARGET) + ARRAY_LEN(options) + 5] = {"/usr/bin/clang"};
    size_t count = 1;

    for (size_t i = 0; i < ARRAY_LEN(PART_TARGET); i++)
        command[count++] = PART_TARGET[i];
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        command[count++] = options[i];
    command[count++] = object;
    command[count++] = "--";
    command[count] = source;
    return stage_run_tool(stage, cwd, command, NULL);
}

/* Whether a map is made: then each source keeps its variables and its types. */
static bool makes_map(const struct stage *stage)
{
    return strcmp(stage->args[ARG_SLACK], "0") != 0;
}

/*
 * A copy of a source for a map, in KEPT under its own name: every variable in it has an annotation.
 * For the optimiser that is a use of it which it can't see through, so that none is split, shrunk
 * or removed in one version and not in another; no code comes of it. Messages name the source.
 */
static int keep_variables(const char *name, char kept[STAGE_NAME_BYTES + sizeof KEPT])
{
    static const char before[] =
        "#pragma clang attribute push(__attribute__((annotate(\"vireo\"))), "
        "apply_to = variable(is_global))\n";
    static const char after[] = "\n#pragma clang attribute pop\n";
    _cleanup_(freep) char *text = NULL;
    _cleanup_(freep) char *copy = NULL;
    struct err err = {0};
    size_t size;
    int at;

    snprintf(kept, STAGE_NAME_BYTES + sizeof KEPT, KEPT "/%s", name);
    _cleanup_(closep) int from = open(SOURCE, O_DIRECTORY | O_PATH | O_CLOEXEC);
    _cleanup_(closep) int to = open(KEPT, O_DIRECTORY | O_PATH | O_CLOEXEC);
    if (fd_read_file(from, name, SOURCE_MAX_BYTES, &text, &size, &err) < 0)
        return stage_say(STAGE_REFUSED, "error: %s", err.message);
    copy = malloc(size + STAGE_NAME_BYTES + sizeof before + sizeof after + 32);
    if (!copy)
        return stage_say(STAGE_BROKEN, "error: no memory for '%s'", name);
    at = sprintf(copy, "%s# 1 \"%s\"\n", before, name);
    memcpy(copy + at, text, size);
    memcpy(copy + at + size, after, sizeof after - 1);
    int r = stage_write_file(to, name, copy, (size_t)at + size + sizeof after - 1);
    return r < 0 ? stage_say(STAGE_REFUSED, "error: cannot copy '%s': %s", name, strerror(-r))
                 : STAGE_OK;
}

/* A name that a line of C can say in quotes as it is. */
static bool is_plain(const char *name)
{
    return strpbrk(name, "\"\\\n\r") == NULL;
}

/* The copy of a source, and where that lay: what it includes in quotes is there. */
struct kept_source {
    char path[STAGE_NAME_BYTES + sizeof KEPT], directory[STAGE_NAME_BYTES + 16];
};

static void kept_name(const char *source, struct kept_source *ret_kept)
{
    const char *slash = strrchr(source, '/');

    snprintf(ret_kept->path, sizeof ret_kept->path, KEPT "/%s", source);
    snprintf(ret_kept->directory, sizeof ret_kept->directory, "-iquote./%.*s",
             slash ? (int)(slash - source) : 0, source);
}

static int compile_all(const struct stage *stage, struct stage_objects *objects)
{
    size_t sources = stage->arg_count - ARG_SOURCES;

    if (sources == 0 || sources > BUILD_SOURCES_MAX)
        return stage_say(STAGE_BROKEN, "error: cannot compile %zu sources", sources);
    for (size_t i = 0; i < sources; i++) {
        char source[STAGE_NAME_BYTES], object[STAGE_NAME_BYTES + sizeof STAGE_OBJECTS];
        const char *name = stage->args[ARG_SOURCES + i];
        int status = stage_object_make(name, objects->names[objects->count]);
        if (status != STAGE_OK)
            return status;
        stage_file_argument(name, source);
        snprintf(object, sizeof object, STAGE_OBJECTS "/%s", objects->names[objects->count++]);
        if (makes_map(stage) && is_plain(source)) {
            struct kept_source kept;
            status = keep_variables(source, kept.path);
            if (status != STAGE_OK)
                return status;
            kept_name(source, &kept);
            status = compile_one(stage, SOURCE, kept.path, object, NULL, kept.directory);
        } else {
            status = compile_one(stage, SOURCE, source, object, NULL, NULL);
        }
        if (status != STAGE_OK)
            return status;
    }
    return STAGE_OK;
}

/* Settles what is called: *ret_entry is "main" or the name of a handler that is there; "": neither,
 * and it may be a library for others. */
static int find_entry(const struct stage *stage, const struct stage_objects *objects,
                      const char **ret_entry)
{
    _cleanup_(freep) char *symbols = NULL;
    const char *wanted = stage->args[ARG_ENTRY];
    bool has_main = false;

    int status = stage_read_symbols(stage, objects, &symbols);
    if (status != STAGE_OK)
        return status;
    for (size_t i = 0; i < ARRAY_LEN(MAIN_NAMES); i++)
        has_main = has_main || stage_defines(symbols, MAIN_NAMES[i]);
    if (*wanted) {
        if (strcmp(wanted, "main") == 0 ? !has_main : !stage_defines(symbols, wanted))
            return stage_say(STAGE_REFUSED, "error: the source does not define its entry '%s'",
                             wanted);
        *ret_entry = wanted;
    } else if (stage_defines(symbols, "handler")) {
        *ret_entry = "handler";
    } else if (has_main) {
        *ret_entry = "main";
    } else if (strcmp(stage->args[ARG_LINK], "whole") != 0) {
        *ret_entry = "";
    } else {
        return stage_say(STAGE_REFUSED,
                         "error: the source defines neither 'handler' nor 'main' as a function "
                         "(a library for other functions has 'application:' or 'library:' in its "
                         "vireo.yaml)");
    }
    return STAGE_OK;
}

/* Whether start.c begins a program: crt1.o has each export of one run its constructors anew. */
static bool starts_itself(const struct stage *stage)
{
    return makes_map(stage) || has_parts(stage);
}

/* What libraries may use of the C library: it is linked with the program, wanted there or not. */
static const char *const FOR_PARTS[] = {
#define NATIVE_SYMBOL(name, function, proved) "-Wl,-u," #name, "-Wl,--export-if-defined=" #name,
#define NATIVE_SYMBOLS_OF_PARTS
#include "guest/native_symbols.h"
#undef NATIVE_SYMBOL
};

/* Its exports are what its sources make visible, and the C library's functions. */
static const char *const WITH_PARTS[] = {
    "-Wl,--import-undefined", "-Wl,--export-dynamic",         "-Wl,--export-table",
    "-Wl,--growable-table",   "-Wl,--export=__stack_pointer",
};

/*
 * --stack-first: a stack that overflows runs into address 0 and traps, instead of into the data.
 * The name section stays: traps take function names from it.
 */
static int link_module(const struct stage *stage, const struct stage_objects *objects, bool handler)
{
    char stack[64];
    const char *command[BUILD_SOURCES_MAX + 16 + ARRAY_LEN(FOR_PARTS) + ARRAY_LEN(WITH_PARTS)] = {
        "/usr/bin/clang",
        "--target=wasm32-wasi",
        "-fno-color-diagnostics",
        "-Wl,--stack-first",
        "-Wl,--threads=2",
        "-Wl,--error-limit=10",
        makes_map(stage) ? "-Wl,--emit-relocs,--no-merge-data-segments" : "-Wl,--strip-debug",
        stack,
        handler                ? "-mexec-model=reactor"
        : starts_itself(stage) ? "-nostartfiles"
                               : "-O2",
        "-o",
        MODULE,
    };
    size_t count = 0;

    snprintf(stack, sizeof stack, "-Wl,-z,stack-size=%s", stage->args[ARG_STACK]);
    while (command[count])
        count++;
    for (size_t i = 0; i < ARRAY_LEN(WITH_PARTS) && has_parts(stage); i++)
        command[count++] = WITH_PARTS[i];
    for (size_t i = 0; i < ARRAY_LEN(FOR_PARTS) && has_parts(stage); i++)
        command[count++] = FOR_PARTS[i];
    for (size_t i = 0; i < objects->count; i++)
        command[count++] = objects->names[i];
    /* signal() and raise(), for those that use them. */
    command[count++] = "-lwasi-emulated-signal";
    command[count] = NULL;
    return stage_run_tool(stage, STAGE_OBJECTS, command, NULL);
}

/* The map of the version before, behind the source. False: there is none, and *ret_map is not set.
 */
static int read_old_map(const struct stage *stage, struct symbol_map *ret_map, bool *ret_found)
{
    size_t size, bytes = strtoul(stage->args[ARG_MAP], NULL, 10);
    const uint8_t *input;
    struct err err = {0};

    *ret_found = bytes > 0;
    if (bytes == 0)
        return STAGE_OK;
    if (stage_map_input(&input, &size) < 0 || bytes > size)
        return stage_say(STAGE_BROKEN, "error: cannot read the symbol map");
    /* It lies at no boundary in the input. */
    void *map = malloc(bytes);
    if (!map)
        return stage_say(STAGE_BROKEN, "error: cannot read the symbol map");
    memcpy(map, input + size - bytes, bytes);
    if (symbol_map_read(map, bytes, ret_map, &err) < 0)
        return stage_say(STAGE_REFUSED, "error: %s", err.message);
    return STAGE_OK; /* it lives as long as this program */
}

static int lay_out(const struct stage *stage, uint32_t stack_bytes)
{
    struct symbol_map old;
    struct layout_options options = {
        .directory = SOURCE,
        .slack_bytes = (uint32_t)strtoul(stage->args[ARG_SLACK], NULL, 10),
        .stack_bytes = stack_bytes,
    };
    _cleanup_(freep) char *linked = NULL;
    _cleanup_(freep) void *module = NULL;
    _cleanup_(freep) void *map = NULL;
    size_t linked_size, module_size, map_size;
    struct err err = {0};
    bool found;

    int status = read_old_map(stage, &old, &found);
    if (status != STAGE_OK)
        return status;
    options.old = found ? &old : NULL;
    if (fd_read_file(AT_FDCWD, MODULE, MODULE_MAX_BYTES, &linked, &linked_size, &err) < 0)
        return stage_say(STAGE_BROKEN, "error: %s", err.message);
    int r = layout_make((uint8_t *)linked, linked_size, &options, &module, &module_size, &map,
                        &map_size, &err);
    if (r < 0)
        return stage_say(r == -EPERM ? STAGE_FORBIDDEN : STAGE_BROKEN, "error: %s", err.message);
    if (unlink(MODULE) < 0 || stage_write_file(AT_FDCWD, MODULE, module, module_size) < 0 ||
        stage_write_file(AT_FDCWD, MAP, map, map_size) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot write the module: %s", strerror(errno));
    return STAGE_OK;
}

/* The sources of a library for others, once more, as such; their objects' names are known. */
static int compile_parts(const struct stage *stage, const struct stage_objects *objects)
{
    size_t sources = stage->arg_count - ARG_SOURCES;

    for (size_t i = 0; i < sources; i++) {
        char source[STAGE_NAME_BYTES], object[STAGE_NAME_BYTES + sizeof STAGE_OBJECTS];
        struct kept_source kept;
        stage_file_argument(stage->args[ARG_SOURCES + i], source);
        snprintf(object, sizeof object, STAGE_OBJECTS "/%s", objects->names[i]);
        bool keeps = makes_map(stage) && is_plain(source);
        kept_name(source, &kept);
        int status = compile_part(stage, STAGE_SOURCE, keeps ? kept.path : source, object,
                                  keeps ? kept.directory : NULL);
        if (status != STAGE_OK)
            return status;
    }
    return STAGE_OK;
}

/* The module, without exports of what is hidden. */
static int hide_internal(void)
{
    _cleanup_(freep) char *linked = NULL;
    _cleanup_(freep) void *module = NULL;
    size_t linked_size, size;
    struct err err = {0};

    if (fd_read_file(AT_FDCWD, MODULE, MODULE_MAX_BYTES, &linked, &linked_size, &err) < 0 ||
        layout_hide((uint8_t *)linked, linked_size, &module, &size, &err) < 0)
        return stage_say(STAGE_BROKEN, "error: %s", err.message);
    if (unlink(MODULE) < 0 || stage_write_file(AT_FDCWD, MODULE, module, size) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot write the module: %s", strerror(errno));
    return STAGE_OK;
}

/* A library for others: one module, to be put anywhere into the memory of a program. */
static int make_part(const struct stage *stage, const struct stage_objects *objects)
{
    const char *command[BUILD_SOURCES_MAX + 16] = {
        "/usr/bin/wasm-ld",
        "-shared",
        "--experimental-pic",
        "--no-entry",
        makes_map(stage) ? "--emit-relocs" : "--strip-debug",
        makes_map(stage) ? "--no-gc-sections" : "--gc-sections",
        "--threads=2",
        "--export=__wasm_call_ctors",
        "-o",
        MODULE,
    };
    size_t count = 0, sources = stage->arg_count - ARG_SOURCES;

    while (command[count])
        count++;
    int status = compile_parts(stage, objects);
    if (status == STAGE_OK && makes_map(stage)) {
        command[count++] = STAGE_SDK "/part.o";
        status = compile_part(stage, STAGE_SDK, "part.c", STAGE_SDK "/part.o", NULL);
    }
    for (size_t i = 0; i < sources; i++)
        command[count++] = objects->names[i];
    if (status == STAGE_OK)
        status = stage_run_tool(stage, STAGE_OBJECTS, command, NULL);
    if (status == STAGE_OK && makes_map(stage))
        status = lay_out(stage, LAYOUT_PART_BEGIN_BYTES);
    if (status == STAGE_OK)
        status = hide_internal();
    const char *const paths[] = {MODULE, MAP};
    return status == STAGE_OK ? stage_send_bundle(paths, makes_map(stage) ? 2 : 1) : status;
}

/* The source, without the map that may be behind it. */
static int unpack(const struct stage *stage)
{
    size_t size, map = strtoul(stage->args[ARG_MAP], NULL, 10);
    const uint8_t *input;

    if (stage_map_input(&input, &size) < 0 || map > size || mkdir(KEPT, 0755) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot unpack the source: %s", strerror(errno));
    return stage_unpack_bytes(input, size - map);
}

int stage_compile(const struct stage *stage)
{
    struct stage_objects objects = {0};
    const char *entry = NULL;
    char define[128];

    if (stage->arg_count < ARG_SOURCES)
        return stage_say(STAGE_BROKEN, "error: too few arguments");
    int status = unpack(stage);
    if (status == STAGE_OK)
        status = stage_prepare_objects();
    if (status == STAGE_OK)
        status = compile_all(stage, &objects);
    if (status == STAGE_OK)
        status = find_entry(stage, &objects, &entry);
    if (status != STAGE_OK)
        return status;
    if (!*entry)
        return make_part(stage, &objects);

    bool handler = strcmp(entry, "main") != 0;
    char *memory = objects.names[objects.count++];
    snprintf(memory, sizeof objects.names[0], STAGE_SDK "/memory.o");
    status = compile_one(stage, STAGE_SDK, "memory.c", memory, "-mbulk-memory", NULL);
    if (status == STAGE_OK && handler) {
        /* function.c has the exports, and calls the entry. */
        snprintf(define, sizeof define, "-DVIREO_ENTRY=%s", entry);
        char *object = objects.names[objects.count++];
        snprintf(object, sizeof objects.names[0], STAGE_SDK "/function.o");
        status = compile_one(stage, STAGE_SDK, "function.c", object, define, NULL);
    }
    if (status == STAGE_OK && makes_map(stage)) {
        char *object = objects.names[objects.count++];
        snprintf(object, sizeof objects.names[0], STAGE_SDK "/layout.o");
        status = compile_one(stage, STAGE_SDK, "layout.c", object, NULL, NULL);
    }
    if (status == STAGE_OK && starts_itself(stage) && !handler) {
        char *object = objects.names[objects.count++];
        snprintf(object, sizeof objects.names[0], STAGE_SDK "/start.o");
        status = compile_one(stage, STAGE_SDK, "start.c", object, NULL, NULL);
    }
    if (status == STAGE_OK)
        status = link_module(stage, &objects, handler);
    if (status == STAGE_OK && makes_map(stage))
        status = lay_out(stage, (uint32_t)strtoul(stage->args[ARG_STACK], NULL, 10));
    const char *const paths[] = {MODULE, MAP};
    return status == STAGE_OK ? stage_send_bundle(paths, makes_map(stage) ? 2 : 1) : status;
}
