/*
 * The calls gateway between a supervisor and instances that both lie: a run of messages of any
 * bytes, requests, answers, changes of the channel's pages and wakes without an answer, in any
 * order. Every request is answered at most once and, at the end, at least once; no descriptor and
 * no mapping stays; nothing of ours is asserted wrongly. HTTP itself is stubbed: fuzz_http has it.
 *
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "fuzz.h"

#include "../../src/faas/gateway_calls.c"

#define REQUESTS_MAX 12
#define CHANNELS_MAX 8
#define STEPS_MAX 64

struct fake_request {
    struct http_request public; /* first */
    unsigned replies;
    bool used, complete;
};

static struct fake_request requests[REQUESTS_MAX];
static struct {
    struct channel *channel;
    int event_fd;
} guests[CHANNELS_MAX];
static unsigned guest_count;
static uint64_t tokens[CHANNELS_MAX]; /* that were asked for, not started yet */
static unsigned token_count;
static int supervisor_fd = -1;

/* ---- HTTP, as far as the gateway needs it ---- */

int http_reply(struct http_request *request, const struct http_reply *reply)
{
    struct fake_request *fake = (struct fake_request *)request;

    CHECK(fake->used && fake->replies == 0);
    CHECK(reply->status >= 200 && reply->status <= 599);
    for (size_t i = 0; i < reply->header_count; i++) {
        CHECK(reply->headers[i].name[0] && !strpbrk(reply->headers[i].name, "\r\n :"));
        CHECK(reply->headers[i].value[0] && !strpbrk(reply->headers[i].value, "\r\n"));
    }
    uint8_t sum = 0;
    for (size_t i = 0; i < reply->body_bytes; i++)
        sum ^= ((const uint8_t *)reply->body)[i];
    *(volatile uint8_t *)&sum = sum;
    fake->replies++;
    if (reply->release)
        reply->release(reply->owner);
    return 0;
}

const char *http_header(const struct http_request *request, const char *name)
{
    (void)request;
    return strcmp(name, "host") == 0 ? "host" : NULL;
}

int http_each_header(const struct http_request *request,
                     int (*each)(void *user, const char *name, size_t name_bytes, const char *value,
                                 size_t value_bytes),
                     void *user)
{
    (void)request;
    return each(user, "X-One", 5, "1", 1);
}

void http_remote(const struct http_request *request, char *ret_text, size_t size)
{
    (void)request;
    snprintf(ret_text, size, "127.0.0.1");
}

int http_open(struct loop *loop, const struct http_options *options,
              struct http_server **ret_server, struct err *err)
{
    (void)loop, (void)options, (void)ret_server;
    return err_say(err, -ENOSYS, "no server here");
}

void http_run(struct http_server *server)
{
    (void)server;
}

bool http_due(const struct http_server *server)
{
    (void)server;
    return false;
}

bool http_unsettled(const struct http_server *server)
{
    (void)server;
    return false;
}

void http_settle(struct http_server *server)
{
    (void)server;
}

int http_wait_ms(struct http_server *server)
{
    (void)server;
    return -1;
}

void http_stop_listening(struct http_server *server)
{
    (void)server;
}

unsigned http_active(const struct http_server *server)
{
    (void)server;
    return 0;
}

/* Of any request, once in a while. */
bool http_peer_closed(const struct http_request *request)
{
    return ((uintptr_t)request / sizeof(struct fake_request)) % 4 == 0;
}

struct http_stats http_server_stats(const struct http_server *server)
{
    (void)server;
    return (struct http_stats){0};
}

unsigned http_connections(const struct http_server *server)
{
    (void)server;
    return 0;
}

/* ---- a world for one input ---- */

static struct calls *world_open(int *ret_ours, int *ret_telemetry)
{
    struct calls *calls = calloc(1, sizeof *calls);
    struct err err = {0};
    int sockets[2], telemetry[2];

