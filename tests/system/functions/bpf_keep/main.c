/* The word "put" leaves two samples and a count of them; "read" takes them and stays the reader of
 * their buffer for three seconds; "load" loads what takes long to verify, for seven; else it says
 * what it finds. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "keep.skel.h"

static int on_sample(void *context, void *data, int bytes)
{
    (void)context;
    (void)data;
    (void)bytes;
    return 0;
}

static int take(bpf_object_handle object)
{
    uint64_t data;

    return wasm_bpf_buffer_poll(object, wasm_bpf_map_fd_by_name(object, "samples"), on_sample, NULL,
                                &data, sizeof data, 0);
}

/* The same buffer by another object of the same session is not this one's, too. */
static int read_long(bpf_object_handle object)
{
    const struct timespec moment = {.tv_sec = 3};
    int taken = take(object);

    printf("taken %d by its name %d\n", taken, take(vireo_bpf_open("samples")));
    fflush(stdout);
    nanosleep(&moment, NULL);
    return 0;
}

/* A loop of so many rounds, each of which the verifier goes through, and then it is too long. */
static int load_long(void)
{
    static const struct {
        uint8_t code, registers;
        int16_t offset;
        int32_t number;
    } code[] = {{0xb7, 1, 0, 0}, {0x07, 1, 0, 1}, {0xa5, 1, -2, 300000}, {0xb7, 0, 0, 1}, {0x95}};
    time_t end = time(NULL) + 7;
    int count = 0, let = 0;

    for (; time(NULL) < end; count++)
        let +=
            vireo_bpf_load_program("long", "cgroup_skb/egress", "GPL", (const void *)code, 5) != 0;
    printf("tried %d let %d\n", count, let);
    return 0;
}

int main(void)
{
    struct timespec moment = {.tv_nsec = 1000000};
    uint32_t wanted = 2, zero = 0;
    struct keep_skel skeleton;
    uint64_t kept = 0;
    char word[8] = "";

    if (!fgets(word, sizeof word, stdin) || keep_load(&skeleton) < 0 || keep_attach(&skeleton) < 0)
        return 1;
    if (strcmp(word, "load") == 0)
        return load_long();
    if (strcmp(word, "read") == 0)
        return read_long(skeleton.object);
    if (strcmp(word, "put") == 0) {
        vireo_bpf_global(skeleton.object, "wanted", &wanted, sizeof wanted, 1);
        for (int i = 0; i < 5; i++)
            nanosleep(&moment, NULL);
    }
    wasm_bpf_map_operate(skeleton.maps.kept, BPF_MAP_LOOKUP, &zero, &kept, NULL, 0);
    /* The first version only fills them: what it leaves is not taken. */
    printf("kept %llu untaken %d\n", (unsigned long long)kept,
           strcmp(word, "put") == 0 ? (int)kept : take(skeleton.object));
    keep_close(&skeleton);
    return 0;
}
