/*
 * An entry of the allow-list against what is called: its buffers end where memory ends, or begin
 * where it begins; what the contract says is read or written is all that is, and the result is
 * within what it says. The C library's cmocka is included here, in the order that it wants.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

#include "allow/allow.h"

union argument {
    const uint8_t *pointer;
    uint64_t number;
};

/* A page between two that nobody may touch. */
uint8_t *contract_page(void);

/*
 * One call, with the numbers in `a`: a page of `pages` is for each parameter that is a buffer. What
 * is read is painted with `text`, over and over.
 */
void contract_check(const struct allow_entry *entry, union argument *a,
                    uint8_t *const pages[ALLOW_PARAMS], bool at_end, const char *text,
                    int64_t (*call)(const char *name, const union argument *a));