    CHECK(calls && loop_new(&calls->loop, &err) == 0);
    CHECK(pool_new(calls->loop, &calls_actions, calls, &calls->pool, &err) == 0);
    calls->random_used = sizeof calls->random;
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, telemetry) == 0);
    calls->supervisor.message = on_message;
    calls->supervisor.closed = on_closed;
    CHECK(link_open(&calls->supervisor, calls->loop, sockets[0], &err) == 0);
    CHECK(output_open(calls, telemetry[0], &err) == 0);
    supervisor_fd = sockets[1];
    *ret_ours = sockets[0];
    *ret_telemetry = telemetry[0];
    /* Only one end is read: what does not fit is lost, as when the admin gateway sleeps. */
    close(telemetry[1]);
    memset(requests, 0, sizeof requests);
    guest_count = token_count = 0;
    return calls;
}

static void deliver(struct calls *calls, const void *message, size_t bytes, int *fds,
                    size_t fd_count)
{
    /* As in a link: at an address for any structure, in memory that ends with the message. */
    void *copy = malloc(bytes ? bytes : 1);

    CHECK(copy);
    memcpy(copy, message, bytes);
    on_message(&calls->supervisor, copy, bytes, fds, fd_count);
    fd_close_all(fds, fd_count);
    free(copy);
}

static void world_close(struct calls *calls, int ours, int telemetry)
{
    struct call *next;
    struct buffer *next_buffer;

    for (unsigned i = 0; i < guest_count; i++) {
        munmap(guests[i].channel, CHANNEL_BYTES);
        close(guests[i].event_fd);
    }
    pool_free(calls->pool);
    for (struct call *call = calls->spare_calls; call; call = next) {
        next = call->next;
        free(call);
    }
    for (struct buffer *buffer = calls->spare_buffers; buffer; buffer = next_buffer) {
        next_buffer = buffer->next;
        free(buffer);
    }
    CHECK(calls->body_bytes == 0);
    link_close(&calls->supervisor);
    link_close(&calls->telemetry);
    loop_free(calls->loop);
    free(calls);
    close(ours);
    close(supervisor_fd);
    close(telemetry);
}

/* ---- steps ---- */

static void function_told(struct input *input, struct calls *calls)
{
    struct gateway_function facts = {
        .type = GATEWAY_FUNCTION,
        .function_id = (uint32_t)take(input, 1) % 3,
        .name = "f",
        .generation = (uint32_t)take(input, 1) % 4,
        .timeout_ms = 1 + (uint32_t)take(input, 1),
        .request_bytes = 4096,
        .answer_bytes = 1 + (uint32_t)take(input, 2) * 100u,
        .instances_max = 1 + (uint32_t)take(input, 1) % 4,
        .queue_max = 8,
        .idle_ms = (uint32_t)take(input, 1),
        .memory_bytes = 1 << 20,
    };
    uint8_t bits = (uint8_t)take(input, 1);

    facts.name[0] = (char)('f' + facts.function_id);
    facts.per_request = bits & 1;
    facts.spares = bits >> 1 & 3;
    if (bits & 0x80)
        take_over(input, &facts, sizeof facts);
    deliver(calls, &facts, sizeof facts, NULL, 0);
}

/* What the gateway wished for: kept, so that it can be granted. */
static void wishes_read(void)
{
    struct gateway_start start;

    while (recv(supervisor_fd, &start, sizeof start, MSG_DONTWAIT) == sizeof start)
        if (start.type == GATEWAY_START && token_count < CHANNELS_MAX)
            tokens[token_count++] = start.token;
}

