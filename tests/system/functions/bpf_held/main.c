/* Maps that were closed, and that programs keep: they count as long as the kernel has them. */
#include <stdio.h>
#include <vireo/bpf.h>

struct instruction {
    uint8_t code, registers;
    int16_t offset;
    int32_t number;
};

/* A map of 12 MiB that is closed when a program names it; the program, or 0. */
static bpf_object_handle hold(void)
{
    const struct vireo_bpf_map big = {2, 4, 4096, 3000, 0};
    bpf_object_handle map = vireo_bpf_create_map("big", &big);
    if (!map)
        return 0;
    const struct instruction code[] = {{0x18, 0x11, 0, wasm_bpf_map_fd_by_name(map, "big")},
                                       {0, 0, 0, 0},
                                       {0xb7, 0, 0, 0},
                                       {0x95, 0, 0, 0}};
    bpf_object_handle program = vireo_bpf_load_program("p", "cgroup_skb/egress", "GPL", code, 4);
    wasm_close_bpf_object(map);
    return program;
}

int main(void)
{
    bpf_object_handle first = hold(), second = hold();
    printf("%d %d", first != 0, second != 0);
    wasm_close_bpf_object(first);
    first = hold();
    printf(" %d\n", first != 0);
    return 0;
}
