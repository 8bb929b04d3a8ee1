/* Type information whose functions are all static. What it says is not believed: the kernel checks
 * it when it is loaded. */
#include <errno.h>
#include <linux/btf.h>
#include <string.h>

#include "base/btf_walk.h"
#include "bpf/types.h"

int types_make_static(uint8_t *types, size_t bytes)
{
    struct btf_header header;
    struct btf_type type;

    if (bytes < sizeof header)
        return -EBADMSG;
    memcpy(&header, types, sizeof header);
    uint64_t at = (uint64_t)header.hdr_len + header.type_off, end = at + header.type_len;
    if (header.magic != BTF_MAGIC || header.hdr_len < sizeof header || end > bytes)
        return -EBADMSG;
    while (at < end) {
        if (end - at < sizeof type)
            return -EBADMSG;
        memcpy(&type, types + at, sizeof type);
        int64_t more = btf_walk_more(type.info);
        if (more < 0)
            return -EBADMSG;
        if (BTF_INFO_KIND(type.info) == BTF_KIND_FUNC) {
            type.info &= ~UINT32_C(0xffff); /* what counts members elsewhere: BTF_FUNC_STATIC */
            memcpy(types + at, &type, sizeof type);
        }
        at += sizeof type + (uint64_t)more;
    }
    return at == end ? 0 : -EBADMSG;
}
