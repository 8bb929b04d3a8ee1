/* From a module that was checked to native code: wasm2c's C of it, compiled by gcc. */
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

/* The macros of guest/sdk/shim.c: what the module has is ours to say, from our own look at it. */
static int native(struct build *build, struct err *err)
{
    const struct wasm_facts *facts = &build->facts;
    _cleanup_(closep) int input_fd = -1;
    _cleanup_(closep) int library_fd = -1;
    const char *args[16];
    char imports[32];
    uint64_t translated_size = 0;
    size_t count = 0, size;

    int r = bundle_native(build, &input_fd, &translated_size, err);
    if (r < 0)
        return r;
    bool large = translated_size > LARGE_TRANSLATION_BYTES;
    build_progress_say(build, large ? "optimise (large)" : "optimise");
    snprintf(imports, sizeof imports, "-DSHIM_IMPORTS=%u", facts->import_module_count);
    args[count++] = large ? "-O1" : "-O2";
    args[count++] = imports;
    args[count++] = build->links.part ? "-DSHIM_PART" : "-DSHIM_MEMORY";
    if (facts->has_start_export)
        args[count++] = "-DSHIM_START";
    if (facts->has_initialize_export)
        args[count++] = "-DSHIM_INITIALIZE";
    if (facts->has_handler_exports)
        args[count++] = "-DSHIM_HANDLER";
    if (facts->has_start_section)
        args[count++] = "-DSHIM_START_SECTION";
    if (build_is_linked(build))
        args[count++] = "-DSHIM_LINK";
    if (build_is_linked(build) && build->links.has_stack)
        args[count++] = "-DSHIM_STACK";
    if ((facts->imports_bpf || facts->has_handlers || build_is_linked(build)) && facts->has_table)
        args[count++] = "-DSHIM_TABLE";
    if (facts->has_go_callback)
        args[count++] = "-DSHIM_GO_CALLBACK";
    args[count] = NULL;

    struct sandbox_stage stage = {
        .name = "native",
        .args = args,
        .input_fd = input_fd,
        .output_max = LIBRARY_MAX_BYTES,
        .cpu_seconds = NATIVE_CPU_SECONDS,
    };
    r = build_run_stage(build, &stage, &library_fd, &size, err);
    return r < 0 ? r : build_take_elf(build, library_fd, size, err);
}

int build_translated(struct build *build, struct err *err)
{
    int r = translate(build, err);

    return r < 0 ? r : native(build, err);
}
