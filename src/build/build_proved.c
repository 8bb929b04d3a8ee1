/*
 * The proved rung, on the trusted side: the source is compiled to IR in one sandbox, verified in
 * another, and code is made of the very bytes that were verified in a third; their hash is taken
 * here and goes into the note. The object is looked at before it is linked.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build_internal.h"
#include "build/stage.h"

/* Of a call that does nothing: its pages come, and signals wait. */
#define BASE_MS 250
#define COMPILE_CPU_SECONDS 15
/* A deploy does not wait long for a proof; who requires one waits as long as `vireo verify` does.
 */
#define PROVE_CPU_SECONDS 5
#define PROVE_CPU_SECONDS_REQUIRED 20
#define GENERATE_CPU_SECONDS 15
#define MEMORY_BYTES (1ULL << 30)
#define TIMEOUT_MS 60000
#define MODULES_MAX_BYTES (64ULL << 20)
#define PROOF_MAX_BYTES (96ULL << 20)
#define OBJECT_MAX_BYTES (16ULL << 20)

DEFINE_CLEANUP(struct sandbox, sandbox_close)

struct parts {
    void *bytes; /* of all; malloc'ed */
    size_t size;
    struct stage_facts facts;
    const uint8_t *ir, *report;
    size_t ir_size, report_size;
};

static void parts_clear(struct parts *parts)
{
    free(parts->bytes);
}

static int run(struct sandbox *sandbox, const struct sandbox_stage *stage, int *ret_fd,
               size_t *ret_size, struct err *err)
{
    struct sandbox_output output = {.fd = -1};
    int r = sandbox_run(sandbox, stage, &output, err);

    if (r == 0) {
        *ret_fd = steal_fd(&output.fd);
        *ret_size = output.size;
    }
    sandbox_output_clear(&output);
    return r;
}

static int read_all(int fd, size_t size, void **ret_bytes, struct err *err)
{
    _cleanup_(freep) char *bytes = malloc(size ? size : 1);

    if (!bytes)
        return err_set(err, -ENOMEM, "cannot read what a stage made");
    ssize_t n = pread(fd, bytes, size, 0);
    if (n < 0 || (size_t)n != size)
        return err_set(err, n < 0 ? -errno : -EIO, "cannot read what a stage made");
    *ret_bytes = steal_ptr(&bytes);
    return 0;
}

static int compile_modules(struct build *build, struct sandbox *sandbox, int *ret_fd,
                           struct err *err)
{
    const char *args[BUILD_SOURCES_MAX + 2];
    _cleanup_(closep) int tar_fd = -1;
    size_t count = 0, size;

    args[count++] = build->source.manifest.entry;
    for (size_t i = 0; i < build->source.name_count; i++)
        args[count++] = build->source.names[i];
    args[count] = NULL;
    int r = fd_sealed_copy("source", build->source.tar, build->source.tar_size, &tar_fd, err);
    if (r < 0)
        return r;
    struct sandbox_stage stage = {
        .name = "modules",
        .args = args,
        .input_fd = tar_fd,
        .output_max = MODULES_MAX_BYTES,
        .cpu_seconds = COMPILE_CPU_SECONDS,
    };
    return run(sandbox, &stage, ret_fd, &size, err);
}

/* Facts, IR and report out of the bundle; whoever wrote it. */
static int take_parts(struct parts *parts, struct err *err)
{
    struct stage_bundle bundle;
    const uint8_t *at = parts->bytes;
    size_t left = parts->size;

    if (left < sizeof bundle)
        return err_say(err, -EPROTO, "cannot read the verifier's answer");
    memcpy(&bundle, at, sizeof bundle);
    left -= sizeof bundle;
    at += sizeof bundle;
    if (bundle.sizes[0] != sizeof parts->facts || bundle.sizes[0] > left ||
        bundle.sizes[1] > left - bundle.sizes[0] ||
        bundle.sizes[2] != left - bundle.sizes[0] - bundle.sizes[1])
        return err_say(err, -EPROTO, "cannot read the verifier's answer");
    memcpy(&parts->facts, at, sizeof parts->facts);
    parts->ir = at + bundle.sizes[0];
    parts->ir_size = (size_t)bundle.sizes[1];
    parts->report = parts->ir + parts->ir_size;
    parts->report_size = (size_t)bundle.sizes[2];
    parts->facts.entry[sizeof parts->facts.entry - 1] = '\0';
    parts->facts.reason[sizeof parts->facts.reason - 1] = '\0';
    if (parts->facts.version != STAGE_FACTS_VERSION)
        return err_say(err, -EPROTO, "cannot read the verifier's answer: of another version");
    return 0;
}

