/* Shared by facts*.c. */
#pragma once

#include "verify/facts.h"

void facts_find_pointees(struct facts *facts);
void facts_find_bounds(struct facts *facts);
/* The stores that may have written what loads read (facts_memory.c). */
struct memory_facts;
struct memory_facts *facts_memory_new(struct facts *facts);
/* What a load may give, as far as the intervals of what was stored are known by now. */
struct range facts_load(const struct facts *facts, const struct memory_facts *memory, vid load);
struct float_range facts_load_float(const struct facts *facts, const struct memory_facts *memory,
                                    vid load);

/* ---- padding.c ---- */

/* Fills facts->leaks_padding. */
void padding_find(struct facts *facts);

/* ---- facts_refine.c ---- */

/* The interval of `v` as far as `condition` can hold (or not), seen from `block`. */
struct range facts_apply(const struct facts *facts, vid v, struct range range, vid condition,
                         bool holds, uint32_t block, unsigned depth);
struct float_range facts_float_on_edge(const struct facts *facts, vid value, uint32_t from,
                                       uint32_t to);
/* The largest number whose square is no more. */
uint64_t facts_root(uint64_t number);
