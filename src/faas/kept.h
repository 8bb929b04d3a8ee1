/*
 * What one function keeps: three SQLite files in its directory, each opened when it is first
 * wanted: tables.db for its own SQL, keys.db and queue.db. Each may grow to the quota and no
 * further. Every function here answers -errno: -ENOSPC the quota, -ENOMEM a statement that needs
 * too much memory, -ETIMEDOUT one that takes too long, -EIO the rest.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct kept;

/* `directory` is there. No file is made yet. It is the process's, to its end. */
int kept_new(const char *directory, uint64_t bytes, uint32_t queue_max, struct kept **ret_kept);

/* The value's length; -ENOENT, -EMSGSIZE (longer than `room`). */
int kept_key_get(struct kept *kept, const void *key, size_t key_bytes, void *to, size_t room);
int kept_key_put(struct kept *kept, const void *key, size_t key_bytes, const void *value,
                 size_t bytes);
/* -ENOENT. */
int kept_key_delete(struct kept *kept, const void *key, size_t key_bytes);

/*
 * One statement with its parameters, as guest/platform.h has them; the rows' length. -EINVAL: not
 * one statement, or other parameters than it has; -EACCES: what functions may not do (other files,
 * PRAGMA, transactions over several statements, virtual tables); -EPERM: a constraint; -EMSGSIZE.
 */
int kept_sql(struct kept *kept, const char *text, size_t text_bytes, const uint8_t *params,
             size_t params_bytes, uint8_t *to, size_t room);

/* ---- messages ---- */
struct kept_message {
    int64_t id;
    char function[64];
    uint8_t body[64 << 10];
    size_t bytes;
    unsigned tries;
};
/* -EAGAIN: as many as may wait. */
int kept_queue_push(struct kept *kept, const char *function, const void *body, size_t bytes);
/* The oldest message that is due and not being sent; 1, or 0 when there is none: then *ret_wait_ms
 * says when one will be, -1: never. It is being sent from now. */
int kept_queue_next(struct kept *kept, struct kept_message *message, int64_t *ret_wait_ms);
/* It was taken, or is given up: it goes. */
int kept_queue_done(struct kept *kept, int64_t id);
/* It is tried again after so long. */
int kept_queue_later(struct kept *kept, int64_t id, int64_t wait_ms);
