/* Type information (BTF) is a row of types, each a struct btf_type and what its kind adds: for who
 * goes from one to the next. The format is the kernel's (Documentation/bpf/btf.rst). */
#pragma once

#include <linux/btf.h>
#include <stdint.h>

/* Linux 6.0; the headers may be older. */
#define BTF_WALK_ENUM64 19

/* Bytes that follow the struct btf_type with this `info`; -1: its kind is not known, and neither is
 * where the next type begins. */
static inline int64_t btf_walk_more(uint32_t info)
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
    case BTF_WALK_ENUM64:
        return members * 12;
    case BTF_KIND_ENUM:
    case BTF_KIND_FUNC_PROTO:
        return members * 8;
    default:
        return -1;
    }
}
