/* Shared by facts*.c. */
#pragma once

#include "verify/facts.h"

void facts_find_pointees(struct facts *facts);
/* The stores that may have written what loads read (facts_memory.c). */
struct memory_facts;
struct memory_facts *facts_memory_new(struct facts *facts);
/* What a load may give, as far as the intervals of what was stored are known by now. */
struct range facts_load(const struct facts *facts, const struct memory_facts *memory, vid load);
struct float_range facts_load_float(const struct facts *facts, const struct memory_facts *memory,
                                    vid load);
/* The remainder of a pointer's offset by `stride`; false: not known. */
bool facts_remainder(const struct facts *facts, vid pointer, uint32_t stride, uint32_t *ret);
