/* A sample with all that makes layouts differ: pointers, gaps, bit fields, unions without a name.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

typedef unsigned long size;

struct tight {
    char small;
    int large;
    short last;
} __attribute__((packed));

struct shape {
    char name[5];
    void *where;
    size bytes;
    int flag : 3;
    unsigned other : 7;
    unsigned apart : 30;
    long after;
    struct tight two[2];
    union {
        int whole;
        struct {
            short low, high;
        };
    };
    enum { RED, BLUE = 7 } colour;
    struct {
        char mark;
        __u64 number;
    } inner;
    short numbers[3];
};
const struct shape *sample __attribute__((unused));

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 65536);
} events SEC(".maps");

SEC("tp/syscalls/sys_enter_clock_nanosleep")
int on_call(void *context)
{
    struct shape *shape = bpf_ringbuf_reserve(&events, sizeof *shape, 0);

    if (!shape)
        return 0;
    __builtin_memset(shape, 0, sizeof *shape);
    __builtin_memcpy(shape->name, "a\"b\n", 5);
    shape->where = (void *)0x123456789abcdef0;
    shape->bytes = 1ul << 40;
    shape->flag = -2;
    shape->other = 100;
    shape->apart = 1u << 29;
    shape->after = -5;
    shape->two[1].large = -70000;
    shape->two[1].last = -3;
    shape->low = 1;
    shape->high = -1;
    shape->colour = BLUE;
    shape->inner.mark = 'x';
    shape->inner.number = ~0ull;
    shape->numbers[0] = -1;
    shape->numbers[2] = 3;
    bpf_ringbuf_submit(shape, 0);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
