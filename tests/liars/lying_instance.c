/*
 * An instance that was subverted: it writes to the eBPF broker's socket by itself, without the
 * guest's library. A broker and a reader are started as for any function; each lie is told over a
 * session of its own, and what came of it is held against what may come: the session ends, or an
 * answer with an error. All the while a neighbour's session keeps a map, and says what is in it.
 *
 * usage: lying_instance BROKER READER SEED (as root). A line for each kind of lie; the exit status
 * is 0 if nothing but that came of any, and the broker has in the end what it began with.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "bpf/policy.h"
#include "guest/bpf.h"
#include "pvm/bpf.h"
#include "pvm/pvm.h"

#define LIAR 1
#define NEIGHBOUR 2
#define COMMON "common" /* what both may share */
#define ANSWER_MS 60000 /* it waits for the reader, and for others on the machine */
#define RANDOM_LIES 4000

enum outcome { ENDED = 1, ERROR, ANSWERED };

static struct pvm_bpf bpf = {.broker.pidfd = -1, .reader.pidfd = -1, .socket = -1};
static uint64_t chance;
static unsigned told, broken;
static const char *kind;

static _Noreturn void fail(const char *what, const struct err *err)
{
    fprintf(stderr, "cannot %s: %s\n", what, err ? err->message : strerror(errno));
    pvm_bpf_end(&bpf);
    exit(2);
}

static uint32_t random_number(uint32_t below)
{
    chance ^= chance << 13; /* xorshift64 (Marsaglia) */
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (uint32_t)(chance >> 32) % below;
}

static int session_of(uint64_t owner, bool host)
{
    struct bpf_policy policy;
    struct err err = {0};
    int fd;

    policy_default(&policy, host);
    policy.share_count = 1;
    snprintf(policy.share[0], sizeof policy.share[0], COMMON);
    if (pvm_bpf_pair(bpf.socket, owner == LIAR ? "liar" : "neighbour", owner, &policy, NULL, &fd,
                     &err) < 0)
        fail("have a session", &err);
    return fd;
}

/* What comes back; the descriptors that come with it are closed. */
static enum outcome hear(int socket, uint8_t *data, size_t *ret_bytes)
{
    static _Alignas(8) uint8_t message[BROKER_ANSWER_MAX];
    struct pollfd poll_fd = {.fd = socket, .events = POLLIN};
    struct broker_answer answer;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;

    if (poll(&poll_fd, 1, ANSWER_MS) <= 0)
        return 0;
    ssize_t n = fd_receive(socket, message, sizeof message, fds, &fd_count, 0);
    fd_close_all(fds, fd_count);
    if (n < (ssize_t)sizeof answer)
        return n == 0 || n == -ECONNRESET ? ENDED : 0;
    memcpy(&answer, message, sizeof answer);
    if ((size_t)n != sizeof answer + answer.bytes || answer.error > 0)
        return 0;
    if (data)
        memcpy(data, message + sizeof answer, answer.bytes);
    if (ret_bytes)
        *ret_bytes = answer.bytes;
    return answer.error < 0 ? ERROR : ANSWERED;
}

struct lie {
    struct broker_request head;
    const void *first, *second;
    size_t bytes; /* sent in all; 0: as many as there are */
    size_t fd_count;
    int fd; /* sent so many times */
};

static uint8_t garbage[BROKER_REQUEST_MAX + 64];

/* False: nobody is there to be told. */
static bool say(int socket, const struct lie *lie)
{
    static uint8_t message[BROKER_REQUEST_MAX + 64];
    int fds[FD_MESSAGE_MAX];
    size_t first = lie->head.first_bytes, second = lie->head.second_bytes;

    memcpy(message, garbage, sizeof message);
    memcpy(message, &lie->head, sizeof lie->head);
    if (lie->first && first <= BROKER_DATA_MAX)
        memcpy(message + sizeof lie->head, lie->first, first);
    if (lie->second && first <= BROKER_DATA_MAX && second <= BROKER_DATA_MAX)
        memcpy(message + sizeof lie->head + first, lie->second, second);
    for (size_t i = 0; i < lie->fd_count; i++)
        fds[i] = lie->fd;
    size_t bytes = lie->bytes ? lie->bytes : sizeof lie->head + first + second;
    int r = fd_send(socket, message, bytes, fds, lie->fd_count);
    return r == 0 || (r != -EPIPE && r != -ECONNRESET);
}

