/*
 * Shared objects of native code.
 *
 * "library", the only stage of a library that its signer answers for: C sources, by gcc. Arguments:
 * the entry ("" when it is to be found), "now" or "lazy" (functions of others are bound at their
 * first call), then the sources' names; the input is a bundle of the packed source and three notes:
 * of a library with a handler, of one without, and of a program with a main().
 *
 * "link", the last stage of a proved one: the input is a bundle of its object and its note.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/layout.h"
#include "build/stage.h"

#define NOTE STAGE_SCRATCH "/note.c"
#define LIBRARY STAGE_SCRATCH "/library.so"
#define MAP STAGE_SCRATCH "/library.map"
#define WITH_TYPES STAGE_SCRATCH "/types.so"
#define WITH_TYPES_MAX_BYTES (512u << 20)
#define PROVED STAGE_SDK "/proved.o"
#define PARTS ARRAY_LEN(((struct stage_bundle *)NULL)->sizes)

enum note_part { NOTE_HANDLER = 1, NOTE_LIBRARY, NOTE_COMMAND };

/*
 * -fstack-clash-protection touches each page of a large frame, so that none steps over the guard of
 * the call stack; classes of characters are functions of the guest's, not tables of glibc's, and so
 * is all of a FILE, which glibc's inline functions would look into.
 */
static int compile_one(const struct stage *stage, const char *cwd, const char *source,
                       const char *object, const char *define, bool types)
{
    const bool lazy = strcmp(stage->args[1], "lazy") == 0;
    const char *command[] = {
        "/usr/bin/gcc",
        "-std=gnu17",
        "-O2",
        "-march=x86-64-v2",
        "-fPIC",
        "-fvisibility=hidden",
        lazy ? "-fplt" : "-fno-plt",
        "-fno-math-errno",
        "-fstack-clash-protection",
        "-fstack-protector-strong",
        "-fcf-protection=none",
        "-fno-asynchronous-unwind-tables",
        "-fno-unwind-tables",
        "-fdiagnostics-color=never",
        "-fmax-errors=10",
        /* A pointer that an undeclared function returns would be cut to 32 bits. */
        "-Werror=implicit-function-declaration",
        "-U_FORTIFY_SOURCE",
        "-D__NO_CTYPE",
        "-D__NO_INLINE__",
        "-DVIREO_NATIVE",
        "-D_GNU_SOURCE=", /* as a source would; the headers for translated code show all, too */
        "-I.",
        "-I" STAGE_SDK,
        "-I" STAGE_SDK "/include",
        "-c",
        "-o",
        object,
        define ? define : "-DVIREO",
        types ? "-gdwarf-4" : "-g0",
        source, /* stage_file_argument(): no option */
        NULL,
    };

    return stage_run_tool(stage, cwd, command, NULL);
}

/* Where the parts of the input are. */
static int take_apart(struct stage_bundle *bundle, const uint8_t *parts[PARTS])
{
    const uint8_t *data;
    size_t size, at = sizeof *bundle;

    if (stage_map_input(&data, &size) < 0 || size < at)
        return stage_say(STAGE_BROKEN, "error: cannot read the input");
    memcpy(bundle, data, sizeof *bundle);
    for (size_t i = 0; i < ARRAY_LEN(bundle->sizes); i++) {
        if (bundle->sizes[i] > size - at)
            return stage_say(STAGE_BROKEN, "error: cannot take the input apart");
        parts[i] = data + at;
        at += (size_t)bundle->sizes[i];
    }
    return STAGE_OK;
}

static int compile_all(const struct stage *stage, struct stage_objects *objects)
{
    size_t sources = stage->arg_count - 2;

    if (sources == 0 || sources > BUILD_SOURCES_MAX)
        return stage_say(STAGE_BROKEN, "error: cannot compile %zu sources", sources);
    for (size_t i = 0; i < sources; i++) {
        char source[STAGE_NAME_BYTES], object[STAGE_NAME_BYTES + sizeof STAGE_OBJECTS];
        const char *name = stage->args[2 + i];
        int status = stage_object_make(name, objects->names[objects->count]);
        if (status != STAGE_OK)
            return status;
        stage_file_argument(name, source);
        snprintf(object, sizeof object, STAGE_OBJECTS "/%s", objects->names[objects->count++]);
        status = compile_one(stage, STAGE_SOURCE, source, object, NULL, true);
        if (status != STAGE_OK)
            return status;
    }
    return STAGE_OK;
}

/* *ret_entry is the handler, "main", or "": only exported functions are there. */
static int find_entry(const struct stage *stage, const struct stage_objects *objects,
                      const char **ret_entry)
{
    _cleanup_(freep) char *symbols = NULL;
    const char *wanted = stage->args[0];

    int status = stage_read_symbols(stage, objects, &symbols);
    if (status != STAGE_OK)
        return status;
    if (*wanted && !stage_defines(symbols, wanted))
        return stage_say(STAGE_REFUSED, "error: the source does not define its entry '%s'", wanted);
    *ret_entry = *wanted                             ? wanted
                 : stage_defines(symbols, "handler") ? "handler"
                 : stage_defines(symbols, "main")    ? "main"
                                                     : "";
    return STAGE_OK;
}

