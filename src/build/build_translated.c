/* From a module that was checked to native code: wasm2c's C of it, compiled by gcc. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build_internal.h"
#include "build/stage.h"

#define TRANSLATE_CPU_SECONDS 120
#define NATIVE_CPU_SECONDS 600
#define QUICK_CPU_SECONDS 20
#define TRANSLATED_MAX_BYTES (512ULL << 20)

/*
 * From this much translated C on a module is optimised less: gcc -O2 takes 73 s of CPU and 2.6 GiB
 * for the 27 MiB of Go's hello world, -O1 takes 45 s and 1.7 GiB. What people write in C gives far
 * less; the module's own size says little, most of it may be debug information.
 */
#define LARGE_TRANSLATION_BYTES (8 << 20)

void build_mapping_clear(struct build_mapping *mapping)
{
    if (mapping->data)
        munmap(mapping->data, mapping->size);
}

int build_map_memfd(int fd, struct build_mapping *ret_mapping, struct err *err)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return err_set(err, -errno, "cannot read a stage's result");
    if (status.st_size == 0)
        return 0;
    void *data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return err_set(err, -errno, "cannot map a stage's result");
    *ret_mapping = (struct build_mapping){data, (size_t)status.st_size};
    return 0;
}

static int translate(struct build *build, struct err *err)
{
    struct sandbox_stage stage = {
        .name = "translate",
        .input_fd = build->module_fd,
        .output_max = TRANSLATED_MAX_BYTES,
        .cpu_seconds = TRANSLATE_CPU_SECONDS,
    };
    size_t size;

    build_progress_say(build, "translate");
    return build_run_stage(build, &stage, &build->translated_fd, &size, err);
}

/* The note, and what binds a module that is linked with others: C of ours, in one file. */
static int note_source(const struct build *build, char **ret_source, struct err *err)
{
    _cleanup_(freep) char *note = NULL;
    _cleanup_(freep) char *links = NULL;

    int r = library_note_source(&build->note, &note, err);
    if (r == 0 && build_is_linked(build))
        r = wasm_links_source(&build->links, &links, err);
    if (r < 0)
        return r;
    if (asprintf(ret_source, "%s%s", note, links ? links : "") < 0)
        return err_set(err, -ENOMEM, "cannot build '%s'", build_source_title(&build->source));
    return 0;
}

