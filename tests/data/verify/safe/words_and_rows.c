/* What is read twice, indices that go together, products of widened numbers. */
#include <ctype.h>
#include "../pairs.h"
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
static char text[64];
static int from[64], to[64];
/* The second loop begins where the first one ended: it goes at least once. */
H(words_copied)
{
    int words = 0;
    size_t i = 0;
    while (i < in_len) {
        while (i < in_len && isspace(in[i]))
            i++;
        size_t begin = i;
        while (i < in_len && !isspace(in[i]))
            i++;
        if (i > begin) {
            size_t n = i - begin;
            if (n > 63)
                n = 63;
            memcpy(text, in + begin, n);
            text[n] = 0;
            words++;
        }
    }
    return words;
}
H(letters_and_others)
{
    int words = 0;
    size_t i = 0;
    while (i < in_len) {
        while (i < in_len && !isalpha(in[i]))
            i++;
        while (i < in_len && isalpha(in[i]))
            i++;
        words++;
    }
    return words;
}
/* Where one half has ended the other has not: both indices together are as far as the third. */
H(halves_merged)
{
    int n = in_len < 64 ? (int)in_len : 64;
    for (int i = 0; i < n; i++)
        from[i] = in[i];
    for (int width = 1; width < n; width *= 2) {
        for (int low = 0; low < n; low += 2 * width) {
            int mid = low + width < n ? low + width : n;
            int high = low + 2 * width < n ? low + 2 * width : n;
            int i = low, j = mid;
            for (int k = low; k < high; k++) {
                if (i < mid && (j >= high || from[i] <= from[j]))
                    to[k] = from[i++];
                else
                    to[k] = from[j++];
            }
        }
        for (int i = 0; i < n; i++)
            from[i] = to[i];
    }
    return from[0];
}
H(image_turned)
{
    if (in_len < 2)
        return 0;
    unsigned width = in[0], height = in[1];
    if (in_len - 2 < (size_t)width * height || out_cap < (size_t)width * height)
        return 0;
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++)
            out[x * height + (height - 1 - y)] = in[2 + y * width + x];
    return 0;
}