static int link_library(const struct stage *stage, const struct stage_objects *objects, bool lazy,
                        const char *to, bool types)
{
    const char *command[BUILD_SOURCES_MAX + 24] = {
        "/usr/bin/gcc",
        "-shared",
        "-nostdlib",
        "-fPIC",
        "-fdiagnostics-color=never",
        "-Wl,-z,relro,-z,noexecstack,-z,separate-code",
        lazy ? "-Wl,-z,lazy" : "-Wl,-z,now",
        "-Wl,--build-id=none,--hash-style=sysv",
        "-Wl,-Bsymbolic",
        types ? "-Wl,--no-gc-sections" : "-Wl,--strip-debug",
        "-o",
        to,
    };
    size_t count = 0;

    while (command[count])
        count++;
    for (size_t i = 0; i < objects->count; i++)
        command[count++] = objects->names[i];
    command[count] = NULL;
    return stage_run_tool(stage, STAGE_OBJECTS, command, NULL);
}

/* The map of what was linked, from the same objects with their debug information. */
static int make_map(const struct stage *stage, const struct stage_objects *objects, bool lazy)
{
    _cleanup_(freep) char *elf = NULL;
    _cleanup_(freep) void *map = NULL;
    size_t size, map_size;
    struct err err = {0};

    int status = link_library(stage, objects, lazy, WITH_TYPES, true);
    if (status != STAGE_OK)
        return status;
    if (fd_read_file(AT_FDCWD, WITH_TYPES, WITH_TYPES_MAX_BYTES, &elf, &size, &err) < 0 ||
        layout_native_map(elf, size, STAGE_SOURCE, &map, &map_size, &err) < 0)
        return stage_say(STAGE_BROKEN, "error: %s", err.message);
    if (stage_write_file(AT_FDCWD, MAP, map, map_size) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot write the symbol map");
    return STAGE_OK;
}

static bool is_program(const char *entry)
{
    return strcmp(entry, "main") == 0;
}

/* The face, of this entry ("": none), and the note; then all of it is linked. */
static int finish(const struct stage *stage, struct stage_objects *objects, const char *entry,
                  const uint8_t *note_source, uint64_t note_size, bool types)
{
    char define[128];

    if (stage_write_file(AT_FDCWD, NOTE, note_source, (size_t)note_size) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot write the note");
    char *face = objects->names[objects->count++], *note = objects->names[objects->count++];
    snprintf(define, sizeof define, "-D%s=%s", is_program(entry) ? "VIREO_MAIN" : "VIREO_ENTRY",
             entry);
    snprintf(face, sizeof objects->names[0], STAGE_SDK "/native.o");
    snprintf(note, sizeof objects->names[0], STAGE_SDK "/note.o");
    int status = compile_one(stage, STAGE_SDK, "native.c", face, *entry ? define : NULL, false);
    if (status == STAGE_OK)
        status = compile_one(stage, STAGE_SDK, NOTE, note, NULL, false);
    bool lazy = stage->arg_count > 1 && strcmp(stage->args[1], "lazy") == 0;
    if (status == STAGE_OK)
        status = link_library(stage, objects, lazy, LIBRARY, false);
    if (!types)
        return status == STAGE_OK ? stage_send_file(LIBRARY) : status;
    if (status == STAGE_OK)
        status = make_map(stage, objects, lazy);
    const char *const paths[] = {LIBRARY, MAP};
    return status == STAGE_OK ? stage_send_bundle(paths, ARRAY_LEN(paths)) : status;
}

int stage_link(const struct stage *stage)
{
    static struct stage_objects objects;
    struct stage_bundle bundle;
    const uint8_t *parts[PARTS];

    int status = take_apart(&bundle, parts);
    if (status == STAGE_OK)
        status = stage_prepare_objects();
    if (status != STAGE_OK)
        return status;
    if (stage_write_file(AT_FDCWD, PROVED, parts[0], (size_t)bundle.sizes[0]) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot write the object");
    snprintf(objects.names[objects.count++], sizeof objects.names[0], PROVED);
    return finish(stage, &objects, STAGE_PROVED_ENTRY, parts[1], bundle.sizes[1], false);
}

int stage_library(const struct stage *stage)
{
    static struct stage_objects objects;
    struct stage_bundle bundle;
    const uint8_t *parts[PARTS];
    const char *entry = NULL;

    if (stage->arg_count < 3)
        return stage_say(STAGE_BROKEN, "error: too few arguments");
    int status = take_apart(&bundle, parts);
    if (status == STAGE_OK)
        status = stage_unpack_bytes(parts[0], (size_t)bundle.sizes[0]);
    if (status == STAGE_OK)
        status = stage_prepare_objects();
    if (status == STAGE_OK)
        status = compile_all(stage, &objects);
    if (status == STAGE_OK)
        status = find_entry(stage, &objects, &entry);
    if (status != STAGE_OK)
        return status;

    enum note_part note = is_program(entry) ? NOTE_COMMAND : *entry ? NOTE_HANDLER : NOTE_LIBRARY;
    return finish(stage, &objects, entry, parts[note], bundle.sizes[note], true);
}
