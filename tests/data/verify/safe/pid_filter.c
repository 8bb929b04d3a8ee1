#include <stdint.h>
#include <stddef.h>
#include <string.h>
/* A filter of samples with floats, clamped before it is stored as bytes. */
static float history[4];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    static const float weight[4] = {0.4f, 0.3f, 0.2f, 0.1f};
    if (in_len > out_cap)
        return -1;
    for (size_t i = 0; i < in_len; i++) {
        for (int k = 3; k > 0; k--)
            history[k] = history[k - 1];
        history[0] = (float)in[i];
        float sum = 0;
        for (int k = 0; k < 4; k++)
            sum += history[k] * weight[k];
        if (!(sum >= 0))
            sum = 0;
        if (sum > 255)
            sum = 255;
        out[i] = (uint8_t)sum;
    }
    return (int64_t)in_len;
}
