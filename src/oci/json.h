/* Strict JSON from outside: json-c's parser, with limits, no duplicate keys, and errors by path. */
#pragma once

#include <stddef.h>

struct err;
struct json_object;

/*
 * Parses `text` whole. Refused, each with the JSON path in the message ("cannot read 'NAME':
 * PATH: …"): what is not RFC 8259, depth over OCI_CONFIG_DEPTH_MAX, a key that stands twice in one
 * object, numbers beyond 64 bits or not finite, strings that are not UTF-8. -EINVAL or -ENOMEM.
 * The caller puts *ret_object.
 */
int oci_json_parse(const char *name, const char *text, size_t bytes,
                   struct json_object **ret_object, struct err *err);
