/*
 * Behind include/vireo/function.h: compiled into each handler, by
 *
 *   clang --target=wasm32-wasi -mexec-model=reactor -O2 -IINCLUDE SDK/function.c handler.c ...
 *
 * -DVIREO_ENTRY=name when the handler has another name. Exports what the guest calls for a request
 * (guest/library.h): vireo_request_buffer, then vireo_handle, then vireo_answer_buffer.
 *
 * Both buffers are kept between calls. A call without accessors allocates nothing.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vireo/function.h"

#ifndef VIREO_ENTRY
#define VIREO_ENTRY handler
#endif

#define EXPORT(name) __attribute__((export_name(#name), used))
#define IMPORT(name) __attribute__((import_module("vireo"), import_name(#name)))

#define ABSENT UINT32_MAX
#define WASM_PAGE_BYTES 65536ull

/* What request_text() is asked for. */
enum { TEXT_METHOD, TEXT_PATH, TEXT_QUERY, TEXT_COUNT, NUMBER_MEMORY_PAGES = 16 };

/* Each text's whole length, of which at most `capacity` bytes were written; -1: none. */
IMPORT(request_text) uint32_t host_request_text(uint32_t which, char *to, uint32_t capacity);
IMPORT(request_header)
uint32_t host_request_header(const char *name, uint32_t name_bytes, char *to, uint32_t capacity);
IMPORT(response_status) int32_t host_response_status(int32_t status);
IMPORT(response_header)
int32_t host_response_header(const char *name, uint32_t name_bytes, const char *value,
                             uint32_t value_bytes);

int64_t VIREO_ENTRY(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap);

static uint8_t *request;
static uint32_t request_capacity;
static uint8_t *answer;
static uint32_t answer_capacity;

/* Texts handed to the handler during this call. */
struct text {
    struct text *next;
    char *value;
    char name[]; /* of a header */
};
static struct text *headers;
static char *texts[TEXT_COUNT];

static void drop_texts(void)
{
    for (int i = 0; i < TEXT_COUNT; i++) {
        free(texts[i]);
        texts[i] = NULL;
    }
    while (headers) {
        struct text *next = headers->next;
        free(headers->value);
        free(headers);
        headers = next;
    }
}

static const char *request_text(int which)
{
    if (texts[which])
        return texts[which];
    uint32_t bytes = host_request_text((uint32_t)which, NULL, 0);
    char *text = bytes == ABSENT ? NULL : malloc((size_t)bytes + 1);
    if (!text)
        return NULL;
    host_request_text((uint32_t)which, text, bytes);
    text[bytes] = '\0';
    return texts[which] = text;
}

const char *vireo_request_method(void)
{
    return request_text(TEXT_METHOD);
}

const char *vireo_request_path(void)
{
    return request_text(TEXT_PATH);
}

const char *vireo_request_query(void)
{
    return request_text(TEXT_QUERY);
}

const char *vireo_request_header(const char *name)
{
    for (struct text *one = headers; one; one = one->next) {
        if (strcmp(one->name, name) == 0)
            return one->value;
    }
    uint32_t name_bytes = (uint32_t)strlen(name);
    uint32_t bytes = host_request_header(name, name_bytes, NULL, 0);
    if (bytes == ABSENT)
        return NULL;
    struct text *one = malloc(sizeof *one + name_bytes + 1);
    char *value = malloc((size_t)bytes + 1);
    if (!one || !value) {
        free(one);
        free(value);
        return NULL;
    }
    host_request_header(name, name_bytes, value, bytes);
    value[bytes] = '\0';
    memcpy(one->name, name, name_bytes + 1);
    one->value = value;
    one->next = headers;
    headers = one;
    return value;
}

int vireo_response_status(int status)
{
    return host_response_status(status);
}

int vireo_response_header(const char *name, const char *value)
{
    return host_response_header(name, (uint32_t)strlen(name), value, (uint32_t)strlen(value));
}

/* A buffer of `bytes` at least, its old content gone; 0 when there is no memory. */
static bool reserve(uint8_t **buffer, uint32_t *capacity, uint32_t bytes)
{
    if (*buffer && *capacity >= bytes)
        return true;
    free(*buffer);
    /* Never touched by us: pages that the handler does not use cost nothing. */
    *buffer = malloc(bytes ? bytes : 1);
    *capacity = *buffer ? bytes : 0;
    return *buffer != NULL;
}

EXPORT(vireo_request_buffer) uint8_t *vireo_request_buffer(uint32_t bytes)
{
    return reserve(&request, &request_capacity, bytes) ? request : NULL;
}

/*
 * Room for the answer: what the host allows, but at most half of the memory that this instance can
 * still have, so that a handler with a small limit is left some. Chosen at the first call.
 */
static uint32_t answer_room(uint32_t answer_max)
{
    uint64_t pages_max = host_request_text(NUMBER_MEMORY_PAGES, NULL, 0);
    uint64_t pages = __builtin_wasm_memory_size(0);
    uint64_t half = pages_max > pages ? (pages_max - pages) * WASM_PAGE_BYTES / 2 : 0;

    if (answer_capacity > 0)
        return answer_max < answer_capacity ? answer_max : answer_capacity;
    return half < answer_max ? (uint32_t)half : answer_max;
}

EXPORT(vireo_handle) int64_t vireo_handle(uint32_t request_bytes, uint32_t answer_max)
{
    drop_texts();
    uint32_t room = answer_room(answer_max);
    if (!reserve(&answer, &answer_capacity, room))
        room = 0;
    return VIREO_ENTRY(request, request_bytes, answer, room);
}

EXPORT(vireo_answer_buffer) uint8_t *vireo_answer_buffer(void)
{
    return answer;
}
