/* A strict JSON reader (RFC 8259) that builds nothing: it tells a visitor what it meets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 512

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};
#define JSON_KINDS 7

struct json_error {
    size_t line, column; /* from 1; columns count characters */
    char message[120];
};

/* What is met, in order of the text. Strings are decoded and valid for the call only. */
struct json_visitor {
    void *user;
    /* A value begins; `number` is of a JSON_NUMBER, `length` the characters of a JSON_STRING. */
    void (*value)(void *user, enum json_kind kind, double number, size_t length);
    void (*key)(void *user, const char *key, size_t size);
    void (*end)(void *user, enum json_kind kind); /* of an array or object */
};

/* `text` is followed by a NUL that is not counted. false: *ret_error says where and why. */
bool json_parse(const char *text, size_t size, const struct json_visitor *visitor,
                struct json_error *ret_error);
