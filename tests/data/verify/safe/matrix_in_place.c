#include <stdint.h>
#include <stddef.h>
/* Transposes a matrix of bytes straight from the input: rows and columns come with it. */
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len < 2)
        return -1;
    size_t rows = in[0], columns = in[1];
    if (rows * columns > in_len - 2 || rows * columns > out_cap)
        return -1;
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < columns; x++)
            out[x * rows + y] = in[2 + y * columns + x];
    return (int64_t)(rows * columns);
}
