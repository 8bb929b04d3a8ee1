/*
 * include/vireo/platform.h for native code: the same questions as platform.c's, by addresses. What
 * the code may count on (the contracts of src/allow) holds whatever vireo-platform answers: only a
 * good answer reaches its buffer, and so much of it as is told.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "guest/native.h"
#include "guest/platform_ask.h"

int32_t vireo_import_kv_get(const void *key, uint32_t key_bytes, void *to, uint32_t room);
int32_t vireo_import_kv_put(const void *key, uint32_t key_bytes, const void *value, uint32_t bytes);
int32_t vireo_import_kv_delete(const void *key, uint32_t key_bytes);
int32_t vireo_import_sql(const char *text, uint32_t text_bytes, const void *params,
                         uint32_t params_bytes, void *to, uint32_t room);
int32_t vireo_import_queue_push(const char *name, uint32_t name_bytes, const void *body,
                                uint32_t bytes);
int32_t vireo_import_http(const char *head, uint32_t head_bytes, const void *body, uint32_t bytes,
                          void *to, uint32_t room);

/* One thread of an instance runs its code, and its handlers ask afterwards. */
static uint8_t answer[PLATFORM_DATA_MAX];

static int32_t ask(enum platform_operation operation, struct platform_asked asked)
{
    _cleanup_(native_leavep) struct host *host = native_enter();
    void *to = asked.to;

    asked.to = answer;
    int n = host ? platform_ask(host, operation, &asked) : -EACCES;
    if (n > 0)
        memcpy(to, answer, (size_t)n);
    return n;
}

int32_t vireo_import_kv_get(const void *key, uint32_t key_bytes, void *to, uint32_t room)
{
    return ask(
        PLATFORM_KV_GET,
        (struct platform_asked){.first = key, .first_bytes = key_bytes, .to = to, .room = room});
}

int32_t vireo_import_kv_put(const void *key, uint32_t key_bytes, const void *value, uint32_t bytes)
{
    return ask(PLATFORM_KV_PUT,
               (struct platform_asked){
                   .first = key, .first_bytes = key_bytes, .second = value, .second_bytes = bytes});
}

int32_t vireo_import_kv_delete(const void *key, uint32_t key_bytes)
{
    return ask(PLATFORM_KV_DELETE, (struct platform_asked){.first = key, .first_bytes = key_bytes});
}

int32_t vireo_import_sql(const char *text, uint32_t text_bytes, const void *params,
                         uint32_t params_bytes, void *to, uint32_t room)
{
    return ask(PLATFORM_SQL, (struct platform_asked){.first = text,
                                                     .first_bytes = text_bytes,
                                                     .second = params,
                                                     .second_bytes = params_bytes,
                                                     .to = to,
                                                     .room = room});
}

int32_t vireo_import_queue_push(const char *name, uint32_t name_bytes, const void *body,
                                uint32_t bytes)
{
    return ask(PLATFORM_QUEUE_PUSH, (struct platform_asked){.first = name,
                                                            .first_bytes = name_bytes,
                                                            .second = body,
                                                            .second_bytes = bytes});
}

int32_t vireo_import_http(const char *head, uint32_t head_bytes, const void *body, uint32_t bytes,
                          void *to, uint32_t room)
{
    return ask(PLATFORM_HTTP, (struct platform_asked){.first = head,
                                                      .first_bytes = head_bytes,
                                                      .second = body,
                                                      .second_bytes = bytes,
                                                      .to = to,
                                                      .room = room});
}
