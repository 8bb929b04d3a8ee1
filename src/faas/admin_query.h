/* What an admin request's URL and headers say, checked: no part of it is trusted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "faas/protocol.h"

struct err;

/*
 * Fills name, isolation, ..., params of `ret_request` from the query of POST /system/functions.
 * -EINVAL for an unknown key, a key given twice (but param), a value that is too long or has a
 * control character, a broken %XX.
 */
int admin_query_deploy(const char *query, struct admin_request *ret_request, struct err *err);

/* A function's name as it may stand in a path. */
bool admin_name_is_valid(const char *name, size_t bytes);

/* Letters, digits, dots, hyphens: what may be a pVM's name, as which the supervisor knows it. */
bool admin_pvm_is_valid(const char *name, size_t bytes);

/* The signal of "signal=N", SIGKILL without one. -EINVAL: anything else. */
int admin_query_signal(const char *query, uint32_t *ret_signal, struct err *err);

/* The names of "library=NAME[&replaces=NAME]", "" where there is none. -EINVAL: anything else. */
int admin_query_library(const char *query, char ret_name[NAME_MAX_BYTES + 1],
                        char ret_replaces[NAME_MAX_BYTES + 1], struct err *err);

/* True if the query has `follow=1`. */
bool admin_query_follow(const char *query);

/*
 * A Host header of a TCP request that is ours: a loopback address, `local` (the address that was
 * connected to), "localhost" or `extra` (may be NULL), with or without a port. Another name may be
 * an attacker's that points at this machine (DNS rebinding).
 */
bool admin_host_is_ours(const char *host, const char *local, const char *extra);

/* "Bearer TOKEN", compared in a time that does not depend on where they differ. */
bool admin_token_matches(const char *authorization, const char *token);
