/*
 * Bytes of a connection, through the real server and the real gateway, to the guest's own parser.
 * What reaches a function is a proper head: the guest accepts it, and no header of the connection,
 * no control character and no forged identifier is in it. What comes back is HTTP.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/un.h>

#include "fuzz.h"
#include "guest/call.h"
#include "guest/cgi.h"
#include "guest/http_text.h"

/* The gateway's own file: what it does with messages and how it is put together is static there. */
#include "../../src/faas/gateway_calls.c"

#define REQUEST_LIMIT 1000u
#define ROUNDS_MAX 400

static struct calls *calls;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int supervisor_fd, event_fd;
static struct channel *channel; /* as the guest has it mapped */
static uint32_t served;         /* the last request's number */
static struct guest_call guest;
static struct cgi_environment environment;
static char *head_copy;
static uint8_t answer[4096];

static void deliver(const void *message, size_t bytes, int *fds, size_t fd_count)
{
    on_message(&calls->supervisor, message, bytes, fds, fd_count);
}

static int sealed_channel(void)
{
    int fd = memfd_create("channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    CHECK(fd >= 0 && ftruncate(fd, CHANNEL_BYTES) == 0 &&
          fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
    return fd;
}

/* The function "echo" with one instance, which is this process. */
static void instance_make(void)
{
    struct gateway_function facts = {
        .type = GATEWAY_FUNCTION,
        .function_id = 1,
        .name = "echo",
        .generation = 1,
        .timeout_ms = 3600000,
        .request_bytes = REQUEST_LIMIT,
        .answer_bytes = sizeof answer,
        .instances_max = 1,
        .spares = 1,
        .queue_max = 16,
        .idle_ms = 3600000,
    };
    struct gateway_simple ready = {.type = GATEWAY_READY};
    struct gateway_start start;

    deliver(&ready, sizeof ready, NULL, 0);
    deliver(&facts, sizeof facts, NULL, 0);
    CHECK(recv(supervisor_fd, &start, sizeof start, 0) == sizeof start);
    CHECK(start.type == GATEWAY_START);
    struct gateway_started started = {.type = GATEWAY_STARTED,
                                      .function_id = 1,
                                      .token = start.token,
                                      .start_kind = GATEWAY_FORK,
                                      .generation = 1};
    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int fds[] = {sealed_channel(), dup(event_fd)};
    channel = mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
    CHECK(channel != MAP_FAILED);
    deliver(&started, sizeof started, fds, 2);
    close(fds[0]);
}

static void listen_on(void)
{
    struct err err = {0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    /* Abstract: no file to remove. */
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "vireo-fuzz-%d", getpid());
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(fd, 16) == 0);
    struct http_options options = {
        .listen_fd = fd,
        .connections_max = 100,
        .idle_seconds = 60,
        .connection_bytes = CONNECTION_BYTES,
        .callbacks = &calls_http,
        .user = calls,
    };
    CHECK(http_open(calls->loop, &options, &calls->http, &err) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct err err = {0};
    int sockets[2], telemetry[2];

    (void)argc, (void)argv;
    signal(SIGPIPE, SIG_IGN);
    calls = calloc(1, sizeof *calls);
    head_copy = malloc(REQUEST_HEAD_MAX_BYTES + 1);
    CHECK(calls && head_copy);
    CHECK(loop_new(&calls->loop, &err) == 0);
    CHECK(pool_new(calls->loop, &calls_actions, calls, &calls->pool, &err) == 0);
    calls->random_used = sizeof calls->random;
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, telemetry) == 0);
    supervisor_fd = sockets[1];
    calls->supervisor.message = on_message;
    calls->supervisor.closed = on_closed;
    CHECK(link_open(&calls->supervisor, calls->loop, sockets[0], &err) == 0);
    CHECK(output_open(calls, telemetry[0], &err) == 0);
    listen_on();
    instance_make();
    return 0;
}

/* ---- the guest ---- */

static bool has_control(const struct call_text *text)
{
    for (uint32_t i = 0; i < text->bytes; i++)
        if ((unsigned char)text->data[i] < 0x20 || text->data[i] == 0x7f)
            return true;
    return false;
}