static int prove(struct build *build, struct sandbox *sandbox, int modules_fd, struct parts *parts,
                 struct err *err)
{
    const char *require = build->options->require;
    const char *args[] = {build->source.manifest.entry, NULL};
    _cleanup_(closep) int fd = -1;
    struct sandbox_stage stage = {
        .name = "prove",
        .args = args,
        .input_fd = modules_fd,
        .output_max = PROOF_MAX_BYTES,
        .cpu_seconds = require && strcmp(require, "proved") == 0 ? PROVE_CPU_SECONDS_REQUIRED
                                                                 : PROVE_CPU_SECONDS,
    };

    build_progress_say(build, "prove");
    int r = run(sandbox, &stage, &fd, &parts->size, err);
    if (r == 0)
        r = read_all(fd, parts->size, &parts->bytes, err);
    return r < 0 ? r : take_parts(parts, err);
}

int build_generate(struct sandbox *sandbox, int ir_fd, const uint8_t ir_hash[BUILD_HASH_BYTES],
                   const char *entry, int *ret_fd, size_t *ret_size, struct err *err)
{
    const char *args[] = {entry, NULL};
    uint8_t digest[BUILD_HASH_BYTES];
    _cleanup_(freep) void *bytes = NULL;
    off_t size = lseek(ir_fd, 0, SEEK_END);

    if (size < 0)
        return err_set(err, -errno, "cannot read the verified IR");
    int r = read_all(ir_fd, (size_t)size, &bytes, err);
    if (r < 0)
        return r;
    crypto_hash_sha256(digest, bytes, (size_t)size);
    if (sodium_memcmp(digest, ir_hash, sizeof digest) != 0)
        return err_say(err, -EPERM, "cannot make code: the IR is not the one that was verified");
    if (lseek(ir_fd, 0, SEEK_SET) < 0)
        return err_set(err, -errno, "cannot read the verified IR");
    struct sandbox_stage stage = {
        .name = "generate",
        .args = args,
        .input_fd = ir_fd,
        .output_max = OBJECT_MAX_BYTES,
        .cpu_seconds = GENERATE_CPU_SECONDS,
    };
    return run(sandbox, &stage, ret_fd, ret_size, err);
}

/*
 * More than a call can take, wherever it runs: an honest call must never meet it. What the kernel
 * and services do for a call is not in the verifier's time.
 */
static uint64_t cpu_ms(const struct stage_facts *facts, bool calls_out)
{
    uint64_t ms = facts->ns / 1000000;

    if (calls_out && __builtin_mul_overflow(facts->instructions, 2, &ms))
        return UINT64_MAX;
    return ms > UINT64_MAX - BASE_MS ? UINT64_MAX : ms + BASE_MS;
}

