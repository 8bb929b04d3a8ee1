/* A function whose family is its library's. */
#include <stdint.h>
#include <stdio.h>

int bell_start(void);
void bell_ring(long *answer, long *in_memory, long *here);
int bell_end(void);

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    long answer, in_memory, here;

    if (in_len == 3)
        return snprintf((char *)out, out_cap, "ended %d", bell_end());
    if (in_len == 4)
        return 0;
    int started = bell_start();
    bell_ring(&answer, &in_memory, &here);
    (void)in;
    return snprintf((char *)out, out_cap, "started %d answer %ld memory %ld rang %ld", started,
                    answer, in_memory, here);
}
