/* What went wrong, as HTTP says it: application/problem+json (RFC 9457) with a word for programs.
 */
#pragma once

#include <stddef.h>

/* The causes of docs/api.md. */
enum problem_cause {
    PROBLEM_NONE,
    PROBLEM_BAD_REQUEST,
    PROBLEM_UNAUTHORIZED,
    PROBLEM_FORBIDDEN,
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD,
    PROBLEM_SLOW,
    PROBLEM_CONFLICT,
    PROBLEM_IN_USE,      /* an address to listen on */
    PROBLEM_SERVER,      /* a call of a function that listens itself */
    PROBLEM_NOT_ALLOWED, /* a call of one that asks for more than the operator allows */
    PROBLEM_REQUEST_TOO_LARGE,
    PROBLEM_URI_TOO_LONG,
    PROBLEM_BUSY,
    PROBLEM_HEAD_TOO_LARGE,
    PROBLEM_GONE, /* the caller hung up while its call waited: nobody reads it */
    PROBLEM_TRAP,
    PROBLEM_EXIT,
    PROBLEM_FAILED,
    PROBLEM_CRASH,
    PROBLEM_MEMORY,
    PROBLEM_PIDS,
    PROBLEM_SYSCALL,
    PROBLEM_ANSWER_TOO_LARGE,
    PROBLEM_BAD_ANSWER,
    PROBLEM_START,
    PROBLEM_STOPPING,
    PROBLEM_TIMEOUT,
    PROBLEM_NO_SPACE,
    PROBLEM_LIMIT, /* a build passed one of its limits */
    PROBLEM_NOT_IMPLEMENTED,
    PROBLEM_INTERNAL,
    PROBLEM_CAUSES
};

unsigned problem_status(enum problem_cause cause);
/* The word, as in "cause". */
const char *problem_word(enum problem_cause cause);
/* From the -errno of an ADMIN_REPLY. */
enum problem_cause problem_from_errno(int error);

/* Longest body that problem_json() makes: every byte of a detail escaped, and the frame. */
#define PROBLEM_JSON_MAX 4096

/*
 * Writes the JSON body; a detail is cut so that it fits, and what JSON does not allow is escaped.
 * Returns its length.
 */
size_t problem_json(enum problem_cause cause, const char *detail, char ret_json[PROBLEM_JSON_MAX]);
