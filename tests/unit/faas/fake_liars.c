/* Instances that lie to the gateway: each does one thing that no guest of ours does. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fake_instance.h"

int fake_memory_fd = -1;

static const char good[] = "content-type\0text/plain";

/* A head of these bytes, which the gateway must refuse. */
#define HEAD(name, headers, text)                                                      \
    static void serve_##name(struct channel *channel, int event_fd, uint32_t sequence) \
    {                                                                                  \
        static const char head[] = text;                                               \
        answer(channel, event_fd, sequence, head, sizeof head, headers, "x", 1);       \
    }
HEAD(split, 1, "x-a\0b\r\nset-cookie: stolen=1")
HEAD(hop, 1, "transfer-encoding\0chunked")
HEAD(measured, 1,
     "Content-Length\0"
     "1000")
HEAD(closing, 1, "Connection\0close")
HEAD(blank, 1, "x a\0b")
HEAD(colon, 1, "x-a: b\0c")
HEAD(nul, 1, "x-a\0b\0x-hidden\0c")
HEAD(fewer, 3, "x-a\0b\0x-b\0c")

/* Numbers of these, over a good answer. */
#define NUMBERS(name, ...)                                                             \
    static void serve_##name(struct channel *channel, int event_fd, uint32_t sequence) \
    {                                                                                  \
        *response_of(channel, sequence) = (struct channel_response){__VA_ARGS__};      \
        publish(channel, event_fd, sequence);                                          \
    }
NUMBERS(length, .body_bytes = 0xfffffff0u, .head_bytes = 16)
NUMBERS(wrap, .body_bytes = 0xffffffffu, .head_bytes = 0xffffffffu)
NUMBERS(counted, .header_count = 0xffffffffu)
NUMBERS(outcome, .outcome = 0x7fffffffu)
NUMBERS(interim, .status = 101)
NUMBERS(status, .status = 99999)
/* The length of a body that does not come, to GET. */
NUMBERS(bodiless, .flags = CHANNEL_LENGTH, .length = 5)
NUMBERS(endless, .flags = CHANNEL_LENGTH, .length = UINT64_MAX)
NUMBERS(both, .flags = CHANNEL_LENGTH, .length = 1, .body_bytes = 1)

/* The number of an answer to what was not asked yet. */
static void serve_early(struct channel *channel, int event_fd, uint32_t sequence)
{
    publish(channel, event_fd, sequence + 1);
}

static void serve_ahead(struct channel *channel, int event_fd, uint32_t sequence)
{
    publish(channel, event_fd, sequence + 0x80000000u);
}

/* Wakes without end and never answers. */
static void serve_noise(struct channel *channel, int event_fd, uint32_t sequence)
{
    uint64_t one = 1;

    (void)channel, (void)sequence;
    for (;;) {
        if (write(event_fd, &one, sizeof one) < 0)
            _exit(1);
        usleep(100);
    }
}

/* Changes its lengths over and over: for some 50 ms, past its answer. */
static void *flip(void *argument)
{
    volatile struct channel_response *response = argument;

    for (int i = 0; i < 10000000; i++) {
        response->head_bytes = 0x7ffffff0u;
        response->body_bytes = 0xfffffff0u;
        response->header_count = 0xffffffffu;
        response->head_bytes = sizeof good;
        response->body_bytes = 1;
        response->header_count = 1;
    }
    return NULL;
}

static void serve_race(struct channel *channel, int event_fd, uint32_t sequence)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, flip, response_of(channel, sequence)) != 0)
        _exit(1);
    usleep(2000);
    answer(channel, event_fd, sequence, good, sizeof good, 1, "x", 1);
}

/* Where its output ends: nowhere; and how much was lost: everything. The answer is good. */
static void serve_cursors(struct channel *channel, int event_fd, uint32_t sequence)
{
    atomic_store(&channel->log_written, UINT64_MAX - sequence);
    atomic_store(&channel->log_read, sequence);
    atomic_store(&channel->log_dropped, UINT64_MAX);
    answer(channel, event_fd, sequence, good, sizeof good, 1, "x", 1);
}

/* Writes over all that the host has written for it. The answer is good, and where it belongs. */
static void serve_scribble(struct channel *channel, int event_fd, uint32_t sequence)
{
    struct channel_response *response = response_of(channel, sequence);
    uint32_t slot = slot_of(channel, sequence);

    *response =
        (struct channel_response){.head_bytes = sizeof good, .body_bytes = 1, .header_count = 1};
    uint8_t *text = channel_response_text(channel, slot, sizeof good, 1);
    memcpy(text, good, sizeof good);
    text[sizeof good] = 'x';
    memset(channel->order, 0xff, sizeof channel->order);
    atomic_store(&channel->request_sequence, 0xdeadbeefu);
    atomic_store(&channel->guest_waits, 0x55555555u);
    for (uint32_t i = 0; i < CHANNEL_SLOTS; i++) {
        memset(&channel->slots[i].request, 0xff, sizeof channel->slots[i].request);
        atomic_store(&channel->slots[i].state, 0xffffffffu);
    }
    publish(channel, event_fd, sequence);
    pause(); /* what is in its channel now is none of a request */
}

/* Takes the memory away under the gateway: says what came of it. */
static void serve_shrink(struct channel *channel, int event_fd, uint32_t sequence)
{
    bool shrunk = ftruncate(fake_memory_fd, 4096) == 0 || errno != EPERM;
    bool grown = ftruncate(fake_memory_fd, 2 * (off_t)CHANNEL_BYTES) == 0 || errno != EPERM;
    bool sealed = fcntl(fake_memory_fd, F_ADD_SEALS, F_SEAL_WRITE) == 0 || errno != EPERM;
    const char *said = shrunk || grown || sealed ? "it could" : "refused";

    answer(channel, event_fd, sequence, good, sizeof good, 1, said, (uint32_t)strlen(said));
}

const struct fake_liar fake_liars[] = {
    {"split", serve_split},       {"hop", serve_hop},           {"measured", serve_measured},
    {"closing", serve_closing},   {"blank", serve_blank},       {"colon", serve_colon},
    {"nul", serve_nul},           {"fewer", serve_fewer},       {"length", serve_length},
    {"wrap", serve_wrap},         {"counted", serve_counted},   {"outcome", serve_outcome},
    {"interim", serve_interim},   {"status", serve_status},     {"early", serve_early},
    {"ahead", serve_ahead},       {"noise", serve_noise},       {"race", serve_race},
    {"cursors", serve_cursors},   {"scribble", serve_scribble}, {"shrink", serve_shrink},
    {"bodiless", serve_bodiless}, {"endless", serve_endless},   {"both", serve_both},
};
const size_t fake_liar_count = ARRAY_LEN(fake_liars);
