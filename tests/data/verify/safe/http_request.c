#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* An HTTP/1.1 request: the Host header's value and the path, a line each. */
struct view {
    const uint8_t *at;
    size_t len;
};
static size_t find(const uint8_t *p, size_t n, uint8_t c)
{
    size_t i = 0;
    while (i < n && p[i] != c)
        i++;
    return i;
}
static int same_name(struct view v, const char *name)
{
    size_t n = strlen(name);
    if (v.len != n)
        return 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = v.at[i];
        if (c >= 'A' && c <= 'Z')
            c += 32;
        if (c != (uint8_t)name[i])
            return 0;
    }
    return 1;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    struct view method, path, host = {in, 0};
    size_t line = find(in, in_len, '\n');
    if (line == in_len)
        return -1;
    method.at = in;
    method.len = find(in, line, ' ');
    if (method.len == line || method.len > 7)
        return -2;
    path.at = in + method.len + 1;
    path.len = find(path.at, line - method.len - 1, ' ');
    if (path.len == 0 || path.at[0] != '/')
        return -3;
    const uint8_t *p = in + line + 1;
    size_t left = in_len - line - 1;
    while (left > 0) {
        size_t n = find(p, left, '\n');
        if (n == left)
            return -4;
        size_t len = n > 0 && p[n - 1] == '\r' ? n - 1 : n;
        if (len == 0)
            break;
        size_t colon = find(p, len, ':');
        if (colon == len)
            return -5;
        struct view name = {p, colon}, value = {p + colon + 1, len - colon - 1};
        while (value.len > 0 && *value.at == ' ') {
            value.at++;
            value.len--;
        }
        if (same_name(name, "host"))
            host = value;
        p += n + 1;
        left -= n + 1;
    }
    if (host.len + path.len + 2 > out_cap)
        return -6;
    memcpy(out, host.at, host.len);
    out[host.len] = '\n';
    memcpy(out + host.len + 1, path.at, path.len);
    out[host.len + 1 + path.len] = '\n';
    return (int64_t)(host.len + path.len + 2);
}
