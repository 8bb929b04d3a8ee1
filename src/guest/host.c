/*
 * Host functions of module "vireo": what include/vireo/function.h is made of (sdk/function.c).
 * Libraries call them by the types that wasm2c gives them; the first argument is their host.
 */
#include <string.h>

#include "guest/call.h"
#include "guest/host.h"
#include "guest/http_text.h"
#include "guest/wasm_internal.h"

#define ABSENT UINT32_MAX /* -1 */

/* What request_text() may be asked for, beside texts: see sdk/function.c. */
#define NUMBER_MEMORY_PAGES 16

uint32_t Z_vireoZ_request_text(struct host *host, uint32_t which, uint32_t to, uint32_t capacity);
uint32_t Z_vireoZ_request_header(struct host *host, uint32_t name, uint32_t name_bytes, uint32_t to,
                                 uint32_t capacity);
uint32_t Z_vireoZ_response_status(struct host *host, uint32_t status);
uint32_t Z_vireoZ_response_header(struct host *host, uint32_t name, uint32_t name_bytes,
                                  uint32_t value, uint32_t value_bytes);

/*
 * Guest memory for a host function, or the trap that the guest itself would have met there. In
 * the trap the caller's name: the thunk left its return address on top of the stack.
 */
#define GUEST_MEMORY(host, address, bytes)                            \
    ({                                                                \
        void *_memory = host_memory(host, address, bytes);            \
        if (!_memory)                                                 \
            wasm_trap_at("out of bounds memory access",               \
                         (uintptr_t)__builtin_return_address(0) - 1); \
        _memory;                                                      \
    })

uint32_t Z_vireoZ_request_text(struct host *host, uint32_t which, uint32_t to, uint32_t capacity)
{
    const struct guest_call *call = host->call;

    if (which == NUMBER_MEMORY_PAGES)
        return host->memory_pages_max;
    if (!call || which > 4)
        return ABSENT;
    const struct call_text *texts[] = {&call->method, &call->path, &call->query, &call->host,
                                       &call->remote};
    const struct call_text *text = texts[which];
    uint32_t bytes = text->bytes < capacity ? text->bytes : capacity;
    if (bytes > 0)
        memcpy(GUEST_MEMORY(host, to, bytes), text->data, bytes);
    return text->bytes;
}

uint32_t Z_vireoZ_request_header(struct host *host, uint32_t name, uint32_t name_bytes, uint32_t to,
                                 uint32_t capacity)
{
    const struct guest_call *call = host->call;
    const char *wanted = GUEST_MEMORY(host, name, name_bytes);

    for (uint32_t i = 0; call && i < call->header_count; i++) {
        const struct call_text *one = &call->header_names[i];
        const struct call_text *value = &call->header_values[i];
        if (!http_same(wanted, name_bytes, one->data, one->bytes))
            continue;
        uint32_t bytes = value->bytes < capacity ? value->bytes : capacity;
        if (bytes > 0)
            memcpy(GUEST_MEMORY(host, to, bytes), value->data, bytes);
        return value->bytes;
    }
    return ABSENT;
}

uint32_t Z_vireoZ_response_status(struct host *host, uint32_t status)
{
    /* A final status: 1xx are the gateway's. */
    if (!host->call)
        return ABSENT;
    if (status < 200 || status > 599) {
        host->call->has_bad_status = true;
        host->call->bad_status = status;
        return ABSENT;
    }
    host->call->status = status;
    return 0;
}

uint32_t Z_vireoZ_response_header(struct host *host, uint32_t name, uint32_t name_bytes,
                                  uint32_t value, uint32_t value_bytes)
{
    const char *name_at = GUEST_MEMORY(host, name, name_bytes);
    const char *value_at = GUEST_MEMORY(host, value, value_bytes);

    if (!host->call ||
        call_response_header(host->call, name_at, name_bytes, value_at, value_bytes) < 0)
        return ABSENT;
    return 0;
}
