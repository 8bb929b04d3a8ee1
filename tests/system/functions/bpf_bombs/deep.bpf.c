/* Functions that the verifier looks at once each, each of which calls the next ten times: a run is
 * as long as one likes, and so is the kernel's way through the calls when it is loaded, which
 * nothing interrupts. This one is short enough for a machine that lets it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

__u64 turns;

#define TEN(step) step step step step step step step step step step
#define DEEPER(name, next)                   \
    __noinline int name(int number)          \
    {                                        \
        TEN(number = next(number) ^ number;) \
        return number;                       \
    }

__noinline int deep_0(int number)
{
    turns++;
    return number + 1;
}
DEEPER(deep_1, deep_0)
DEEPER(deep_2, deep_1)
DEEPER(deep_3, deep_2)
DEEPER(deep_4, deep_3)
DEEPER(deep_5, deep_4)
DEEPER(deep_6, deep_5)

SEC("cgroup_skb/egress") int on_deep(struct __sk_buff *packet)
{
    return deep_6((int)packet->len) != 7;
}

/* The same in few steps: functions are no matter. */
__noinline int once(int number)
{
    return number * 3;
}

SEC("cgroup_skb/ingress") int on_flat(struct __sk_buff *packet)
{
    return once((int)packet->len) != 7;
}

/* As a global function it would be looked at with any pointer, and refused. */
struct pair {
    int first, second;
};

__noinline int second_of(struct pair *pair)
{
    return pair->second + 1;
}

SEC("cgroup_skb/ingress") int on_static(struct __sk_buff *packet)
{
    struct pair pair = {1, (int)packet->len};

    asm volatile("" : : "r"(&pair) : "memory");
    return second_of(&pair) != 7;
}

char LICENSE[] SEC("license") = "GPL";
