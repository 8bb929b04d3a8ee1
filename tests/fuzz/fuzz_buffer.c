/* The reader of ring buffers and perf event arrays: whatever lies in the pages that it has mapped,
 * it reads nothing behind them, writes nothing behind what the guest has room for, and ends. */
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "guest/bpf_internal.h"

#define PAGE 4096u
#define RING_DATA 4096u
#define PERF_DATA 65536u /* a record has less: its size is of 16 bits */
#define ROOM_MAX 512u

/* Bytes of the input, again and again. */
static void fill(uint8_t *to, size_t size, const uint8_t *from, size_t bytes)
{
    for (size_t i = 0; i < size && bytes; i++)
        to[i] = from[i % bytes];
}

static void set_ring(struct bpf_ring *ring, uint64_t at, uint64_t ahead, const uint8_t *from,
                     size_t bytes)
{
    ring->control = calloc(1, PAGE);
    ring->records = calloc(1, PAGE + 2 * RING_DATA);
    CHECK(ring->control && ring->records);
    at -= at % 8; /* its own, that only it has ever moved */
    uint64_t head = at + ahead % (RING_DATA + 1);
    memcpy(ring->control, &at, sizeof at);
    memcpy(ring->records, &head, sizeof head);
    fill(ring->records + PAGE, RING_DATA, from, bytes);
    memcpy(ring->records + PAGE + RING_DATA, ring->records + PAGE, RING_DATA);
}

static void set_perf(struct bpf_ring *ring, uint64_t at, uint64_t ahead, const uint8_t *from,
                     size_t bytes)
{
    ring->control = calloc(1, PAGE + PERF_DATA);
    CHECK(ring->control);
    struct perf_event_mmap_page *page = (void *)ring->control;
    page->data_tail = at - at % 8;
    page->data_head = page->data_tail + ahead % (PERF_DATA + 1);
    ring->records = ring->control + PAGE;
    fill(ring->records, PERF_DATA, from, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    bool perf = take(&input, 1) & 1;
    uint64_t at = take(&input, 8), ahead = take(&input, 4);
    uint32_t room = 1 + (uint32_t)take(&input, 2) % ROOM_MAX;
    uint8_t *memory = malloc(room + 1); /* ends with the room */
    struct bpf_buffer *buffer = calloc(1, sizeof *buffer + sizeof buffer->rings[0]);
    CHECK(memory && buffer);
    wasm_rt_memory_t linear = {.data = memory, .size = room};
    struct host host = {.memory = &linear};
    const struct bpf_callback callback = {.host = &host, .takes_one = true, .data_max = room};

    buffer->perf = perf;
    buffer->page_bytes = PAGE;
    buffer->data_bytes = perf ? PERF_DATA : RING_DATA;
    buffer->ring_count = 1;
    buffer->rings[0].fd = -1;
    (perf ? set_perf : set_ring)(&buffer->rings[0], at, ahead, input.at, input.left);
    memory[room] = 0x5a;
    /* Each sample takes eight bytes at least of what there is. */
    uint32_t most = buffer->data_bytes / 8 + 1;
    for (uint32_t i = 0; i <= most; i++) {
        int32_t bytes = bpf_buffer_poll(&buffer, &callback, 0);
        CHECK(bytes >= 0 && bytes <= (int32_t)room && memory[room] == 0x5a);
        if (bytes == 0)
            break;
        CHECK(i < most);
    }
    free(buffer->rings[0].control);
    if (!perf)
        free(buffer->rings[0].records);
    free(buffer);
    free(memory);
    return 0;
}
