/*
 * Samples, read from memory that the kernel writes: ring buffers (kernel/bpf/ringbuf.c) and perf
 * event arrays (kernel/events/ring_buffer.c), mapped here. A sample is copied once, into the
 * guest's memory, and given back to the kernel before the guest is called: whatever the guest does
 * then (it traps, polls again, closes the object), nothing here is half done.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/perf_event.h>

#include "base/fd.h"
#include "guest/bpf_internal.h"
#include "guest/library.h"
#include "guest/linker.h"
#include "guest/wasm_internal.h"

/* The head of each record of a ring buffer: its length with two flags, and the kernel's own. */
#define RING_BUSY (1u << 31)
#define RING_DISCARDED (1u << 30)
#define RING_HEAD_BYTES 8u
/* A poll without end would outlive every limit of the guest's own; it returns 0 then, as after any
 * time-out, and is called again. */
#define TIMEOUT_MAX_MS 60000

/* ---- mapping ---- */

void bpf_buffer_free(struct bpf_buffer *buffer)
{
    if (!buffer)
        return;
    for (uint32_t i = 0; i < buffer->ring_count; i++) {
        struct bpf_ring *ring = &buffer->rings[i];
        if (ring->control)
            munmap(ring->control, ring->control_bytes);
        if (ring->records && !buffer->perf)
            munmap(ring->records, ring->records_bytes);
        close(ring->fd);
    }
    free(buffer);
}

