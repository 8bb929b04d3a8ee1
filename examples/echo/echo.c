/* Answers with the body that it was asked with. The benchmarks call it with 1 KiB. */
#include <stdint.h>
#include <string.h>

#include <vireo/function.h>

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len > out_cap) {
        vireo_response_status(413);
        return 0;
    }
    memcpy(out, in, in_len);
    return (int64_t)in_len;
}
