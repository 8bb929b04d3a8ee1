/* Type information whose functions are all static. What it says is not believed: the kernel checks
 * it when it is loaded. */
#include <errno.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <string.h>

#include "bpf/types.h"

/* Linux 6.0; the headers may be older. */
#define KIND_ENUM64 19

/* Bytes that follow a type's own twelve; -1: its kind is not known. */
static int64_t more_bytes(uint32_t info)
{
    const int64_t members = BTF_INFO_VLEN(info);

    switch (BTF_INFO_KIND(info)) {
    case BTF_KIND_PTR:
    case BTF_KIND_FWD:
    case BTF_KIND_TYPEDEF:
    case BTF_KIND_VOLATILE:
    case BTF_KIND_CONST:
    case BTF_KIND_RESTRICT:
    case BTF_KIND_FUNC:
    case BTF_KIND_FLOAT:
    case BTF_KIND_TYPE_TAG:
        return 0;
    case BTF_KIND_INT:
    case BTF_KIND_VAR:
    case BTF_KIND_DECL_TAG:
        return 4;
    case BTF_KIND_ARRAY:
        return sizeof(struct btf_array);
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
    case BTF_KIND_DATASEC:
    case KIND_ENUM64:
        return members * 12;
    case BTF_KIND_ENUM:
    case BTF_KIND_FUNC_PROTO:
        return members * 8;
    default:
        return -1;
    }
}

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
        int64_t more = more_bytes(type.info);
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
