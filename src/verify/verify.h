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
    const char *entry;          /* NULL or "": handler, else main */
    const char *library_folder; /* whose lines are nobody's: those of the callers are told */
    uint64_t buffer_max;        /* most bytes of a handler's in and out */
    unsigned query_limit;       /* resource units of Z3 for one query; 0: the usual */
    uint64_t total_limit;       /* of all; 0: the usual */
};

/* What of a verdict goes into the library that is made of it; as bytes between two processes. */
struct verify_facts {
    uint64_t instructions; /* at most in one call */
    uint64_t ns;           /* of processor time, of what it does itself; UINT64_MAX: none known */
    uint64_t stack_bytes;  /* of local variables */
    uint32_t verdict;      /* enum verify_verdict */
    uint32_t repeated;     /* the entry is a handler */
    char entry[64];
    char reason[256]; /* why it is not proved, in one line */
};

struct verify_result {
    char *json; /* malloc'ed, the caller's, as ir */
    void *ir;   /* the bitcode that was verified, and no other; NULL without a verdict on one */
    size_t ir_size;
    struct verify_facts facts;
};

/*
 * Verifies what its inputs become when all that they promise is taken out of them (normalise.h):
 * code may be made of exactly ret_result->ir. Else as verify_run().
 */
int verify_prove(const struct verify_options *options, struct verify_result *ret_result,
                 struct err *err);

/*
 * Verifies and describes the result as JSON (malloc'ed, the caller's). Returns the verdict, or
 * -ENOMEM. Deterministic: no clock has a say in it. One thread; it needs 512 MiB of address space
 * for its stack, which it makes itself.
 */
int verify_run(const struct verify_options *options, char **ret_json, struct err *err);