/* The translation and the note's source as one bundle: what the last stage compiles. */
static int bundle_native(struct build *build, int *ret_fd, uint64_t *ret_size, struct err *err)
{
    _cleanup_(build_mapping_clear) struct build_mapping translated = {0};
    _cleanup_(freep) char *note = NULL;
    _cleanup_(closep) int fd = -1;
    struct stage_bundle bundle;

    int r = build_map_memfd(build->translated_fd, &translated, err);
    if (r == 0)
        r = note_source(build, &note, err);
    if (r < 0)
        return r;
    if (translated.size < sizeof bundle)
        return err_say(err, -EPROTO, "cannot build '%s': translate gave nothing",
                       build_source_title(&build->source));
    memcpy(&bundle, translated.data, sizeof bundle);
    bundle.sizes[2] = strlen(note);

    fd = memfd_create("translated", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_set(err, -errno, "cannot build '%s'", build_source_title(&build->source));
    /* Wrong sizes in what came back are found by the stage that takes it apart. */
    r = fd_write_full(fd, &bundle, sizeof bundle);
    if (r == 0)
        r = fd_write_full(fd, (char *)translated.data + sizeof bundle,
                          translated.size - sizeof bundle);
    if (r == 0)
        r = fd_write_full(fd, note, strlen(note));
    if (r == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        r = -errno;
    if (r < 0)
        return err_set(err, r, "cannot build '%s'", build_source_title(&build->source));
    *ret_fd = steal_fd(&fd);
    *ret_size = bundle.sizes[0];
    return 0;
}

#define MACROS_MAX 12

struct macros {
    const char *args[MACROS_MAX + 1];
    size_t count;
    char imports[32];
};

/* The macros of guest/sdk/shim.c: what the module has is ours to say, from our own look at it. */
static void add_macros(const struct build *build, struct macros *macros)
{
    const struct wasm_facts *facts = &build->facts;
    const bool linked = build_is_linked(build);
    const struct {
        bool given;
        const char *macro;
    } given[] = {
        {true, macros->imports},
        {true, build->links.part ? "-DSHIM_PART" : "-DSHIM_MEMORY"},
        {facts->has_start_export, "-DSHIM_START"},
        {facts->has_initialize_export, "-DSHIM_INITIALIZE"},
        {facts->has_handler_exports, "-DSHIM_HANDLER"},
        {facts->has_start_section, "-DSHIM_START_SECTION"},
        {linked, "-DSHIM_LINK"},
        {linked && build->links.has_stack, "-DSHIM_STACK"},
        {(facts->imports_bpf || facts->has_handlers || linked) && facts->has_table, "-DSHIM_TABLE"},
        {facts->has_go_callback, "-DSHIM_GO_CALLBACK"},
    };

    static_assert(ARRAY_LEN(given) < MACROS_MAX, "with the optimisation");
    snprintf(macros->imports, sizeof macros->imports, "-DSHIM_IMPORTS=%u",
             facts->import_module_count);
    for (size_t i = 0; i < ARRAY_LEN(given); i++)
        if (given[i].given)
            macros->args[macros->count++] = given[i].macro;
}

static int run_compiler(struct build *build, const char *name, int input_fd,
                        const struct macros *macros, uint32_t cpu_seconds, struct err *err)
{
    struct sandbox_stage stage = {
        .name = name,
        .args = macros->args,
        .input_fd = input_fd,
        .output_max = LIBRARY_MAX_BYTES,
        .cpu_seconds = cpu_seconds,
    };
    _cleanup_(closep) int library_fd = -1;
    size_t size;

    int r = build_run_stage(build, &stage, &library_fd, &size, err);
    return r < 0 ? r : build_take_elf(build, library_fd, size, err);
}

static int native(struct build *build, struct err *err)
{
    _cleanup_(closep) int input_fd = -1;
    struct macros macros = {0};
    uint64_t translated_size = 0;

    int r = bundle_native(build, &input_fd, &translated_size, err);
    if (r < 0)
        return r;
    bool large = translated_size > LARGE_TRANSLATION_BYTES;
    build_progress_say(build, large ? "optimise (large)" : "optimise");
    macros.args[macros.count++] = large ? "-O1" : "-O2";
    add_macros(build, &macros);
    return run_compiler(build, "native", input_fd, &macros, NATIVE_CPU_SECONDS, err);
}

int build_translated(struct build *build, struct err *err)
{
    int r = translate(build, err);

    return r < 0 ? r : native(build, err);
}

int build_quick(struct build *build, struct err *err)
{
    _cleanup_(build_mapping_clear) struct build_mapping module = {0};
    _cleanup_(freep) char *note = NULL;
    _cleanup_(freep) uint8_t *input = NULL;
    _cleanup_(closep) int input_fd = -1;
    struct macros macros = {0};

    int r = build_map_memfd(build->module_fd, &module, err);
    if (r == 0)
        r = note_source(build, &note, err);
    if (r < 0)
        return r;
    const struct stage_bundle bundle = {.sizes = {module.size, strlen(note)}};
    const size_t size = sizeof bundle + module.size + strlen(note);
    input = malloc(size);
    if (!input)
        return err_set(err, -ENOMEM, "cannot build '%s'", build_source_title(&build->source));
    memcpy(input, &bundle, sizeof bundle);
    memcpy(input + sizeof bundle, module.data, module.size);
    memcpy(input + sizeof bundle + module.size, note, strlen(note));
    r = fd_sealed_copy("quick", input, size, &input_fd, err);
    if (r < 0)
        return r;
    build_progress_say(build, "compile quickly");
    add_macros(build, &macros);
    return run_compiler(build, "quick", input_fd, &macros, QUICK_CPU_SECONDS, err);
}
