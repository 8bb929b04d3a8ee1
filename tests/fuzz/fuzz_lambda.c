/*
 * The Runtime API against a hostile runtime: up to four connections, on which the input's steps
 * send proper requests, half ones and anything else, close them or end one side. Whatever comes, a
 * call has at most one answer, within its limit, and what a caller is told is one line of text.
 */
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

/* Its state is looked at, and begins anew with each input. */
#include "contain/talk_lambda.c"
#include "fuzz.h"

#define CLIENTS 4
#define ANSWER_MAX 512u
#define ROUNDS_WITHOUT_STEP 8

enum step { RAW, CLOSE, END, NEXT, RESPONSE, ERROR, INIT_ERROR, HALF, STEPS };

static struct contain contain = {.setup = {.function = "f", .timeout_ms = 1000}};
static struct keeper keeper = {.log_pipe = -1, .process_fd = -1, .talk_fd = -1};
static struct input steps;
static int clients[CLIENTS];
static int rounds_left;

/* In a network of its own: the port is a fixed one. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    struct err err = {0};

    (void)argc, (void)argv;
    CHECK(unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 || unshare(CLONE_NEWNET) == 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0);
    close(fd);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = -1;
    keeper.contain = &contain;
    CHECK(talk_lambda.open(&keeper, &err) == 0);
    keeper.call.answer_max = ANSWER_MAX;
    keeper.call.answer = malloc(ANSWER_MAX);
    CHECK(keeper.call.answer);
    return 0;
}

static int client(unsigned number)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(TALK_LAMBDA_PORT),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (clients[number] < 0) {
        clients[number] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(clients[number], (const struct sockaddr *)&address, sizeof address);
    }
    return clients[number];
}

static void say(unsigned number, const void *data, size_t size)
{
    char answers[4096];

    if (send(client(number), data, size, MSG_NOSIGNAL) < 0) {
        close(clients[number]);
        clients[number] = -1;
        return;
    }
    while (recv(clients[number], answers, sizeof answers, 0) > 0)
        ;
}

static void post(unsigned number, const struct lambda *lambda, const char *what,
                 const uint8_t *body, size_t size)
{
    char head[512];

    int n = snprintf(
        head, sizeof head, "POST %s%s%s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
        what[0] == '/' ? INVOCATION : PREFIX, what[0] == '/' ? lambda->id : "", what, size);
    say(number, head, (size_t)n);
    say(number, body, size);
}

static void step(const struct lambda *lambda)
{
    static const char next[] = "GET " INVOCATION "next HTTP/1.1\r\nHost: x\r\n\r\n";
    uint8_t what = (uint8_t)take(&steps, 1);
    unsigned number = what % CLIENTS;
    size_t size;
    const uint8_t *bytes = take_bytes(&steps, 8 * (size_t)take(&steps, 1), &size);

    switch ((enum step)(what / CLIENTS % STEPS)) {
    case RAW:
        say(number, bytes, size);
        break;
    case CLOSE:
        close(client(number));
        clients[number] = -1;
        break;
    case END:
        shutdown(client(number), SHUT_WR);
        break;
    case NEXT:
        say(number, next, sizeof next - 1);
        break;
    case RESPONSE:
        post(number, lambda, "/response", bytes, size);
        break;
    case ERROR:
        post(number, lambda, "/error", bytes, size);
        break;
    case INIT_ERROR:
        post(number, lambda, "init/error", bytes, size);
        break;
    case HALF:
        post(number, lambda, "/response", bytes, size / 2);
        say(number, "POST " INVOCATION, sizeof "POST " INVOCATION - 1);
        say(number, lambda->id, strlen(lambda->id));
        break;
    default:
        break;
    }
}

/* The talk's, in the place of a keeper's: instead of waiting, the runtime does its next step. */
int keeper_wait(struct keeper *waiting, struct pollfd *fds, size_t count, int timeout_ms)
{
    (void)timeout_ms;
    if (steps.left)
        step(waiting->talk_data);
    else if (rounds_left-- == 0)
        return -EIO;
    return poll(fds, count, 0);
}

void keeper_gone(struct keeper *gone, struct verdict *verdict)
{
    (void)gone;
    verdict->last = true;
}

static void is_one_line(const char *text, size_t size)
{
    CHECK(memchr(text, '\0', size));
    for (; *text; text++)
        CHECK((unsigned char)*text >= ' ');
}

static void forget(struct lambda *lambda)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (clients[i] >= 0)
            close(clients[i]);
        clients[i] = -1;
    }
    if (lambda->asking) {
        lambda->phase = OFFERED;
        struct MHD_Connection *connection = lambda->asking;
        lambda->asking = NULL;
        MHD_resume_connection(connection);
    }
    for (int i = 0; i < 4; i++)
        MHD_run(lambda->daemon);
    lambda->phase = IDLE;
    lambda->init_failed = lambda->failed = false;
    lambda->id[0] = lambda->error[0] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lambda *lambda = keeper.talk_data;
    struct guest_call *call = &keeper.call;

    steps = (struct input){data, size};
    for (int calls = 0; calls < 3 && steps.left; calls++) {
        struct verdict verdict = {.outcome = CHANNEL_ANSWERED};
        rounds_left = ROUNDS_WITHOUT_STEP;
        call->answer_bytes = call->response_head_bytes = call->response_header_count = 0;
        talk_lambda.serve(&keeper, &verdict);
        is_one_line(lambda->error, sizeof lambda->error);
        is_one_line(verdict.message, sizeof verdict.message);
        CHECK(call->answer_bytes <= ANSWER_MAX || verdict.outcome != CHANNEL_ANSWERED);
        CHECK(call->response_header_count <= 1);
        if (verdict.last)
            break;
        CHECK(lambda->phase == IDLE);
    }
    forget(lambda);
    return 0;
}
