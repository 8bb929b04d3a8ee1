/*
 * Who may lie to the supervisor: a gateway that was subverted, and a template. Messages of any
 * bytes with any number of descriptors go through the sockets and the supervisor's own receiver.
 * Only what a gateway of that role may send, of exactly its size, gets past it; the first other
 * message ends the gateway; no descriptor stays. And what the two gateways say to each other.
 */
#include <sys/socket.h>

#include "faas/telemetry.h"
#include "fuzz.h"
#include "guest/template.h"

/* The receivers are static there. */
#include "../../src/faas/supervisor_gateways.c"
#include "../../src/pvm/wall_process.c"

#define MESSAGES_MAX 16

static struct supervisor supervisor;
static int peer = -1;
static enum gateway_role role;
static unsigned accepted;
static bool unwatched;

/* ---- what stands behind the receiver, told only of what is proper ---- */

void instance_start(struct supervisor *s, const struct gateway_start *wish)
{
    (void)s;
    CHECK(role == GATEWAY_CALLS && wish->type == GATEWAY_START);
    accepted++;
}

void instance_stop(struct supervisor *s, const struct gateway_stop *wish)
{
    (void)s;
    CHECK(role == GATEWAY_CALLS && wish->type == GATEWAY_STOP);
    accepted++;
}

void instance_ground(struct supervisor *s, const struct gateway_ground *wish)
{
    (void)s;
    CHECK(role == GATEWAY_CALLS && wish->type == GATEWAY_GROUND);
    accepted++;
}

/* Texts end; parameters can be walked to their end; only a deploy or an update may have a
 * descriptor (the kernel may have kept it back). */
void admin_message(struct supervisor *s, const struct admin_request *request, int *fd)
{
    size_t bytes = strlen(request->name) + strlen(request->isolation) + strlen(request->memory) +
                   strlen(request->cpus) + strlen(request->timeout) + strlen(request->require);
    unsigned count = 0;

    (void)s;
    CHECK(role == GATEWAY_ADMIN && bytes < sizeof *request);
    for (size_t at = 0; at < request->param_bytes; count++)
        at += strlen(request->params + at) + 1;
    CHECK(count <= sizeof request->params);
    CHECK(!fd || request->type == ADMIN_DEPLOY || request->type == ADMIN_UPDATE);
    if (fd && count % 2)
        close(steal_fd(fd));
    accepted++;
}

int supervisor_watch(struct supervisor *s, struct source *source, int fd, uint32_t events,
                     struct err *err)
{
    (void)s, (void)events, (void)err;
    source->fd = fd;
    return 0;
}

void supervisor_rewatch(struct supervisor *s, struct source *source, uint32_t events)
{
    (void)s, (void)source, (void)events;
}

void supervisor_unwatch(struct supervisor *s, struct source *source)
{
    (void)s, (void)source;
    unwatched = true;
}

void function_tell(struct supervisor *s, const struct function *function)
{
    (void)s, (void)function;
}

void wishes_refuse(struct supervisor *s, struct function *function, int error, const char *reason)
{
    (void)s, (void)function, (void)error, (void)reason;
}

void templates_retire_all(struct supervisor *s)
{
    (void)s;
}

/* ---- messages ---- */

static const size_t sizes[] = {
    sizeof(struct gateway_start),     sizeof(struct gateway_stop), sizeof(struct admin_request),
    sizeof(struct guest_not_started), sizeof(struct guest_ended),  sizeof(struct telemetry_end),
    sizeof(struct gateway_ground),
};

/* Bytes of the input, behind them zeros up to a size that means something, or to none. */
static size_t take_message(struct input *input, char *message, size_t max)
{
    uint8_t how = (uint8_t)take(input, 1);
    size_t bytes, size;
    const uint8_t *from = take_bytes(input, take(input, 1), &bytes);

    memset(message, 0, max);
    memcpy(message, from, bytes);
    size = how & 0x80 ? bytes : sizes[how % ARRAY_LEN(sizes)];
    if (how & 0x40)
        size += (size_t)(how >> 3 & 3) - 1;
    return size < max ? size : max;
}

static void send_message(struct input *input)
{
    static char message[sizeof(struct admin_request) + 64];
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = (size_t)take(input, 1) % (FD_MESSAGE_MAX + 1);

    if (fd_count > 3 && fd_count != FD_MESSAGE_MAX)
        fd_count = fd_count % 2;
    size_t size = take_message(input, message, sizeof message);
    for (size_t i = 0; i < fd_count; i++)
        fds[i] = 0;
    fd_send(peer, message, size, fds, fd_count);
}

static void as_gateway(struct input *input)
{
    struct gateway *gateway = &supervisor.gateways[role];
    int sockets[2];

    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) == 0);
    *gateway = (struct gateway){.source = {.owner = gateway, .fd = sockets[0]},
                                .process = {.owner = gateway, .fd = -1}};
    peer = sockets[1];
    accepted = 0;
    unwatched = false;
    for (int i = 0; i < MESSAGES_MAX && input->left > 0 && !unwatched; i++) {
        send_message(input);
        unsigned before = accepted;
        gateway_ready(&supervisor, &gateway->source, EPOLLIN);
        /* It was taken, or the gateway is ended; nothing is passed over. */
        CHECK(accepted == before + 1 || unwatched);
        CHECK(accepted == before || !unwatched);
    }
    close(peer);
    close(sockets[0]);
}

static void as_template(struct input *input)
{
    struct pvm_template template = {.process = {.pidfd = -1}};
    struct pvm_event event;
    int sockets[2];

    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) == 0);
    template.control = sockets[0];
    peer = sockets[1];
    for (int i = 0; i < MESSAGES_MAX && input->left > 0; i++) {
        bool gone = template.gone;
        send_message(input);
        int r = pvm_template_read(&template, &event);
        CHECK(r == (gone ? 0 : 1));
        CHECK(r == 0 || event.type <= PVM_TEMPLATE_GONE);
        CHECK(r == 0 || event.type != PVM_NOT_STARTED || event.error != 0);
    }
    close(peer);
    close(sockets[0]);
}

static void as_telemetry(struct input *input)
{
    bool from_calls = take(input, 1) & 1;
    size_t size = input->left;
    char *message = malloc(size ? size : 1);

    CHECK(message);
    take_over(input, message, size);
    if (telemetry_check(message, size, from_calls) == 0 && from_calls) {
        uint32_t type;
        memcpy(&type, message, sizeof type);
        CHECK(type == TELEMETRY_LOG || type == TELEMETRY_FUNCTION || type == TELEMETRY_END ||
              type == TELEMETRY_CALL);
        if (type == TELEMETRY_CALL) {
            const struct telemetry_call *call = (const struct telemetry_call *)message;
            CHECK(call->status >= 100 && call->status <= 599 && call->cause < PROBLEM_CAUSES);
            CHECK(memchr(call->function, 0, sizeof call->function));
            CHECK(memchr(call->request_id, 0, sizeof call->request_id));
        }
        if (type == TELEMETRY_LOG)
            CHECK(((struct telemetry_log *)message)->bytes == size - TELEMETRY_LOG_HEAD);
    }
    free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    int free_before = lowest_free_fd();

    switch (take(&input, 1) % 4) {
    case 0:
        role = GATEWAY_CALLS;
        as_gateway(&input);
        break;
    case 1:
        role = GATEWAY_ADMIN;
        as_gateway(&input);
        break;
    case 2:
        as_template(&input);
        break;
    default:
        as_telemetry(&input);
    }
    CHECK(lowest_free_fd() == free_before);
    return 0;
}
