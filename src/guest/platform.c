/*
 * Module "vireo": kv_get, kv_put, kv_delete, sql, queue_push, http, http_any, exec. Each is a
 * question to vireo-platform, which decides; a result is a number of its own or a WASI errno as a
 * negative one. Requests and answers go from and to the instance's memory directly.
 */
#include "guest/platform.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "guest/platform_ask.h"
#include "guest/template.h"
#include "guest/wasi_internal.h"

#define VIREO(name) Z_vireoZ_##name

uint32_t VIREO(kv_get)(struct host *host, uint32_t key, uint32_t key_bytes, uint32_t to,
                       uint32_t room);
uint32_t VIREO(kv_put)(struct host *host, uint32_t key, uint32_t key_bytes, uint32_t value,
                       uint32_t bytes);
uint32_t VIREO(kv_delete)(struct host *host, uint32_t key, uint32_t key_bytes);
uint32_t VIREO(sql)(struct host *host, uint32_t text, uint32_t text_bytes, uint32_t params,
                    uint32_t params_bytes, uint32_t to, uint32_t room);
uint32_t VIREO(queue_push)(struct host *host, uint32_t name, uint32_t name_bytes, uint32_t body,
                           uint32_t bytes);
uint32_t VIREO(http)(struct host *host, uint32_t head, uint32_t head_bytes, uint32_t body,
                     uint32_t bytes, uint32_t to, uint32_t room);
uint32_t VIREO(http_any)(struct host *host, uint32_t head, uint32_t head_bytes, uint32_t body,
                         uint32_t bytes, uint32_t to, uint32_t room);
uint32_t VIREO(exec)(struct host *host, uint32_t name, uint32_t name_bytes, uint32_t input,
                     uint32_t bytes, uint32_t to, uint32_t room);

/* A piece of the instance's memory. */
struct piece {
    uint32_t at, bytes;
};

static uint32_t refuse(int error)
{
    return (uint32_t) - (int)wasi_errno_from(error);
}

/* System calls: writev, readv. The answer's length or -errno. */
static int exchange(struct wasi *wasi, struct platform_request *request, const void *first,
                    const void *second, void *room)
{
    struct platform_answer answer;
    struct iovec out[] = {{request, sizeof *request},
                          {(void *)(uintptr_t)first, request->first_bytes},
                          {(void *)(uintptr_t)second, request->second_bytes}};
    struct iovec in[] = {{&answer, sizeof answer}, {room, request->room}};
    ssize_t n;

    request->sequence = ++wasi->platform_sequence;
    do
        n = writev(wasi->options.platform, out, 3);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EPIPE ? -EIO : -errno;
    do {
        do
            n = readv(wasi->options.platform, in, 2);
        while (n < 0 && errno == EINTR);
        /* An answer that nobody waited for is passed over. */
    } while (n >= (ssize_t)sizeof answer && answer.sequence != request->sequence);
    if (n < (ssize_t)sizeof answer)
        return -EIO; /* it is gone */
    if (answer.error < 0)
        return answer.error;
    if (answer.bytes > request->room || (size_t)n != sizeof answer + answer.bytes)
        return -EIO;
    return (int)answer.bytes;
}

int platform_ask(struct host *host, enum platform_operation operation,
                 const struct platform_asked *asked)
{
    struct platform_request request = {
        .operation = operation,
        .first_bytes = asked->first_bytes,
        .second_bytes = asked->second_bytes,
        .room = asked->room < PLATFORM_DATA_MAX ? asked->room : PLATFORM_DATA_MAX,
    };

    if (host->wasi->options.platform < 0)
        return -EACCES;
    if (asked->first_bytes > PLATFORM_TEXT_MAX || asked->second_bytes > PLATFORM_DATA_MAX)
        return -EMSGSIZE;
    return exchange(host->wasi, &request, asked->first, asked->second, asked->to);
}

static uint32_t ask(struct host *host, enum platform_operation operation, struct piece first,
                    struct piece second, struct piece room)
{
    const struct platform_asked asked = {
        .first = host_memory(host, first.at, first.bytes),
        .second = host_memory(host, second.at, second.bytes),
        .to = host_memory(host, room.at, room.bytes),
        .first_bytes = first.bytes,
        .second_bytes = second.bytes,
        .room = room.bytes,
    };

    if (!asked.first || !asked.second || !asked.to)
        return refuse(EFAULT);
    int r = platform_ask(host, operation, &asked);
    return r < 0 ? refuse(r) : (uint32_t)r;
}

static const struct piece none = {0, 0};

uint32_t VIREO(kv_get)(struct host *host, uint32_t key, uint32_t key_bytes, uint32_t to,
                       uint32_t room)
{
    return ask(host, PLATFORM_KV_GET, (struct piece){key, key_bytes}, none,
               (struct piece){to, room});
}

uint32_t VIREO(kv_put)(struct host *host, uint32_t key, uint32_t key_bytes, uint32_t value,
                       uint32_t bytes)
{
    return ask(host, PLATFORM_KV_PUT, (struct piece){key, key_bytes}, (struct piece){value, bytes},
               none);
}

uint32_t VIREO(kv_delete)(struct host *host, uint32_t key, uint32_t key_bytes)
{
    return ask(host, PLATFORM_KV_DELETE, (struct piece){key, key_bytes}, none, none);
}

uint32_t VIREO(sql)(struct host *host, uint32_t text, uint32_t text_bytes, uint32_t params,
                    uint32_t params_bytes, uint32_t to, uint32_t room)
{
    return ask(host, PLATFORM_SQL, (struct piece){text, text_bytes},
               (struct piece){params, params_bytes}, (struct piece){to, room});
}

uint32_t VIREO(queue_push)(struct host *host, uint32_t name, uint32_t name_bytes, uint32_t body,
                           uint32_t bytes)
{
    return ask(host, PLATFORM_QUEUE_PUSH, (struct piece){name, name_bytes},
               (struct piece){body, bytes}, none);
}

uint32_t VIREO(http)(struct host *host, uint32_t head, uint32_t head_bytes, uint32_t body,
                     uint32_t bytes, uint32_t to, uint32_t room)
{
    return ask(host, PLATFORM_HTTP, (struct piece){head, head_bytes}, (struct piece){body, bytes},
               (struct piece){to, room});
}

uint32_t VIREO(http_any)(struct host *host, uint32_t head, uint32_t head_bytes, uint32_t body,
                         uint32_t bytes, uint32_t to, uint32_t room)
{
    return ask(host, PLATFORM_HTTP_ANY, (struct piece){head, head_bytes},
               (struct piece){body, bytes}, (struct piece){to, room});
}

uint32_t VIREO(exec)(struct host *host, uint32_t name, uint32_t name_bytes, uint32_t input,
                     uint32_t bytes, uint32_t to, uint32_t room)
{
    return ask(host, PLATFORM_EXEC, (struct piece){name, name_bytes}, (struct piece){input, bytes},
               (struct piece){to, room});
}
