#include <stdint.h>
#include <stddef.h>
#include <string.h>
struct span {
    const uint8_t *at;
    size_t length;
};
struct line {
    struct span method, path, version;
};
static size_t until(const uint8_t *p, size_t n, uint8_t c)
{
    size_t i = 0;
    while (i < n && p[i] != c)
        i++;
    return i;
}
static int parse(const uint8_t *p, size_t n, struct line *line)
{
    size_t a = until(p, n, ' ');
    if (a == n)
        return -1;
    line->method = (struct span){p, a};
    p += a + 1;
    n -= a + 1;
    a = until(p, n, ' ');
    if (a == n)
        return -1;
    line->path = (struct span){p, a};
    p += a + 1;
    n -= a + 1;
    line->version = (struct span){p, until(p, n, '\r')};
    return 0;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    struct line line;
    if (parse(in, in_len, &line) < 0)
        return -1;
    if (line.version.length < 5 || memcmp(line.version.at, "HTTP/", 5) != 0)
        return -2;
    if (line.path.length > out_cap)
        return -3;
    memcpy(out, line.path.at, line.path.length);
    return (int64_t)line.path.length;
}
