/* Prints every file that is opened (--grant bpf=host): opens [COUNT] ends after COUNT of them. */
#include <stdio.h>
#include <stdlib.h>

#include "opens.h"
#include "opens.skel.h"

static int left = -1;

static int on_event(void *context, void *data, int bytes)
{
    const struct event *event = data;

    (void)context;
    if (bytes < (int)sizeof *event || left == 0)
        return 0;
    printf("%d %s %s\n", event->pid, event->comm, event->path);
    fflush(stdout);
    if (left > 0)
        left--;
    return 0;
}

int main(int argc, char **argv)
{
    static struct event event;
    struct opens_skel skeleton;

    if (argc > 1)
        left = atoi(argv[1]);
    if (opens_load(&skeleton) < 0 || opens_attach(&skeleton) < 0)
        return 1;
    fprintf(stderr, "ready\n");
    while (left != 0)
        if (wasm_bpf_buffer_poll(skeleton.object, skeleton.maps.events, on_event, NULL, &event,
                                 sizeof event, 1000) < 0)
            return 1;
    opens_close(&skeleton);
    return 0;
}
