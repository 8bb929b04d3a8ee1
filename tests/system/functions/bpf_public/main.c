/*
 * public [DIRECTORY]: what wasm-bpf's own header does. Constants are written into the object before
 * it is loaded, a program without a target gets an empty one, results of callbacks are for nobody,
 * groups are named by where they are mounted or by a directory that is granted.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "public.skel.h"

static int failed;

static void expect(const char *what, bool so)
{
    printf("%s %s\n", what, so ? "yes" : "no");
    failed |= !so;
}

static int on_sample(void *context, void *data, int bytes)
{
    int *count = context;

    (void)data;
    (void)bytes;
    ++*count;
    usleep(1000); /* which is a sample */
    return -1;
}

int main(int argc, char **argv)
{
    struct public_skel skeleton;
    const uint32_t first = 0;
    uint32_t probed = 0;
    int count = 0, polled;
    char data[4096];

    (void)argv;
    if (public_load(&skeleton) < 0)
        return 1;
    expect("sleep", wasm_attach_bpf_program(skeleton.object, "on_sleep", "") == 0);
    expect("mount", wasm_attach_bpf_program(skeleton.object, "on_socket", "/sys/fs/cgroup/") == 0);
    expect("no-directory",
           wasm_attach_bpf_program_fd(skeleton.object, "on_socket", 999) == -9 /* EBADF */);
    expect("relative", wasm_attach_bpf_program_fd(skeleton.object, "on_victim", -1) == 0);
    expect("library", wasm_attach_bpf_program(skeleton.object, "on_library", "") == 0);
    usleep(1000);
    for (int i = 0; i < 100 && count < 5; i++) {
        polled = wasm_bpf_buffer_poll(skeleton.object, skeleton.maps.calls, on_sample, &count, data,
                                      sizeof data, 100);
        if (polled < 0)
            break;
    }
    expect("polled", polled > 0);
    for (int i = 0; i < 100 && !probed; i++) {
        usleep(50000);
        wasm_bpf_map_operate(skeleton.maps.probed, BPF_MAP_LOOKUP, (void *)&first, &probed, NULL,
                             0);
    }
    expect("probed", probed > 0);
    public_close(&skeleton);
    if (argc > 1) { /* a granted directory, the first of them */
        if (public_load(&skeleton) < 0)
            return 1;
        expect("directory", wasm_attach_bpf_program_fd(skeleton.object, "on_socket", 3) == 0);
    }
    return failed;
}