static void header_is_proper(const char *name, const struct call_text *value, unsigned *ids)
{
    static const char *const never[] = {
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "proxy",
        "expect",
        "proxy-connection",
        "proxy-authorization",
        "proxy-authenticate",
    };

    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        CHECK(strcmp(name, never[i]) != 0);
    CHECK(http_is_value(value->data, value->bytes));
    if (strcmp(name, "x-request-id") == 0) {
        CHECK(value->bytes >= 1 && value->bytes <= 64 &&
              strspn(value->data, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-._~:+=/@") == value->bytes);
        ++*ids;
    }
}

static void request_is_proper(void)
{
    unsigned ids = 0;

    CHECK(guest.path.bytes > 0 && guest.path.data[0] == '/');
    CHECK(!has_control(&guest.path) && !has_control(&guest.query) && !has_control(&guest.host));
    CHECK(!strchr(guest.path.data, ' ') && !strchr(guest.path.data, '?'));
    CHECK(guest.body_bytes <= REQUEST_LIMIT);
    for (uint32_t i = 0; i < guest.header_count; i++)
        header_is_proper(guest.header_names[i].data, &guest.header_values[i], &ids);
    CHECK(ids == 1);
    environment.count = environment.used = 0;
    cgi_environment_fill(&environment, &guest, "echo", NULL, 0);
    CHECK(environment.count <= ARRAY_LEN(environment.variables));
    for (size_t i = 0; i < environment.count; i++) {
        CHECK(strchr(environment.variables[i], '='));
        CHECK(strncmp(environment.variables[i], "HTTP_PROXY=", 11) != 0);
    }
}

static void guest_answer(uint32_t slot)
{
    CHECK(call_parse(&guest, channel, slot, head_copy) == 0);
    request_is_proper();
    guest.slot = slot;
    guest.answer = answer;
    CHECK(call_answer(&guest, guest.body, guest.body_bytes) == 0);
    CHECK(call_response_header(&guest, "x-path", 6, guest.path.data,
                               guest.path.bytes < 100 ? guest.path.bytes : 100) == 0);
    call_respond(&guest, CHANNEL_ANSWERED, 0, 0, "");
}

/* Serves what is in the channel, as the guest does. */
static void guest_serve(void)
{
    uint64_t one = 1;

    while (served != atomic_load(&channel->request_sequence)) {
        uint32_t slot = channel->order[++served % CHANNEL_SLOTS], ready = CHANNEL_READY;
        CHECK(slot < CHANNEL_SLOTS);
        if (atomic_compare_exchange_strong(&channel->slots[slot].state, &ready, CHANNEL_TAKEN))
            guest_answer(slot);
        atomic_store(&channel->response_sequence, served);
        if (channel_must_tell(channel))
            CHECK(write(event_fd, &one, sizeof one) == sizeof one);
    }
}

/* ---- the client ---- */

/* True when the server has closed. Checks the first bytes that ever come back. */
static bool client_read(int fd, size_t *read_bytes)
{
    static char buffer[65536];
    ssize_t n;

    while ((n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
        if (*read_bytes == 0)
            CHECK(n >= 12 && memcmp(buffer, "HTTP/1.", 7) == 0 && buffer[9] >= '1' &&
                  buffer[9] <= '5');
        *read_bytes += (size_t)n;
    }
    return n == 0 || errno != EAGAIN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    size_t sent = 0, read_bytes = 0;
    bool over = false;

    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    for (int i = 0; i < ROUNDS_MAX && !over; i++) {
        if (sent < size) {
            ssize_t n = send(fd, data + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            sent = n > 0 ? sent + (size_t)n : n < 0 && errno == EAGAIN ? sent : size;
            if (sent == size)
                shutdown(fd, SHUT_WR);
        } else if (size == 0) {
            shutdown(fd, SHUT_WR);
        }
        serve_ready(calls);
        CHECK(loop_round(calls->loop, 0) == 0);
        guest_serve();
        over = client_read(fd, &read_bytes);
    }
    close(fd);
    /* What was cut off is let go of before the next comes. */
    for (int i = 0; i < 50 && (http_active(calls->http) > 0 || http_connections(calls->http) > 0);
         i++) {
        serve_ready(calls);
        CHECK(loop_round(calls->loop, 0) == 0);
        guest_serve();
    }
    CHECK(http_active(calls->http) == 0);
    return 0;
}
