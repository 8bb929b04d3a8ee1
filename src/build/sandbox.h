/*
 * One stage of a build in a sandbox of its own: namespaces, an empty root with the compilers
 * read-only, a size-limited scratch directory, no network, no capabilities, limits of time, memory,
 * processes and bytes. What runs in it is vireo-build, which starts the compilers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct build_options;
struct sandbox;

/* What vireo-build's exit status says of a stage (stage.h sets it, sandbox.c reads it). */
enum stage_status {
    STAGE_OK = 0,
    STAGE_REFUSED = 1,   /* the source is wrong; the log says why */
    STAGE_BROKEN = 2,    /* vireo-build could not do its work; the log says why */
    STAGE_TIME = 3,      /* a tool used up its CPU time */
    STAGE_SIZE = 4,      /* a tool wrote more than it may */
    STAGE_CRASHED = 5,   /* a tool died of a signal */
    STAGE_FORBIDDEN = 6, /* it can't follow the version that runs; the log says why */
};

/* The only directory that a stage can write to: empty, in memory. */
#define STAGE_SCRATCH "/build"

#define SANDBOX_LOG_BYTES (64 << 10)
#define SANDBOX_ARGS_MAX (BUILD_SOURCES_MAX + 8)

/* Most C files that one function is compiled from. */
#define BUILD_SOURCES_MAX 512

struct sandbox_stage {
    const char *name; /* "compile": vireo-build's verb, and for messages */
    /* Further arguments, NULL-terminated, at most SANDBOX_ARGS_MAX. */
    const char *const *args;
    int input_fd; /* its standard input: a sealed memfd */
    uint64_t output_max;
    uint32_t cpu_seconds; /* of each tool */
};

struct sandbox_output {
    int fd; /* a sealed memfd with what the stage wrote: the caller's */
    size_t size;
    char *
        log; /* first SANDBOX_LOG_BYTES of diagnostics, control characters replaced; the caller's */
};

/*
 * Prepares for one build of `function` (for messages). The deadline of all its stages starts now.
 * The options must live as long as the sandbox.
 */
int sandbox_open(const struct build_options *options, const char *function,
                 struct sandbox **ret_sandbox, struct err *err);
void sandbox_close(struct sandbox *sandbox);

/*
 * Runs a stage to its end; nothing of it is left when this returns. A stage that fails is an error
 * whose message is its first diagnostic: -EINVAL the source is wrong, -ETIME, -ENOMEM and -EFBIG a
 * limit was reached, -EPROTO ours. *ret_output->log is set then too (the rest is not), so that
 * more of it can be shown.
 */
int sandbox_run(struct sandbox *sandbox, const struct sandbox_stage *stage,
                struct sandbox_output *ret_output, struct err *err);
void sandbox_output_clear(struct sandbox_output *output);
