/* An expression, with a stack of values and one of operators. */
#include <stddef.h>
#include <stdint.h>
static int64_t vals[32];
static char ops[32];
static int prec(char c)
{
    return c == '*' || c == '/' || c == '%' ? 2 : c == '+' || c == '-' ? 1 : 0;
}
static int apply(int *nv, char op)
{
    if (*nv < 2)
        return -1;
    int64_t b = vals[--*nv], a = vals[--*nv], r;
    switch (op) {
    case '+':
        r = a + b;
        break;
    case '-':
        r = a - b;
        break;
    case '*':
        r = a * b;
        break;
    case '/':
        if (b == 0 || (a == INT64_MIN && b == -1))
            return -1;
        r = a / b;
        break;
    case '%':
        if (b == 0 || b == -1)
            return -1;
        r = a % b;
        break;
    default:
        return -1;
    }
    vals[(*nv)++] = r;
    return 0;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    int nv = 0, no = 0;
    size_t i = 0;
    while (i < in_len) {
        uint8_t c = in[i];
        if (c == ' ') {
            i++;
            continue;
        }
        if (c >= '0' && c <= '9') {
            int64_t v = 0;
            while (i < in_len && in[i] >= '0' && in[i] <= '9') {
                v = v * 10 + (in[i] - '0');
                i++;
            }
            if (nv >= 32)
                return -1;
            vals[nv++] = v;
            continue;
        }
        if (c == '(') {
            if (no >= 32)
                return -1;
            ops[no++] = '(';
            i++;
            continue;
        }
        if (c == ')') {
            while (no > 0 && ops[no - 1] != '(') {
                if (apply(&nv, ops[--no]))
                    return -1;
            }
            if (no == 0)
                return -1;
            no--;
            i++;
            continue;
        }
        if (!prec((char)c))
            return -1;
        while (no > 0 && prec(ops[no - 1]) >= prec((char)c))
            if (apply(&nv, ops[--no]))
                return -1;
        if (no >= 32)
            return -1;
        ops[no++] = (char)c;
        i++;
    }
    while (no > 0)
        if (apply(&nv, ops[--no]))
            return -1;
    return nv == 1 ? vals[0] : -1;
}