static struct broker_request head(uint32_t operation)
{
    return (struct broker_request){.version = BROKER_VERSION, .operation = operation};
}

static void judge(bool good, const char *what, uint64_t number)
{
    told++;
    if (good)
        return;
    broken++;
    printf("not ok %s: %s (%llu)\n", kind, what, (unsigned long long)number);
}

/* ---- what is left ---- */

static size_t broker_descriptors(void)
{
    char path[64];
    size_t count = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)bpf.broker.pid);
    DIR *directory = opendir(path);
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

static bool is_session(pid_t pid)
{
    char path[64], name[16] = "";

    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, name, sizeof name - 1) > 0 && strcmp(name, "vireo-release\n") != 0;
}

/* The broker's children but for the one that closes links. */
static size_t sessions(void)
{
    char path[96], text[4096] = "";
    size_t count = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)bpf.broker.pid,
             (int)bpf.broker.pid);
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
        return SIZE_MAX;
    for (char *at = text, *end; *at && *at != '\n'; at = end) {
        pid_t pid = (pid_t)strtol(at, &end, 10);
        if (end == at)
            break;
        count += is_session(pid);
    }
    return count;
}

static bool comes_to(size_t (*count)(void), size_t wanted)
{
    for (int i = 0; i < 300 && count() != wanted; i++)
        poll(NULL, 0, 100);
    return count() == wanted;
}

/* ---- the neighbour ---- */

static int neighbour;
static uint32_t neighbours_object;

static uint32_t make(int socket, const struct broker_new_map *map)
{
    struct lie request = {.head = head(BROKER_CREATE), .first = map};
    static uint8_t data[BROKER_DATA_MAX];
    struct broker_object object;

    request.head.first_bytes = sizeof *map;
    if (!say(socket, &request) || hear(socket, data, NULL) != ANSWERED)
        fail("make a map", NULL);
    memcpy(&object, data, sizeof object);
    return object.object;
}

static uint32_t make_map(int socket, uint32_t type, uint32_t value_bytes)
{
    const struct broker_new_map map = {
        .name = "numbers", .type = type, .key_bytes = 4, .value_bytes = value_bytes, .entries = 8};

    return make(socket, &map);
}

static bool neighbour_is_well(void)
{
    static uint64_t last;
    uint64_t value = last + 1, read = 0;
    uint32_t key = 3;
    uint8_t data[BROKER_DATA_MAX];
    size_t bytes = 0;
    struct lie request = {.head = head(BROKER_MAP), .first = &key, .second = &value};

    request.head.object = neighbours_object;
    request.head.command = BPF_MAP_UPDATE_ELEM;
    request.head.first_bytes = sizeof key;
    request.head.second_bytes = sizeof value;
    if (!say(neighbour, &request) || hear(neighbour, NULL, NULL) != ANSWERED)
        return false;
    request.head.command = BPF_MAP_LOOKUP_ELEM;
    request.head.second_bytes = 0;
    if (!say(neighbour, &request) || hear(neighbour, data, &bytes) != ANSWERED ||
        bytes != sizeof read)
        return false;
    memcpy(&read, data, sizeof read);
    last = value;
    return read == value;
}

/* ---- lies ---- */

/* One that ends the session: nothing else may come of it. */
static void ends(struct lie lie, const char *what, uint64_t number)
{
    int socket = session_of(LIAR, false);

    (void)say(socket, &lie);
    judge(hear(socket, NULL, NULL) == ENDED, what, number);
    close(socket);
}

static void messages(void)
{
    struct lie lie = {.head = head(BROKER_CLOSE)};

    kind = "messages that are none end the session";
    for (size_t bytes = 1; bytes < sizeof lie.head; bytes++) {
        lie.bytes = bytes;
        ends(lie, "short", bytes);
    }
    lie.bytes = sizeof lie.head + 1;
    ends(lie, "longer than it says", 1);
    lie.bytes = BROKER_REQUEST_MAX + 1;
    ends(lie, "longer than any", lie.bytes);
    static const uint32_t sizes[][2] = {{1, 0},
                                        {0, 1},
                                        {BROKER_DATA_MAX + 1, 0},
                                        {0, BROKER_DATA_MAX + 1},
                                        {UINT32_MAX, 1},
                                        {UINT32_MAX, UINT32_MAX},
                                        {UINT32_MAX - 47, 0}};
    lie.bytes = sizeof lie.head;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        lie.head.first_bytes = sizes[i][0];
        lie.head.second_bytes = sizes[i][1];
        ends(lie, "parts that are not there", i);
    }
    static const uint32_t operations[] = {0, BROKER_CHUNK, BROKER_OPERATIONS, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(operations); i++)
        ends((struct lie){.head = head(operations[i])}, "no operation", operations[i]);
    lie = (struct lie){.head = head(BROKER_CLOSE)};
    lie.head.version = BROKER_VERSION + 1;
    ends(lie, "another version", lie.head.version);
}

