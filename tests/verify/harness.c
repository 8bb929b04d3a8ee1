/* Runs a handler on random inputs under the sanitizers: what the verifier accepted must survive. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap);

static uint64_t state;

static uint32_t next_random(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

static uint8_t next_byte(uint32_t kind)
{
    static const char likely[] = "0123456789 \"\\{}[]:,-.eE+%/*\n=aAfFzZ<&()";

    switch (kind % 4) {
    case 0:
        return (uint8_t)next_random();
    case 1:
        return (uint8_t)likely[next_random() % (sizeof likely - 1)];
    case 2:
        return (uint8_t)(next_random() % 5);
    default:
        return (uint8_t)(next_random() % 3 ? next_random() % 20 : 255 - next_random() % 3);
    }
}

/* Copies that end where the heap block ends, so that the sanitizer sees each byte too far. */
int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 2000;

    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    alarm(20);
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t kind = next_random();
        size_t in_len = next_random() % 5 ? next_random() % 40 : next_random() % 3000;
        size_t out_cap = next_random() % 4 ? next_random() % 60 : next_random() % 6000;
        if (next_random() % 8 == 0)
            in_len = 2048;
        uint8_t *in = malloc(in_len ? in_len : 1), *out = malloc(out_cap ? out_cap : 1);
        for (size_t k = 0; k < in_len; k++)
            in[k] = next_byte(kind);
        memset(out, 0, out_cap);
        uint8_t *exact_in = in_len ? in : in + 1, *exact_out = out_cap ? out : out + 1;
        handler(exact_in, in_len, exact_out, out_cap);
        free(in);
        free(out);
    }
    puts("survived");
    return 0;
}
