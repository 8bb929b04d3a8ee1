/* Prints every program that is executed: execsnoop [COUNT] ends after COUNT of them. */
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
    printf("%d %d %s %s\n", event->pid, event->ppid, event->comm, event->filename);
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
