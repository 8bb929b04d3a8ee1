/* Fills and copies of memory that end inside an element: what it holds then is neither what it held
 * nor what was filled in. */
#include "unsafe.h"

static int32_t fours[4], others[4];
static uint8_t small[8];
static float singles[4];

H(filled_to_the_middle_of_one)
{
    memset(fours, 0, sizeof fours);
    if (in_len > 7 && in_len < 17 && in[0] == 'x' && in[1] == 'q')
        memset(fours, 0xff, in_len);
    int v = in_len > 4 ? fours[in[2] & 3] : 0;
    return out_cap ? small[v + 1] : 0;
}
H(filled_from_the_middle_of_one)
{
    memset(fours, 0, sizeof fours);
    if (in_len > 7 && in[0] == 'x' && in[1] == 'q')
        memset((uint8_t *)&fours[in[3] & 1] + 2, 0xff, 4);
    int v = in_len > 4 ? fours[in[2] & 3] : 0;
    return out_cap ? small[v + 1] : 0;
}
H(zeros_to_the_middle_of_one)
{
    memset(fours, 0xff, sizeof fours);
    if (in_len > 7 && in_len < 17 && in[0] == 'x' && in[1] == 'q')
        memset(fours, 0, in_len);
    int v = in_len > 4 ? fours[in[2] & 3] : 0;
    return out_cap ? small[v + 1] : 0;
}
H(copied_to_the_middle_of_one)
{
    memset(fours, 0, sizeof fours);
    memset(others, 0xff, sizeof others);
    if (in_len > 7 && in_len < 17 && in[0] == 'x' && in[1] == 'q')
        memcpy(fours, others, in_len);
    int v = in_len > 4 ? fours[in[2] & 3] : 0;
    return out_cap ? small[v + 1] : 0;
}
H(zeros_to_the_middle_of_a_float)
{
    for (int i = 0; i < 4; i++)
        singles[i] = 1.999f; /* its low half alone is next to nothing, its high half 1.99 */
    if (in_len > 7 && in_len < 17 && in[0] == 'x' && in[1] == 'q')
        memset(singles, 0, in_len);
    float v = in_len > 4 ? singles[in[2] & 3] : 1;
    return out_cap && v > 0 && v < 0.9f ? small[8 + in[0]] : 0;
}
H(fields_filled_to_the_middle)
{
    static struct {
        int16_t a;
        int16_t b;
    } pairs[8];
    memset(pairs, 0, sizeof pairs);
    if (in_len > 7 && in_len < 33 && in[0] == 'x' && in[1] == 'q')
        memset(pairs, 0xff, in_len);
    int v = in_len > 4 ? pairs[in[2] & 7].b : 0;
    return out_cap ? small[v + 1] : 0;
}
