/* For uid.c and its tests: the same with the files named. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct pvm_uid_block;

/* Blocks of the range for daemons, when it is large enough to be shared. */
#define UID_BLOCKS 16
#define UID_BLOCKS_MIN_COUNT 16384

/* One-shot sandboxes take theirs from the top of the range, functions from below. */
#define UID_ONE_SHOT_COUNT 1024

struct uid_files {
    const char *subuid, *subgid, *passwd, *group;
};

/* "NAME:FIRST:COUNT" of subuid(5). False: not such a line, uid 0, an empty range or one that wraps
 * or holds (uid_t)-1. `name` is not copied: its length is set. */
bool uid_line_parse(const char *line, size_t *ret_name_length, uid_t *ret_first,
                    uint32_t *ret_count);

/* See pvm_uid_range(). */
int uid_range_find(const struct uid_files *files, uid_t *ret_first, uint32_t *ret_count,
                   bool *ret_added, struct err *err);

/* See pvm_uid_block_take(): a block of [first, first + count), locked by a file below `directory`.
 */
int uid_block_take(const char *directory, const char *state, int number, uid_t first,
                   uint32_t count, struct pvm_uid_block *ret_block, struct err *err);

/*
 * Takes an id of [first, first + count) that no other live process holds, by locking a file below
 * `directory`. -EAGAIN: all are taken.
 */
int uid_lock_take(const char *directory, uid_t first, uint32_t count, uid_t *ret_uid,
                  int *ret_lock_fd, struct err *err);
