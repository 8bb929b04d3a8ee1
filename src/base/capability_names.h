/* Capabilities by name. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* "CAP_CHOWN" or "chown" in any case: its number; -1: there is none of that name. */
int capability_number(const char *name);
/* The name with CAP_ of a number, or NULL past the last that is known here. */
const char *capability_name(size_t number);

/* Those of `wanted` that this process could pass on: its permitted and bounding ones. */
uint64_t capabilities_held(uint64_t wanted);