static void descriptors(void)
{
    static const size_t counts[] = {1, 2, FD_MESSAGE_MAX};
    char byte;

    kind = "descriptors end the session, which keeps none";
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct lie lie = {.head = head(BROKER_CLOSE), .fd_count = counts[i]};
        struct pollfd poll_fd = {.events = POLLIN};
        int ends_of[2];
        if (pipe2(ends_of, O_CLOEXEC) < 0)
            fail("make a pipe", NULL);
        lie.fd = ends_of[1];
        ends(lie, "sent", counts[i]);
        close(ends_of[1]);
        poll_fd.fd = ends_of[0];
        judge(poll(&poll_fd, 1, ANSWER_MS) == 1 && read(ends_of[0], &byte, 1) == 0, "kept",
              counts[i]);
        close(ends_of[0]);
    }
}

/* An object that does not come as it was announced. */
static void chunks(void)
{
    kind = "an object that comes otherwise than it was announced";
    static const uint64_t sizes[] = {0, BROKER_OBJECT_MAX + 1ul, UINT64_MAX, UINT64_C(1) << 32};
    struct lie load = {.head = head(BROKER_LOAD)};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        load.head.flags = sizes[i];
        ends(load, "of no size", sizes[i]);
    }
    static const struct {
        uint32_t operation, bytes;
    } next[] = {{BROKER_CHUNK, 0}, {BROKER_CHUNK, 101}, {BROKER_LOAD, 0}, {BROKER_MAP, 10}};
    for (size_t i = 0; i < ARRAY_LEN(next); i++) {
        struct lie chunk = {.head = head(next[i].operation)};
        int socket = session_of(LIAR, false);
        chunk.head.first_bytes = next[i].bytes;
        load.head.flags = 100;
        (void)(say(socket, &load) && say(socket, &chunk));
        judge(hear(socket, NULL, NULL) == ENDED, "followed by", i);
        close(socket);
    }
    /* Begun and left; and whole, of nothing but garbage, with settings that are none. */
    int socket = session_of(LIAR, false);
    judge(say(socket, &load), "left", 0);
    close(socket);
    static const uint32_t settings[] = {0, 1, sizeof(struct broker_setting), BROKER_DATA_MAX};
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        struct lie chunk = {.head = head(BROKER_CHUNK)};
        socket = session_of(LIAR, false);
        load.head.first_bytes = settings[i];
        chunk.head.first_bytes = 100;
        judge(say(socket, &load) && say(socket, &chunk) && hear(socket, NULL, NULL) == ERROR,
              "garbage with settings", settings[i]);
        close(socket);
    }
}

/* Each operation with parts of sizes that may mean something, of objects that are not there. */
static void operations(void)
{
    static const uint32_t sizes[] = {0, 1, 4, 63, 64, 255, 256, 4096, BROKER_DATA_MAX};
    static const uint32_t objects[] = {0, BROKER_OBJECTS_MAX - 1, BROKER_OBJECTS_MAX, UINT32_MAX};
    int socket = session_of(LIAR, true);

    kind = "operations on what is not there are errors";
    for (uint32_t operation = BROKER_CLOSE; operation < BROKER_OPERATIONS; operation++)
        for (size_t i = 0; i < ARRAY_LEN(sizes) * ARRAY_LEN(sizes); i++) {
            struct lie lie = {.head = head(operation)};
            lie.head.first_bytes = sizes[i % ARRAY_LEN(sizes)];
            lie.head.second_bytes = sizes[i / ARRAY_LEN(sizes)];
            lie.head.object = lie.head.map = objects[i % ARRAY_LEN(objects)];
            lie.head.command = (uint32_t)i;
            lie.head.flags = operation == BROKER_CLOSE ? 0 : i;
            judge(say(socket, &lie) && hear(socket, NULL, NULL) == ERROR, "operation", operation);
        }
    close(socket);
}

