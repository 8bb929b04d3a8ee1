/* Errors that a person can act on: a negative errno to branch on, a message to read. */
#pragma once

struct err {
    int code;          /* negative errno of the first failure; 0: none yet */
    char message[512]; /* "cannot <verb> '<object>': <cause>" */
};

/*
 * Records a failure and returns `code` (negative errno), so that a caller can write
 *     return err_set(err, -errno, "cannot open '%s'", path);
 * The cause is appended from `code`. The first failure wins: a later one, met
 * while unwinding, is not the reason. `err` may be NULL (caller wants the code
 * only). Any thread; `err` belongs to the caller.
 */
int err_set(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, when the message already names the cause: nothing is appended. */
int err_say(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Adds to the message, where `code` is an error (returned), which place of a configuration it is
 * about: " (mounts[3])". A message that is too long for it loses its end. `err` may be NULL.
 */
int err_at(struct err *err, int code, const char *path, ...) __attribute__((format(printf, 3, 4)));
