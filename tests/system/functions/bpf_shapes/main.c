/* Reads the sample by the skeleton's structure, whose assertions this compiler has passed. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shapes.skel.h"

static int good;

static int on_event(void *context, void *data, int bytes)
{
    const struct shapes__shape *shape = data;

    (void)context;
    good = bytes == (int)sizeof *shape && strcmp(shape->name, "a\"b\n") == 0 &&
           shape->where == 0x123456789abcdef0 && shape->bytes == 1ull << 40 && shape->flag == -2 &&
           shape->other == 100 && shape->apart == 1u << 29 && shape->after == -5 &&
           shape->two[1].large == -70000 && shape->two[1].last == -3 && shape->low == 1 &&
           shape->high == -1 && shape->colour == 7 && shape->inner.mark == 'x' &&
           shape->inner.number == ~0ull && shape->numbers[0] == -1 && shape->numbers[2] == 3;
    return 0;
}

int main(void)
{
    struct timespec moment = {.tv_nsec = 1000};
    static struct shapes__shape shape;
    struct shapes_skel skeleton;

    if (shapes_load(&skeleton) < 0 || shapes_attach(&skeleton) < 0)
        return 1;
    nanosleep(&moment, NULL);
    wasm_bpf_buffer_poll(skeleton.object, skeleton.maps.events, on_event, NULL, &shape,
                         sizeof shape, 1000);
    shapes_close(&skeleton);
    printf("%s\n", good ? "as the program wrote it" : "otherwise");
    return !good;
}
