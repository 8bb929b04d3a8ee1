/* An object that takes long to read: each structure's name is looked for in all of the kernel's. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define ONE(n)                                                     \
    struct no_such_structure_##n {                                 \
        int member;                                                \
    } __attribute__((preserve_access_index));                      \
    static __always_inline int has_##n(void)                       \
    {                                                              \
        return bpf_core_type_exists(struct no_such_structure_##n); \
    }
#define TEN_OF(one, n)                                                                        \
    one(n##0) one(n##1) one(n##2) one(n##3) one(n##4) one(n##5) one(n##6) one(n##7) one(n##8) \
        one(n##9)
#define HUNDRED_OF(one, n) \
    TEN_OF(one, n##0)      \
    TEN_OF(one, n##1)      \
    TEN_OF(one, n##2)      \
    TEN_OF(one, n##3)      \
    TEN_OF(one, n##4)      \
    TEN_OF(one, n##5) TEN_OF(one, n##6) TEN_OF(one, n##7) TEN_OF(one, n##8) TEN_OF(one, n##9)
#define PLUS(n) +has_##n()

HUNDRED_OF(ONE, 1);
HUNDRED_OF(ONE, 2);
HUNDRED_OF(ONE, 3);

SEC("cgroup_skb/egress")
int slow(void *context)
{
    (void)context;
    return 0 HUNDRED_OF(PLUS, 1) HUNDRED_OF(PLUS, 2) HUNDRED_OF(PLUS, 3);
}

char LICENSE[] SEC("license") = "GPL";