/* Maps as no compiler would ask for them. */
static void maps(void)
{
    static const uint32_t sizes[] = {0, 1, 4, 4096, UINT32_MAX / 2 + 1, UINT32_MAX};
    int socket = session_of(LIAR, true);

    kind = "maps of any type and size are made within the policy, or refused";
    for (uint32_t type = 0; type < 48; type++)
        for (size_t i = 0; i < ARRAY_LEN(sizes) * 4; i++) {
            struct broker_new_map map = {.type = i % 7 ? type : type << 26,
                                         .key_bytes = sizes[i % ARRAY_LEN(sizes)],
                                         .value_bytes = sizes[random_number(ARRAY_LEN(sizes))],
                                         .entries = sizes[random_number(ARRAY_LEN(sizes))],
                                         .flags = i % 3 ? 1u << random_number(32) : 0};
            struct lie lie = {.head = head(BROKER_CREATE), .first = &map};
            memset(map.name, 'n', sizeof map.name); /* without an end */
            lie.head.first_bytes = sizeof map;
            enum outcome outcome = say(socket, &lie) ? hear(socket, NULL, NULL) : ENDED;
            judge(outcome == ERROR || outcome == ANSWERED, "map of type", type);
            struct lie end = {.head = head(BROKER_CLOSE)};
            if (outcome == ANSWERED)
                judge(say(socket, &end) && hear(socket, NULL, NULL) == ANSWERED, "close", type);
        }
    close(socket);
}

/* What a session that has maps may be asked, by chance. */
static void random_lie(struct lie *lie)
{
    static const uint32_t sizes[] = {0,
                                     4,
                                     8,
                                     sizeof(struct broker_batch),
                                     64,
                                     96,
                                     128,
                                     sizeof(struct broker_new_map),
                                     sizeof(struct broker_new_program)};
    static uint8_t parts[2][4096];

    *lie =
        (struct lie){.head = head(random_number(BROKER_OPERATIONS - BROKER_CLOSE) + BROKER_CLOSE),
                     .first = parts[0],
                     .second = parts[1]};
    /* They stay for all that follows. */
    if (lie->head.operation == BROKER_CLOSE)
        lie->head.operation = BROKER_BATCH;
    lie->head.object = random_number(8) ? random_number(4) : random_number(UINT32_MAX);
    lie->head.map = random_number(4) ? 0 : random_number(70);
    lie->head.command = random_number(40);
    lie->head.flags = random_number(2) ? 0 : UINT64_C(1) << random_number(64);
    lie->head.first_bytes =
        random_number(4) ? sizes[random_number(ARRAY_LEN(sizes))] : random_number(sizeof parts[0]);
    lie->head.second_bytes =
        random_number(4) ? sizes[random_number(ARRAY_LEN(sizes))] : random_number(sizeof parts[1]);
    for (size_t i = 0; i < sizeof parts[0]; i++) {
        uint32_t is = random_number(8);
        parts[0][i] = is < 5 ? 0 : is < 7 ? (uint8_t)random_number(9) : (uint8_t)random_number(256);
        parts[1][i] = is < 5 ? 0 : (uint8_t)random_number(256);
    }
}

static void at_random(void)
{
    static const uint32_t types[] = {BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH,
                                     BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_LRU_HASH};
    int socket = -1;

    kind = "requests by chance on maps that are there";
    for (unsigned i = 0; i < RANDOM_LIES; i++) {
        struct lie lie;
        if (i % 500 == 0) {
            closep(&socket);
            socket = session_of(LIAR, i % 1000 == 0);
            for (size_t j = 0; j < ARRAY_LEN(types); j++)
                (void)make_map(socket, types[j], 8);
        }
        random_lie(&lie);
        enum outcome outcome = say(socket, &lie) ? hear(socket, NULL, NULL) : ENDED;
        judge(outcome == ERROR || outcome == ANSWERED, "operation", lie.head.operation);
        if (outcome != ERROR && outcome != ANSWERED)
            break;
    }
    closep(&socket);
}

static enum outcome ask(int socket, uint32_t operation, uint32_t object, uint64_t flags,
                        const char *name)
{
    struct lie lie = {.head = head(operation), .first = name};

    lie.head.object = object;
    lie.head.flags = flags;
    lie.head.first_bytes = (uint32_t)strlen(name);
    return say(socket, &lie) ? hear(socket, NULL, NULL) : ENDED;
}