/* The object, checked; what it says of itself goes into the note. */
static int generate(struct build *build, struct sandbox *sandbox, const struct parts *parts,
                    void **ret_object, size_t *ret_size, struct err *err)
{
    struct library_proof *proof = &build->note.proof;
    _cleanup_(closep) int ir_fd = -1, object_fd = -1;
    struct object_facts facts;

    crypto_hash_sha256(proof->ir_hash, parts->ir, parts->ir_size);
    crypto_hash_sha256(proof->report_hash, parts->report, parts->report_size);
    int r = fd_sealed_copy("verified", parts->ir, parts->ir_size, &ir_fd, err);
    if (r == 0)
        r = build_generate(sandbox, ir_fd, proof->ir_hash, parts->facts.entry, &object_fd, ret_size,
                           err);
    if (r == 0)
        r = read_all(object_fd, *ret_size, ret_object, err);
    if (r == 0)
        r = object_check(*ret_object, *ret_size, build->source.manifest.limits.stack_bytes, &facts,
                         err);
    if (r < 0)
        return r;
    proof->instructions = parts->facts.instructions;
    proof->stack_bytes = facts.stack_bytes;
    proof->static_bytes = facts.static_bytes;
    memcpy(build->calls, facts.calls, sizeof build->calls);
    proof->cpu_ms = cpu_ms(&parts->facts, facts.calls_out);
    free(build->report);
    build->report = malloc(parts->report_size ? parts->report_size : 1);
    if (!build->report)
        return err_set(err, -ENOMEM, "cannot build '%s'", build_source_title(&build->source));
    memcpy(build->report, parts->report, parts->report_size);
    build->report_size = parts->report_size;
    return 0;
}

static int link_object(struct build *build, const void *object, size_t object_size, struct err *err)
{
    struct stage_bundle bundle = {.sizes = {object_size}};
    _cleanup_(freep) char *note = NULL;
    _cleanup_(closep) int input_fd = -1, library_fd = -1;
    size_t size;

    int r = library_note_source(&build->note, &note, err);
    if (r < 0)
        return r;
    bundle.sizes[1] = strlen(note);
    size_t total = sizeof bundle + object_size + strlen(note);
    _cleanup_(freep) char *bytes = malloc(total);
    if (!bytes)
        return err_set(err, -ENOMEM, "cannot build '%s'", build_source_title(&build->source));
    memcpy(bytes, &bundle, sizeof bundle);
    memcpy(bytes + sizeof bundle, object, object_size);
    memcpy(bytes + sizeof bundle + object_size, note, strlen(note));
    r = fd_sealed_copy("object", bytes, total, &input_fd, err);
    if (r < 0)
        return r;
    struct sandbox_stage stage = {
        .name = "link",
        .input_fd = input_fd,
        .output_max = LIBRARY_MAX_BYTES,
        .cpu_seconds = COMPILE_CPU_SECONDS,
    };
    r = build_run_stage(build, &stage, &library_fd, &size, err);
    return r < 0 ? r : build_take_elf(build, library_fd, size, err);
}

int build_proved(struct build *build, char *reason, size_t reason_size, struct err *err)
{
    struct build_options options = *build->options;
    _cleanup_(sandbox_closep) struct sandbox *sandbox = NULL;
    _cleanup_(parts_clear) struct parts parts = {0};
    _cleanup_(closep) int modules_fd = -1;
    _cleanup_(freep) void *object = NULL;
    size_t object_size = 0;

    char group[128] = "";

    /* Beside that of the other rungs' stages, which is open meanwhile. */
    if (options.cgroup_name && *options.cgroup_name)
        snprintf(group, sizeof group, "%s-proof", options.cgroup_name);
    options.cgroup_name = group;
    options.program = "vireo-verify";
    options.memory_bytes = MEMORY_BYTES;
    if (!options.timeout_ms || options.timeout_ms > TIMEOUT_MS)
        options.timeout_ms = TIMEOUT_MS;
    int r = sandbox_open(&options, build_source_title(&build->source), &sandbox, err);
    if (r == 0)
        r = compile_modules(build, sandbox, &modules_fd, err);
    if (r == 0)
        build->compiles = true;
    if (r == 0)
        r = prove(build, sandbox, modules_fd, &parts, err);
    if (r < 0)
        return r;
    if (parts.facts.proved != 1) {
        snprintf(reason, reason_size, "%s",
                 parts.facts.reason[0] ? parts.facts.reason : "the verifier gave no reason");
        return 1;
    }
    strcpy(build->note.safety, "proved");
    strcpy(build->note.kind, "handler");
    r = generate(build, sandbox, &parts, &object, &object_size, err);
    return r < 0 ? r : link_object(build, object, object_size, err);
}
