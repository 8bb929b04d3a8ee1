/* A program for each section that libbpf attaches by its name; main.c has their targets. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* sections.h counts them: a program's name is its number. */
#define SECTION(number, section, target, answer)     \
    SEC(section) int section_##number(void *context) \
    {                                                \
        return answer;                               \
    }
#include "sections.h"

/* What the kernel keeps by a map: of a system's congestion control nothing is called. */
struct {
    __uint(type, BPF_MAP_TYPE_SOCKMAP);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} sockets SEC(".maps");

char LICENSE[] SEC("license") = "GPL";
