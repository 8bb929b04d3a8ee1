/* The smallest function: greets whoever is named in the body, or the world. */
#include <stdint.h>
#include <string.h>

#include <vireo/function.h>

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    static const char before[] = "hello, ", world[] = "world", after[] = "\n";

    while (in_len > 0 && (in[in_len - 1] == '\n' || in[in_len - 1] == '\r'))
        in_len--;
    if (in_len == 0) {
        in = (const uint8_t *)world;
        in_len = sizeof world - 1;
    }

    size_t framing = sizeof before - 1 + sizeof after - 1;
    if (out_cap < framing || in_len > out_cap - framing) {
        vireo_response_status(413);
        return 0;
    }

    memcpy(out, before, sizeof before - 1);
    memcpy(out + sizeof before - 1, in, in_len);
    memcpy(out + sizeof before - 1 + in_len, after, sizeof after - 1);
    vireo_response_header("content-type", "text/plain; charset=utf-8");
    return (int64_t)(framing + in_len);
}
