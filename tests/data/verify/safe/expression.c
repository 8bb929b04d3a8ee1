#include <stdint.h>
#include <stddef.h>
/* Evaluates reverse Polish notation. */
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    int64_t stack[32] = {0};
    unsigned top = 0;
    for (size_t i = 0; i < in_len; i++) {
        uint8_t c = in[i];
        if (c >= '0' && c <= '9') {
            int64_t v = 0;
            while (i < in_len && in[i] >= '0' && in[i] <= '9')
                v = v * 10 + (in[i++] - '0');
            if (top == 32)
                return -1;
            stack[top++] = v;
        } else if (c == '+' || c == '-' || c == '*' || c == '/') {
            if (top < 2)
                return -1;
            int64_t b = stack[--top], a = stack[--top];
            if (c == '/' && (b == 0 || b == -1))
                return -1;
            stack[top++] = c == '+' ? a + b : c == '-' ? a - b : c == '*' ? a * b : a / b;
        }
    }
    return top == 1 ? stack[0] : -1;
}
