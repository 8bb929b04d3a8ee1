/* What HTTP allows in names and values of fields (RFC 9110, section 5). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A token: at least one of letters, digits and !#$%&'*+-.^_`|~ */
bool http_is_token(const char *text, size_t bytes);

/* No control characters but the tab: neither CR, LF nor NUL. May be empty. */
bool http_is_value(const char *text, size_t bytes);

/* True when a capital letter is in it. */
bool http_has_upper(const char *text, size_t bytes);

/* True when both are the same, capital or small. */
bool http_same(const char *text, size_t bytes, const char *other, size_t other_bytes);

/*
 * Fields that say how this connection carries the message: the gateway's business, never a
 * function's (a wrong Content-Length or Transfer-Encoding is request smuggling).
 */
bool http_is_hop_by_hop(const char *name, size_t bytes);
