/* "share" makes its object known and ends after a second; "join" reads it meanwhile and afterwards;
 * "look" says whether it is there. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "share.skel.h"

static void sleep_ms(int ms)
{
    struct timespec moment = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&moment, NULL);
}

static int take(void *context, void *data, int bytes)
{
    (void)context;
    (void)data;
    return bytes == 8 ? 0 : -1;
}

static int poll_samples(bpf_object_handle object)
{
    uint64_t data;

    return wasm_bpf_buffer_poll(object, wasm_bpf_map_fd_by_name(object, "samples"), take, NULL,
                                &data, sizeof data, 0);
}

static uint64_t read_number(bpf_object_handle object)
{
    uint64_t number = 0;
    uint32_t zero = 0;

    wasm_bpf_map_operate(wasm_bpf_map_fd_by_name(object, "number"), BPF_MAP_LOOKUP, &zero, &number,
                         NULL, 0);
    return number;
}

static int share(void)
{
    struct share_skel skel;
    uint64_t number = 4711, data;
    uint32_t zero = 0;

    if (share_load(&skel) < 0 || share_attach(&skel) < 0)
        return 1;
    wasm_bpf_map_operate(skel.maps.number, BPF_MAP_UPDATE, &zero, &number, NULL, 0);
    wasm_bpf_buffer_poll(skel.object, skel.maps.samples, take, NULL, &data, sizeof data, 0);
    printf("share %d ", vireo_bpf_share(skel.object, "common"));
    printf("again %d\n", vireo_bpf_share(skel.object, "common"));
    sleep_ms(1000); /* one sample that it does not take */
    return 0;
}

static int join(void)
{
    bpf_object_handle object = 0;

    for (int i = 0; i < 100 && !object; i++) {
        object = vireo_bpf_join("common");
        if (!object)
            sleep_ms(20);
    }
    printf("read %llu reader %d ", (unsigned long long)read_number(object), poll_samples(object));
    sleep_ms(1500);
    printf("read %llu samples %d\n", (unsigned long long)read_number(object), poll_samples(object));
    return 0;
}

int main(void)
{
    char word[8] = "";

    if (!fgets(word, sizeof word, stdin))
        return 1;
    if (strcmp(word, "share") == 0)
        return share();
    if (strcmp(word, "join") == 0)
        return join();
    printf("%s\n", vireo_bpf_join("common") ? "there" : "not there");
    return 0;
}
