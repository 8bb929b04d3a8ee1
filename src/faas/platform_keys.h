/*
 * A function's keys: in SQLite (kept.h), or in Redis where the operator says so, behind the same
 * calls and errors. In Redis they are the fields of one hash of the function's own, and the
 * connection can touch nothing else.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct kept;

/* From now keys are in Redis; `bytes` is the quota. */
void keys_use_redis(uint32_t function_id, uint64_t bytes);

int keys_get(struct kept *kept, const void *key, size_t key_bytes, void *to, size_t room);
int keys_put(struct kept *kept, const void *key, size_t key_bytes, const void *value, size_t bytes);
int keys_delete(struct kept *kept, const void *key, size_t key_bytes);
