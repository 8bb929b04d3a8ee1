/* Commands in a table with what the verifier would refuse: named, compared, never called. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct command {
    const char *name;
    void (*run)(volatile int *);
};

static void reset(volatile int *port)
{
    __asm__ volatile("nop; nop" ::"r"(port) : "memory");
}

static void spin(volatile int *port)
{
    while (*port == 0)
        ;
}

static const struct command commands[3] = {{"reset", reset}, {"spin", spin}, {"help", NULL}};

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len == 0 || in[0] >= 3 || out_cap < 1)
        return -1;
    out[0] = commands[in[0]].run ? 'r' : '-';
    return 1;
}
