/*
 * The static verifier: LLVM IR in, verdict out. See docs/verify.md for what it accepts.
 *
 * Linked by vireo-verify only, which runs in a sandbox: LLVM and Z3 see untrusted input.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* An input of this name is the base library: what others define too is theirs. */
#define VERIFY_BASE_NAME "base.c"

enum verify_verdict { VERIFY_PROVED, VERIFY_NOT_PROVED, VERIFY_BAD_INPUT };

struct verify_input {
    const void *bytes; /* LLVM IR, text or bitcode, of LLVM 14 */
    size_t size;
    const char *name; /* for messages */
};

struct verify_options {
    const struct verify_input *inputs; /* linked into one module */
    size_t input_count;
    const char *entry;    /* NULL or "": handler, else main */
    uint64_t buffer_max;  /* most bytes of a handler's in and out */
    unsigned query_limit; /* resource units of Z3 for one query; 0: the usual */
    uint64_t total_limit; /* of all; 0: the usual */
};

/*
 * Verifies and describes the result as JSON (malloc'ed, the caller's). Returns the verdict, or
 * -ENOMEM. Deterministic: no clock has a say in it. One thread; it needs 512 MiB of address space
 * for its stack, which it makes itself.
 */
int verify_run(const struct verify_options *options, char **ret_json, struct err *err);
