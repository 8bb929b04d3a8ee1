/* Prints every program that is executed, and every process that ends: execsnoop [COUNT] ends after
 * COUNT lines. */
#include <stdio.h>
#include <stdlib.h>

#include "execsnoop.h"
#include "execsnoop.skel.h"

static int left = -1;

static int on_event(void *context, void *data, int bytes)
{
    const struct event *event = data;

    (void)context;
    if (bytes < (int)sizeof *event || left == 0)
        return 0;
    printf("%d %d %s ", event->pid, event->ppid, event->comm);
    if (event->kind == EVENT_EXEC)
        printf("%s\n", event->filename);
    else if (event->status & 0x7f)
        printf("ended by signal %d after %llu us\n", event->status & 0x7f, event->ran_ns / 1000);
    else
        printf("ended with %d after %llu us\n", event->status >> 8 & 0xff, event->ran_ns / 1000);
    fflush(stdout);
    if (left > 0)
        left--;
    return 0;
}

int main(int argc, char **argv)
{
    static struct event event;
    struct execsnoop_skel skeleton;

    if (argc > 1)
        left = atoi(argv[1]);
    if (execsnoop_load(&skeleton) < 0)
        return 1;
    int error = execsnoop_attach(&skeleton);
    if (error < 0) {
        fprintf(stderr, "cannot attach: %d\n", error);
        return 1;
    }
    fprintf(stderr, "ready\n");
    while (left != 0) {
        int n = wasm_bpf_buffer_poll(skeleton.object, skeleton.maps.events, on_event, NULL, &event,
                                     sizeof event, 1000);
        if (n < 0) {
            fprintf(stderr, "cannot poll: %d\n", n);
            return 1;
        }
    }
    execsnoop_close(&skeleton);
    return 0;
}