/* A buffer that two have: the second asks for the parts behind the first, which is no way in. */
static void readers(void)
{
    static const struct broker_new_map maps[] = {
        {.name = "ring", .type = BPF_MAP_TYPE_RINGBUF, .entries = 4096},
        {.name = "events", .type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_bytes = 4, .value_bytes = 4},
    };

    kind = "a buffer that another reads is given to nobody, whatever part of it is asked for";
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        int reader = session_of(NEIGHBOUR, false), other = session_of(LIAR, false);
        int sister = session_of(NEIGHBOUR, false);
        uint32_t object = make(reader, &maps[i]);
        judge(ask(reader, BROKER_SHARE, object, 0, COMMON) == ANSWERED, "shared", i);
        judge(ask(reader, BROKER_PIN, object, 0, "pinned") == ANSWERED, "pinned", i);
        judge(ask(other, BROKER_JOIN, 0, 0, COMMON) == ANSWERED, "joined", i);
        judge(ask(sister, BROKER_OPEN, 0, 0, "pinned") == ANSWERED, "opened", i);
        judge(ask(reader, BROKER_BUFFER, object, 0, "") == ANSWERED, "read", i);
        for (uint64_t first = 0; first < 4; first++) {
            judge(ask(other, BROKER_BUFFER, 0, first, "") == ERROR, "read by another", first);
            judge(ask(sister, BROKER_BUFFER, 0, first, "") == ERROR, "read by a sister", first);
        }
        judge(ask(reader, BROKER_UNPIN, 0, 0, "pinned") == ANSWERED, "unpinned", i);
        close(sister);
        close(other);
        close(reader);
        judge(comes_to(sessions, 1), "sessions", sessions());
    }
}

/* Requests without end, whose answers nobody takes. */
static void deaf(void)
{
    struct lie lie = {.head = head(BROKER_STATISTICS)};
    int socket = session_of(LIAR, false);

    kind = "one who does not listen is waited for, and holds up nobody";
    if (fcntl(socket, F_SETFL, O_NONBLOCK) < 0)
        fail("send", NULL);
    unsigned sent = 0;
    while (sent < 100000 && fd_send(socket, &lie.head, sizeof lie.head, NULL, 0) == 0)
        sent++;
    judge(sent > 0 && sent < 100000, "sent", sent);
    judge(neighbour_is_well(), "the neighbour waits", sent);
    close(socket);
}

static int open_program(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        fail("open a program", NULL);
    return fd;
}

int main(int argc, char **argv)
{
    static void (*const all[])(void) = {messages, descriptors, chunks,  operations,
                                        maps,     at_random,   readers, deaf};
    struct pvm_bpf_options options = {.prepare = true};
    struct err err = {0};
    int locks[2];

    if (argc != 4)
        return 2;
    chance = strtoull(argv[3], NULL, 10) * 2 + 1;
    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (uint8_t)random_number(256);
    options.broker_fd = open_program(argv[1]);
    options.reader_fd = open_program(argv[2]);
    if (pvm_uid_take(&options.broker_uid, &locks[0], &err) < 0 ||
        pvm_uid_take(&options.reader_uid, &locks[1], &err) < 0 ||
        pvm_bpf_start(&options, &bpf, &err) < 0)
        fail("start the broker", &err);
    neighbour = session_of(NEIGHBOUR, false);
    neighbours_object = make_map(neighbour, BPF_MAP_TYPE_HASH, 8);
    const size_t had = broker_descriptors();
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        const unsigned before = broken;
        told = 0;
        all[i]();
        judge(neighbour_is_well(), "the neighbour", i);
        if (broken == before)
            printf("ok %s: %u\n", kind, told);
        fflush(stdout);
    }
    kind = "nothing of it is left in the broker";
    judge(comes_to(sessions, 1), "sessions", sessions());
    pvm_bpf_forget(bpf.socket, LIAR);
    judge(comes_to(broker_descriptors, had), "descriptors", broker_descriptors() - had);
    judge(neighbour_is_well(), "the neighbour", 0);
    close(neighbour);
    judge(comes_to(sessions, 0), "sessions", sessions());
    printf("%s\n", broken ? "not ok" : "ok all");
    pvm_bpf_end(&bpf);
    return broken > 0;
}
