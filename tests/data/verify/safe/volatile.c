/* Volatile variables, as benchmark sets keep the optimiser away from their data: nobody but the
 * program writes them. */
#include <stdint.h>
#include <string.h>
#define R(name) int name(void)
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)

#define SIZE 100
static int array[SIZE];
static volatile int seed;
static void sort(int a[])
{
    for (int i = 0; i < SIZE - 1; i++) {
        int sorted = 1;
        for (int j = 0; j < SIZE - 1; j++) {
            if (j >= SIZE - i)
                break;
            if (a[j] > a[j + 1]) {
                int t = a[j];
                a[j] = a[j + 1];
                a[j + 1] = t;
                sorted = 0;
            }
        }
        if (sorted)
            break;
    }
}
R(bubble)
{
    for (int i = 0; i < SIZE; i++)
        array[i] = (i + 1) * -1;
    seed = 1;
    sort(array);
    return array[seed];
}

#define SIDE 20
static int a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];
static int next(void)
{
    seed = (seed * 133 + 81) % 8095;
    return seed;
}
R(product)
{
    int sum = 0;
    seed = 0;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            a[i][j] = next();
            b[i][j] = next();
        }
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            c[i][j] = 0;
            for (int k = 0; k < SIDE; k++)
                c[i][j] += a[i][k] * b[k][j];
            sum += c[i][j];
        }
    return sum;
}

/* Each byte by a volatile mask of nothing, so that no compiler knows the data. */
static short taps[36];
R(pinned)
{
    volatile char mask = 0;
    unsigned char *p = (unsigned char *)taps;
    for (volatile unsigned i = 0; i < sizeof taps; ++i, ++p)
        *p ^= mask;
    return taps[35];
}

static volatile struct {
    uint32_t length, sum;
    uint8_t data[64];
} packet;
H(fields)
{
    (void)out, (void)out_cap;
    if (in_len > sizeof packet.data)
        return -1;
    packet.length = (uint32_t)in_len;
    packet.sum = 0;
    for (size_t i = 0; i < in_len; i++)
        packet.data[i] = in[i];
    for (size_t i = 0; i < in_len; i++)
        packet.sum += packet.data[i];
    return packet.sum;
}

/* A key is wiped: the code writes it, though nobody reads it any more. */
H(wiped)
{
    uint8_t key[16];
    if (in_len < sizeof key || out_cap < 1)
        return -1;
    memcpy(key, in, sizeof key);
    out[0] = 0;
    for (size_t i = 0; i < sizeof key; i++)
        out[0] ^= key[i];
    volatile uint8_t *p = key;
    for (size_t i = 0; i < sizeof key; i++)
        p[i] = 0;
    return 1;
}
