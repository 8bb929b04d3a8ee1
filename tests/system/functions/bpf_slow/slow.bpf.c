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
#define TEN(n) \
    ONE(n##0)  \
    ONE(n##1) ONE(n##2) ONE(n##3) ONE(n##4) ONE(n##5) ONE(n##6) ONE(n##7) ONE(n##8) ONE(n##9)
#define USE(n)                                                                                \
    has_##n##0() + has_##n##1() + has_##n##2() + has_##n##3() + has_##n##4() + has_##n##5() + \
        has_##n##6() + has_##n##7() + has_##n##8() + has_##n##9()

TEN(1)
TEN(2)
TEN(3) TEN(4) TEN(5) TEN(6) TEN(7) TEN(8) TEN(9) TEN(10) TEN(11) TEN(12) TEN(13) TEN(14) TEN(15)
    TEN(16) TEN(17) TEN(18) TEN(19) TEN(20) TEN(21) TEN(22) TEN(23) TEN(24) TEN(25) TEN(26) TEN(27)
        TEN(28) TEN(29)

            SEC("cgroup_skb/egress") int slow(void *context)
{
    (void)context;
    return USE(1) + USE(2) + USE(3) + USE(4) + USE(5) + USE(6) + USE(7) + USE(8) + USE(9) +
           USE(10) + USE(11) + USE(12) + USE(13) + USE(14) + USE(15) + USE(16) + USE(17) + USE(18) +
           USE(19) + USE(20) + USE(21) + USE(22) + USE(23) + USE(24) + USE(25) + USE(26) + USE(27) +
           USE(28) + USE(29);
}

char LICENSE[] SEC("license") = "GPL";