/* What was frozen may only be read. */
static int array_map(struct bpf_buffer *buffer, struct bpf_ring *ring)
{
    ring->control_bytes = buffer->data_bytes;
    void *elements =
        mmap(NULL, ring->control_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
    if (elements == MAP_FAILED && errno == EPERM) {
        buffer->readable_only = true;
        elements = mmap(NULL, ring->control_bytes, PROT_READ, MAP_SHARED, ring->fd, 0);
    }
    if (elements == MAP_FAILED)
        return -errno;
    ring->control = elements;
    return 0;
}

/* Of a perf event array one mapping has both, writable for the position of who reads. */
static int ring_map(struct bpf_buffer *buffer, struct bpf_ring *ring)
{
    uint64_t page = buffer->page_bytes;

    if (buffer->array)
        return array_map(buffer, ring);
    ring->control_bytes = buffer->perf ? page + buffer->data_bytes : page;
    void *control =
        mmap(NULL, ring->control_bytes, buffer->user ? PROT_READ : PROT_READ | PROT_WRITE,
             MAP_SHARED, ring->fd, 0);
    if (control == MAP_FAILED)
        return -errno;
    ring->control = control;
    if (buffer->perf) {
        ring->records = ring->control + page;
        return 0;
    }
    ring->records_bytes = page + 2 * (uint64_t)buffer->data_bytes;
    void *records =
        mmap(NULL, ring->records_bytes, buffer->user ? PROT_READ | PROT_WRITE : PROT_READ,
             MAP_SHARED, ring->fd, (off_t)page);
    if (records == MAP_FAILED)
        return -errno;
    ring->records = records;
    return 0;
}

int bpf_buffer_open(struct host *host, uint32_t object, uint32_t map,
                    struct bpf_buffer **ret_buffer)
{
    const struct bpf_state *state = host->bpf_state;
    struct bpf_buffer *buffer = NULL;
    struct broker_buffer answer = {0};
    int r = 0;

    do {
        struct broker_request request = {.operation = BROKER_BUFFER,
                                         .object = object,
                                         .map = map,
                                         .flags = buffer ? buffer->ring_count : 0};
        int fds[FD_MESSAGE_MAX];
        size_t fd_count = 0;
        uint32_t bytes = 0;
        r = bpf_ask(host, &request, NULL, NULL, &bytes, fds, &fd_count);
        if (r == 0 && bytes == sizeof answer)
            memcpy(&answer, state->answer + sizeof(struct broker_answer), sizeof answer);
        if (r == 0 && (bytes != sizeof answer || answer.count != fd_count || fd_count == 0 ||
                       answer.total > BPF_PROCESSORS_MAX))
            r = -EIO;
        if (r == 0 && !buffer) {
            buffer = calloc(1, sizeof *buffer + answer.total * sizeof buffer->rings[0]);
            if (buffer) {
                buffer->page_bytes = answer.page_bytes;
                buffer->data_bytes = answer.data_bytes;
                uint32_t type = state->objects[object].maps[map].shown.type;
                buffer->perf = type == MAP_PERF_EVENT_ARRAY;
                buffer->array = type == MAP_ARRAY;
                buffer->user = type == MAP_USER_RINGBUF;
                buffer->events = answer.events;
            }
        }
        if (r == 0 && (!buffer || buffer->ring_count + fd_count > answer.total))
            r = buffer ? -EIO : -ENOMEM;
        if (r < 0) {
            fd_close_all(fds, fd_count);
            break;
        }
        for (size_t i = 0; i < fd_count; i++)
            buffer->rings[buffer->ring_count++].fd = fds[i];
    } while (buffer->ring_count < answer.total);
    for (uint32_t i = 0; r == 0 && i < buffer->ring_count; i++)
        r = ring_map(buffer, &buffer->rings[i]);
    if (r < 0) {
        bpf_buffer_free(buffer);
        return r;
    }
    *ret_buffer = buffer;
    return 0;
}

/* ---- the guest's function ---- */

typedef uint32_t sample_function(void *instance, uint32_t context, uint32_t data, uint32_t bytes);

/* What call_indirect would do, with its trap. */
static void call_table(const struct bpf_callback *callback, uint32_t bytes)
{
    const struct library_face *face = library_face(callback->host->library);
    const wasm_rt_funcref_table_t *table =
        face->table ? face->table(callback->host->instance) : NULL;
    uint32_t type =
        wasm_rt_register_func_type(3, 1, WASM_RT_I32, WASM_RT_I32, WASM_RT_I32, WASM_RT_I32);

    if (!table || callback->function >= table->size || !type ||
        !table->data[callback->function].func || table->data[callback->function].func_type != type)
        wasm_trap_at("undefined element or indirect call type mismatch", callback->caller);
    const wasm_rt_funcref_t *entry = &table->data[callback->function];
    ((sample_function *)entry->func)(entry->module_instance, callback->context, callback->data,
                                     bytes);
}

static void call_guest(const struct bpf_callback *callback, uint32_t bytes)
{
    const struct library_face *face = library_face(callback->host->library);

    if (callback->function != UINT32_MAX) {
        call_table(callback, bytes);
        return;
    }
    if (!face->go_callback)
        wasm_trap_at("it has no export 'go-callback'", callback->caller);
    face->go_callback(callback->host->instance, callback->context, callback->data, bytes);
}

/* ---- records ---- */

/* At most data_max of a sample of `bytes`: the rest the guest has no room for. The memory may have
 * grown meanwhile, it never shrinks. */
static uint32_t room_for(const struct bpf_callback *callback, uint64_t bytes)
{
    return bytes < callback->data_max ? (uint32_t)bytes : callback->data_max;
}

static uint8_t *data_at(const struct bpf_callback *callback)
{
    return callback->host->memory->data + callback->data;
}

/* How far the kernel has written. */
static uint64_t written(const struct bpf_buffer *buffer, const struct bpf_ring *ring)
{
    const struct perf_event_mmap_page *page = (const void *)ring->control;
    const uint64_t *end =
        buffer->perf ? (const uint64_t *)&page->data_head : (const uint64_t *)ring->records;

    /* Pairs with the kernel's store: __bpf_ringbuf_reserve(), perf_output_put_handle(). */
    return __atomic_load_n(end, __ATOMIC_ACQUIRE);
}

/* Whether there is a record at `at`. Of what no kernel writes (more than the buffer holds, or less
 * than was read) there is none, so that reading ends whatever the two positions say. */
static bool is_ahead(const struct bpf_buffer *buffer, uint64_t at, uint64_t end)
{
    return end - at - 1 < buffer->data_bytes;
}

/* The next sample of a ring buffer in front of `end` into the guest's memory. 1: there was one; 0:
 * none now. */
static int ring_take(const struct bpf_buffer *buffer, const struct bpf_ring *ring, uint64_t end,
                     const struct bpf_callback *callback, uint32_t *ret_bytes)
{
    uint64_t *consumer = (uint64_t *)ring->control;
    const uint8_t *data = ring->records + buffer->page_bytes;
    uint64_t mask = buffer->data_bytes - 1;
    uint64_t at = __atomic_load_n(consumer, __ATOMIC_RELAXED);

    while (is_ahead(buffer, at, end)) {
        const uint8_t *record = data + (at & mask);
        /* Pairs with bpf_ringbuf_commit(). */
        uint32_t head = __atomic_load_n((const uint32_t *)record, __ATOMIC_ACQUIRE);
        if (head & RING_BUSY)
            return 0;
        uint64_t length = head & ~(RING_BUSY | RING_DISCARDED);
        bool discarded = head & RING_DISCARDED;
        /* The kernel makes none that is longer; what is mapped ends behind it. */
        if (length > buffer->data_bytes - RING_HEAD_BYTES)
            return 0;
        if (!discarded) {
            *ret_bytes = room_for(callback, length);
            memcpy(data_at(callback), record + RING_HEAD_BYTES, *ret_bytes);
        }
        at += (length + RING_HEAD_BYTES + 7) / 8 * 8;
        __atomic_store_n(consumer, at, __ATOMIC_RELEASE);
        if (!discarded)
            return 1;
    }
    return 0;
}

/* Out of data that go on at their beginning. */
static void ring_copy(void *to, const struct bpf_buffer *buffer, const struct bpf_ring *ring,
                      uint64_t at, uint64_t bytes)
{
    uint64_t offset = at & (buffer->data_bytes - 1);
    uint64_t first = buffer->data_bytes - offset;

    if (first > bytes)
        first = bytes;
    memcpy(to, ring->records + offset, first);
    memcpy((uint8_t *)to + first, ring->records, bytes - first);
}

/* What the kernel says that it has dropped (PERF_RECORD_LOST: an id, then how many). */
static uint64_t perf_lost(const struct bpf_buffer *buffer, const struct bpf_ring *ring,
                          uint64_t tail, const struct perf_event_header *head)
{
    uint64_t lost[2] = {0};

    if (head->type == PERF_RECORD_LOST && head->size >= sizeof *head + sizeof lost)
        ring_copy(lost, buffer, ring, tail + sizeof *head, sizeof lost);
    return lost[1];
}

/* The same of one processor's events. */
static int perf_take(struct bpf_buffer *buffer, const struct bpf_ring *ring, uint64_t end,
                     const struct bpf_callback *callback, uint32_t *ret_bytes)
{
    struct perf_event_mmap_page *page = (void *)ring->control;
    uint64_t tail = page->data_tail;

    while (is_ahead(buffer, tail, end)) {
        struct perf_event_header head;
        uint32_t bytes = 0;
        ring_copy(&head, buffer, ring, tail, sizeof head);
        if (head.size < sizeof head)
            return 0;
        bool sample = head.type == PERF_RECORD_SAMPLE && head.size >= sizeof head + sizeof bytes;
        if (sample) {
            ring_copy(&bytes, buffer, ring, tail + sizeof head, sizeof bytes);
            if (bytes > head.size - sizeof head - sizeof bytes)
                bytes = (uint32_t)(head.size - sizeof head - sizeof bytes);
            *ret_bytes = room_for(callback, bytes);
            ring_copy(data_at(callback), buffer, ring, tail + sizeof head + sizeof bytes,
                      *ret_bytes);
        }
        buffer->lost += perf_lost(buffer, ring, tail, &head);
        tail += head.size;
        __atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
        if (sample)
            return 1;
    }
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whether the guest may be given one more in this second. What it is not given stays where it is,
 * and is dropped and counted by the kernel when there is no room. */
static bool may_give(struct bpf_buffer *buffer)
{
    if (!buffer->events)
        return true;
    int64_t second = now_ms() / 1000;
    if (second != buffer->second) {
        buffer->second = second;
        buffer->given = 0;
    }
    return buffer->given < buffer->events;
}

/*
 * Every sample that is there when its buffer is begun with: one whose callback makes another (a
 * tracepoint of the callback's own system calls) would never end. The object may be closed by the
 * guest: it is looked for after each call. What the callback returns says nothing, as with
 * wasm-bpf's runtime in C++.
 */
static int32_t take_there(struct bpf_buffer *buffer, const struct bpf_callback *callback)
{
    uint32_t count = buffer->ring_count;
    uint32_t begin = buffer->next++ % count;
    int32_t taken = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct bpf_ring *ring = &buffer->rings[(begin + i) % count];
        const uint64_t end = written(buffer, ring);
        uint32_t bytes;
        while (taken < INT32_MAX && may_give(buffer) &&
               (buffer->perf ? perf_take(buffer, ring, end, callback, &bytes)
                             : ring_take(buffer, ring, end, callback, &bytes))) {
            buffer->given++;
            taken += !callback->takes_one; /* one of no bytes is none */
            if (callback->shown)
                bpf_show(bpf_object_find(callback->host, callback->handle), callback->shown,
                         data_at(callback), bytes);
            if (callback->takes_one && bytes > 0)
                return (int32_t)bytes;
            if (callback->takes_one)
                continue;
            call_guest(callback, bytes);
            /* Closed: place is in what is gone. */
            if (!bpf_object_find(callback->host, callback->handle))
                return taken;
        }
    }
    return taken;
}

static int32_t take_all(struct bpf_buffer **place, const struct bpf_callback *callback)
{
    int32_t taken = take_there(*place, callback);

    if (bpf_object_find(callback->host, callback->handle) && (*place)->lost > (*place)->told) {
        bpf_tell_lost(callback->host, callback->map, callback->shown != NULL,
                      (*place)->lost - (*place)->told);
        (*place)->told = (*place)->lost;
    }
    return taken;
}

/* -EIO: there is no broker any more, and so no program that could make a sample. */
static int wait_for(struct pollfd *fds, uint32_t count, int broker, int64_t left_ms)
{
    struct timespec left = {left_ms / 1000, left_ms % 1000 * 1000000};

    fds[count] = (struct pollfd){.fd = broker};
    int n = ppoll(fds, count + 1, &left, NULL);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    return fds[count].revents ? -EIO : 0;
}

static int wait_ready(const struct bpf_buffer *buffer, int broker, int64_t left_ms)
{
    struct pollfd fds[BPF_PROCESSORS_MAX + 1];

    for (uint32_t i = 0; i < buffer->ring_count; i++)
        fds[i] = (struct pollfd){.fd = buffer->rings[i].fd, .events = POLLIN};
    return wait_for(fds, buffer->ring_count, broker, left_ms);
}

static int wait_second(int broker, int64_t left_ms)
{
    struct pollfd fd;
    int64_t rest_ms = 1000 - now_ms() % 1000;

    return wait_for(&fd, 0, broker, rest_ms < left_ms ? rest_ms : left_ms);
}

int32_t bpf_buffer_poll(struct bpf_buffer **place, const struct bpf_callback *callback,
                        int32_t timeout_ms)
{
    bool endless = timeout_ms < 0 || timeout_ms > TIMEOUT_MAX_MS;
    int64_t end_ms = now_ms() + (endless ? TIMEOUT_MAX_MS : timeout_ms);
    int32_t taken = take_all(place, callback);

    while (taken == 0) {
        int64_t left_ms = end_ms - now_ms();
        if (left_ms <= 0 || !bpf_object_find(callback->host, callback->handle))
            return 0;
        /* Samples may be there that are not to be given yet: then this second is waited for. */
        int broker = callback->host->bpf_socket;
        int r =
            may_give(*place) ? wait_ready(*place, broker, left_ms) : wait_second(broker, left_ms);
        if (r < 0)
            return r;
        taken = take_all(place, callback);
    }
    return taken;
}
