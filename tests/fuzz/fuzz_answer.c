/*
 * An answer, from both sides of a channel. A hostile guest: the channel's pages are the input, and
 * a second thread keeps changing them while the gateway reads; whatever it makes of them is within
 * its limits and proper HTTP. An honest guest with a hostile function: what the function writes as
 * a CGI head or sets as headers becomes an answer that the gateway accepts, or none.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "base/err.h"
#include "faas/gateway_channel.h"
#include "fuzz.h"
#include "guest/call.h"

#define SLOT 3u /* any: each has its own place */

static struct channel *channel;
static struct channel_response *shared; /* the slot's numbers */
static uint8_t *small, *large;          /* and its texts */
static char *text;                      /* exactly as long as the longest answer */
static char *log_text;
static struct guest_call *call;
static uint8_t *answer;

/* What the racing thread writes where, for as long as `racing`. */
static struct {
    _Atomic bool racing, resting;
    _Atomic uint32_t offset, value, other;
} race;

static void *racer(void *unused)
{
    (void)unused;
    for (;;) {
        if (!atomic_load(&race.racing)) {
            atomic_store(&race.resting, true);
            usleep(50);
            continue;
        }
        uint32_t offset = atomic_load(&race.offset);
        volatile uint32_t *word = (volatile uint32_t *)((char *)channel + offset);
        *word = atomic_load(&race.value);
        *word = atomic_load(&race.other);
    }
    return NULL;
}

/* On return it writes no more. */
static void race_end(void)
{
    atomic_store(&race.racing, false);
    atomic_store(&race.resting, false);
    while (!atomic_load(&race.resting))
        sched_yield();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static pthread_t thread;

    (void)argc, (void)argv;
    channel = mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(channel != MAP_FAILED);
    shared = &channel->slots[SLOT].response;
    small = channel_response_text(channel, SLOT, 0, 0);
    large = channel_response_text(channel, SLOT, 0, CHANNEL_SMALL_BYTES + 1);
    text = malloc(RESPONSE_HEAD_MAX_BYTES + RESPONSE_BODY_MAX_BYTES);
    log_text = malloc(CHANNEL_LOG_BYTES);
    call = calloc(1, sizeof *call);
    answer = malloc(RESPONSE_HEAD_MAX_BYTES);
    CHECK(text && log_text && call && answer);
    CHECK(pthread_create(&thread, NULL, racer, NULL) == 0);
    return 0;
}

static void headers_are_proper(const struct response *response,
                               const struct response_header *headers)
{
    for (uint32_t i = 0; i < response->header_count; i++) {
        CHECK(headers[i].name[0] && !strpbrk(headers[i].name, "\r\n: \t"));
        CHECK(!strpbrk(headers[i].value, "\r\n"));
        CHECK(strcasecmp(headers[i].name, "content-length") != 0);
        CHECK(strcasecmp(headers[i].name, "transfer-encoding") != 0);
        CHECK(strcasecmp(headers[i].name, "connection") != 0);
        CHECK(headers[i].name >= text && headers[i].value < text + response->head_bytes);
    }
}

/* As the gateway takes an answer. True when it would pass it on. */
static bool gateway_takes(uint32_t answer_max, struct err *err)
{
    struct response_header headers[REQUEST_HEADERS_MAX];
    struct response response;

    if (response_check(channel, SLOT, answer_max, &response, err) < 0)
        return false;
    CHECK(response.outcome <= CHANNEL_ERROR);
    CHECK(memchr(response.message, '\0', sizeof response.message));
    for (const char *c = response.message; *c; c++)
        CHECK(*c >= 0x20 && *c < 0x7f);
    CHECK(response.head_bytes <= RESPONSE_HEAD_MAX_BYTES && response.body_bytes <= answer_max &&
          response.body_bytes <= RESPONSE_BODY_MAX_BYTES &&
          response.header_count <= REQUEST_HEADERS_MAX);
    if (response.outcome != CHANNEL_ANSWERED)
        return true;
    CHECK(response.status >= 200 && response.status <= 599);
    response_copy(channel, &response, text);
    if (response_headers(text, &response, headers, err) < 0)
        return false;
    headers_are_proper(&response, headers);
    return true;
}

static void hostile_guest(struct input *input)
{
    uint32_t answer_max = (uint32_t)take(input, 4) % (RESPONSE_BODY_MAX_BYTES + 1);
    uint64_t log_read = take(input, 8), dropped;
    uint32_t most = 1 + (uint32_t)take(input, 4) % CHANNEL_LOG_BYTES;
    uint32_t place = (uint32_t)take(input, 2);

    /* The racer's word: in the numbers, or in the text. */
    uint8_t *word = place % 2 ? (uint8_t *)shared + place % sizeof *shared : small + place % 1024;
    atomic_store(&race.offset, (uint32_t)(word - (uint8_t *)channel) & ~3u);
    atomic_store(&race.value, (uint32_t)take(input, 4));
    atomic_store(&race.other, (uint32_t)take(input, 4));
    memset(channel, 0, sizeof *channel);
    take_over(input, shared, sizeof *shared);
    channel->log_written = take(input, 8);
    channel->log_dropped = take(input, 4);
    memset(small, 0, 1024);
    take_over(input, small, 1024);
    memcpy(large, small, 1024);

    atomic_store(&race.racing, true);
    for (int i = 0; i < 8; i++) {
        struct err err = {0};
        gateway_takes(answer_max, &err);
        uint64_t before = log_read;
        size_t bytes = channel_log_take(channel, &log_read, most, log_text, &dropped);
        CHECK(bytes <= most && (bytes == 0 || log_read != before));
    }
    race_end();
}

/* Names and values by the handler's own function, or a CGI head; then published and taken. */
static void hostile_function(struct input *input, bool cgi)
{
    struct err err = {0};
    enum channel_outcome outcome = CHANNEL_ANSWERED;

    memset(channel, 0, sizeof *channel);
    call->status = call->response_head_bytes = call->response_header_count = 0;
    call->has_bad_status = false;
    call->channel = channel;
    call->slot = SLOT;
    call->answer = answer;
    call->answer_max = RESPONSE_HEAD_MAX_BYTES;
    call->answer_bytes = 0;
    if (cgi) {
        size_t bytes;
        const uint8_t *from = take_bytes(input, RESPONSE_HEAD_MAX_BYTES, &bytes);
        CHECK(call_answer(call, from, bytes) == 0);
        if (call_cgi_head(call) < 0)
            outcome = CHANNEL_IMPROPER;
        CHECK(call->answer >= answer && call->answer + call->answer_bytes <= answer + bytes);
    } else {
        while (input->left > 2) {
            size_t name_bytes, value_bytes;
            const char *name = (const char *)take_bytes(input, take(input, 1) % 32, &name_bytes);
            const char *value = (const char *)take_bytes(input, take(input, 1), &value_bytes);
            int r = call_response_header(call, name, name_bytes, value, value_bytes);
            CHECK(r == 0 || r == -EINVAL || r == -E2BIG);
        }
    }
    call_respond(call, outcome, 0, 0, cgi ? "no CGI head" : "");
    if (!gateway_takes(RESPONSE_BODY_MAX_BYTES, &err)) {
        fprintf(stderr, "an honest guest's answer is refused: %s\n", err.message);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct input input = {data + 1, size - 1};
    switch (data[0] % 4) {
    case 0:
    case 1:
        hostile_guest(&input);
        break;
    case 2:
        hostile_function(&input, true);
        break;
    default:
        hostile_function(&input, false);
    }
    return 0;
}