static void started_told(struct input *input, struct calls *calls)
{
    struct gateway_started started = {.type = GATEWAY_STARTED, .start_kind = GATEWAY_FORK};
    uint8_t bits = (uint8_t)take(input, 1);
    struct instance *instance;
    int fds[2];

    wishes_read();
    if (guest_count == CHANNELS_MAX)
        return;
    started.token = token_count ? tokens[--token_count] : take(input, 8);
    if ((instance = pool_instance(calls->pool, started.token))) {
        started.function_id = instance->function->facts.function_id;
        started.generation = instance->function->facts.generation;
    }
    if (bits & 0x80)
        take_over(input, &started, sizeof started);
    fds[0] = memfd_create("channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(fds[0] >= 0 && fds[1] >= 0);
    /* Sometimes not of its size, or not sealed. */
    CHECK(ftruncate(fds[0], bits & 0x40 ? 4096 : CHANNEL_BYTES) == 0);
    if (!(bits & 0x20))
        CHECK(fcntl(fds[0], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
    if (!(bits & 0x60)) {
        guests[guest_count].event_fd = dup(fds[1]);
        guests[guest_count].channel =
            mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
        CHECK(guests[guest_count].channel != MAP_FAILED);
        guest_count++;
    }
    deliver(calls, &started, sizeof started, fds, bits & 0x10 ? 1 : 2);
    if (bits & 0x10)
        close(fds[1]);
}

static void ended_told(struct input *input, struct calls *calls)
{
    struct gateway_ended ended = {.type = GATEWAY_ENDED, .end = (uint32_t)take(input, 1) % 9};
    uint8_t slot = (uint8_t)take(input, 1);
    uint32_t serial = (uint32_t)take(input, 1);

    ended.token = (uint64_t)serial << 32 | slot % 8u;
    ended.status = (int32_t)take(input, 2);
    take_over(input, ended.message, (size_t)take(input, 1));
    deliver(calls, &ended, sizeof ended, NULL, 0);
}

static void any_message(struct input *input, struct calls *calls)
{
    size_t bytes;
    const uint8_t *message = take_bytes(input, 1024, &bytes);

    deliver(calls, message, bytes, NULL, 0);
}

static void request_begins(struct input *input, struct calls *calls)
{
    static const char *const paths[] = {"/function/f", "/function/g/x", "/function/h",
                                        "/function/",  "/readyz",       "/function/f/"};
    struct fake_request *fake = NULL;

    for (unsigned i = 0; i < REQUESTS_MAX && !fake; i++)
        if (!requests[i].used)
            fake = &requests[i];
    if (!fake)
        return;
    const char *path = paths[take(input, 1) % ARRAY_LEN(paths)];
    *fake = (struct fake_request){.public = {.user = calls,
                                             .method = "POST",
                                             .path = path,
                                             .path_bytes = strlen(path),
                                             .query = ""},
                                  .used = true};
    calls_http.begin(&fake->public);
    size_t bytes = (size_t)take(input, 2) % 9000;
    static const char body[9000];
    if (!fake->replies && bytes > 0)
        calls_http.body(&fake->public, body, bytes);
    if (!fake->replies) {
        fake->complete = true;
        calls_http.complete(&fake->public);
    }
}

/* A request that was answered is over, as is one that was cut while its body came. */
static void requests_over(void)
{
    for (unsigned i = 0; i < REQUESTS_MAX; i++)
        if (requests[i].used && requests[i].replies) {
            calls_http.over(&requests[i].public);
            requests[i].used = false;
        }
}

static void wake(unsigned guest)
{
    uint64_t one = 1;

    CHECK(write(guests[guest].event_fd, &one, sizeof one) == sizeof one);
}

/* A page of the channel overwritten: the head of it, or the answer's text. */
static void channel_change(struct input *input)
{
    if (guest_count == 0)
        return;
    char *channel = (char *)guests[take(input, 1) % guest_count].channel;
    uint32_t place = (uint32_t)take(input, 2);
    size_t at = place & 1 ? CHANNEL_SMALL + CHANNEL_SMALL_BYTES + place % 512
                          : place % sizeof(struct channel);

    take_over(input, channel + at, 1 + take(input, 1) % 64);
}

/* An answer: numbers of the input, number of the request as it should be or nearly so. */
static void channel_answer(struct input *input)
{
    static const char head[] = "x-a\0b\0content-type\0text/plain";

    if (guest_count == 0)
        return;
    unsigned guest = (unsigned)take(input, 1) % guest_count;
    struct channel *channel = guests[guest].channel;
    uint8_t bits = (uint8_t)take(input, 1);

    uint32_t number = atomic_load(&channel->response_sequence) + 1;
    uint32_t place = channel->order[number % CHANNEL_SLOTS] % CHANNEL_SLOTS;
    struct channel_response *response = &channel->slots[place].response;
    if (!(bits & 32))
        atomic_store(&channel->slots[place].state, CHANNEL_TAKEN);
    *response = (struct channel_response){
        .status = 200, .head_bytes = sizeof head, .body_bytes = 10, .header_count = 2};
    memcpy(channel_response_text(channel, place, sizeof head, 10), head, sizeof head);
    if (bits & 1)
        response->outcome = (uint32_t)take(input, 1) % 9;
    if (bits & 2)
        response->flags = (uint32_t)take(input, 1);
    if (bits & 4)
        take_over(input, response, sizeof *response);
    if (bits & 8)
        channel->log_written = take(input, 8);
    atomic_store(&channel->response_sequence, number + (bits & 16 ? take(input, 1) : 0));
    wake(guest);
}

static void one_step(struct input *input, struct calls *calls)
{
    const struct gateway_simple simple = {.type = input->left && *input->at & 0x80 ? GATEWAY_DRAIN
                                                                                   : GATEWAY_READY};
    struct gateway_function_gone gone = {.type = GATEWAY_FUNCTION_GONE};

    switch (take(input, 1) % 12) {
    case 0:
        function_told(input, calls);
        break;
    case 1:
        gone.function_id = (uint32_t)take(input, 1) % 3;
        deliver(calls, &gone, sizeof gone, NULL, 0);
        break;
    case 2:
        deliver(calls, &simple, sizeof simple, NULL, 0);
        break;
    case 3:
    case 4:
        started_told(input, calls);
        break;
    case 5:
        ended_told(input, calls);
        break;
    case 6:
        any_message(input, calls);
        break;
    case 7:
    case 8:
        request_begins(input, calls);
        break;
    case 9:
        channel_change(input);
        break;
    case 10:
        channel_answer(input);
        break;
    default:
        for (unsigned i = 0, n = (unsigned)take(input, 1); i < n && guest_count > 0; i++)
            wake(i % guest_count);
    }
}

/* Every instance ends: a call that it had is answered then; what waits is let go of. */
static void all_end(struct calls *calls)
{
    for (uint32_t id = 0; id < 3; id++) {
        struct gateway_function_gone gone = {.type = GATEWAY_FUNCTION_GONE, .function_id = id};
        deliver(calls, &gone, sizeof gone, NULL, 0);
    }
    for (uint64_t serial = 0; serial < 200; serial++)
        for (uint64_t slot = 0; slot < 16; slot++) {
            struct gateway_ended ended = {
                .type = GATEWAY_ENDED, .end = GATEWAY_END_KILLED, .token = serial << 32 | slot};
            if (pool_instance(calls->pool, ended.token))
                deliver(calls, &ended, sizeof ended, NULL, 0);
        }
    requests_over();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    int free_before = lowest_free_fd(), ours, telemetry;
    struct calls *calls = world_open(&ours, &telemetry);

    for (int i = 0; i < STEPS_MAX && input.left > 0; i++) {
        one_step(&input, calls);
        serve_ready(calls);
        CHECK(loop_round(calls->loop, 0) == 0);
        requests_over();
    }
    all_end(calls);
    for (unsigned i = 0; i < REQUESTS_MAX; i++)
        CHECK(!requests[i].used);
    world_close(calls, ours, telemetry);
    CHECK(lowest_free_fd() == free_before);
    return 0;
}
