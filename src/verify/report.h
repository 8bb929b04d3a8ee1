/* A verdict as JSON: what docs/verify.md describes. */
#pragma once

#include "verify/prove.h"
#include "verify/verify.h"

struct report {
    enum verify_verdict verdict;
    const char *entry;
    char reason[512];              /* of bad input */
    const struct program *program; /* may be NULL */
    const struct proof *proof;     /* NULL: refused before */
    uint32_t instructions;
};

/* malloc'ed; NULL when there is no memory. */
char *report_json(const struct report *report);
/* Why it is not proved, in one line: the first of all causes, with its place. "" when it is. */
void report_reason(const struct report *report, char *text, size_t size);
extern const char *const place_kind_names[PLACE_KINDS];
