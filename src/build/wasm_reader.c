/* Reading a WebAssembly module: bounded bytes, LEB128 numbers, names, and the words of a refusal.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "build/wasm.h"

int wasm_refuse(struct wasm_reader *reader, size_t offset, const char *format, ...)
{
    char reason[320];
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return err_say(reader->err, -EINVAL, "cannot use '%s': %s at offset 0x%zx", reader->where,
                   reason, offset);
}

int wasm_refuse_feature(struct wasm_reader *reader, size_t offset, const char *feature,
                        const char *format, ...)
{
    char what[160];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return err_say(reader->err, -EINVAL,
                   "cannot use '%s': it uses %s (%s at offset 0x%zx), which is not supported",
                   reader->where, feature, what, offset);
}

struct wasm_shown wasm_show(const char *name, uint32_t bytes)
{
    struct wasm_shown shown;
    uint32_t kept = bytes < 48 ? bytes : 48;

    for (uint32_t i = 0; i < kept; i++) {
        unsigned char c = (unsigned char)name[i];
        shown.text[i] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
    strcpy(shown.text + kept, kept < bytes ? "..." : "");
    return shown;
}

int wasm_byte(struct wasm_reader *reader, const char *what, uint8_t *ret_value)
{
    if (reader->at >= reader->end)
        return wasm_refuse(reader, reader->at, "it ends within %s", what);
    *ret_value = reader->module[reader->at++];
    return 0;
}

int wasm_skip(struct wasm_reader *reader, const char *what, size_t bytes)
{
    if (bytes > reader->end - reader->at)
        return wasm_refuse(reader, reader->at, "it ends within %s", what);
    reader->at += bytes;
    return 0;
}

int wasm_u32(struct wasm_reader *reader, const char *what, uint32_t *ret_value)
{
    size_t start = reader->at;
    uint32_t value = 0;

    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = 0;
        int r = wasm_byte(reader, what, &byte);
        if (r < 0)
            return r;
        /* The fifth byte has four bits of the number, and no successor. */
        if (shift == 28 && (byte & 0xf0))
            break;
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret_value = value;
            return 0;
        }
    }
    return wasm_refuse(reader, start, "the number in %s does not fit in 32 bits", what);
}

int wasm_section(struct wasm_reader *reader, uint8_t *ret_id)
{
    size_t start = reader->at;
    uint32_t bytes;

    int r = wasm_byte(reader, "a section", ret_id);
    if (r == 0)
        r = wasm_u32(reader, "a section's size", &bytes);
    if (r < 0)
        return r;
    if (bytes > reader->end - reader->at)
        return wasm_refuse(reader, start, "section %u of %u bytes ends behind the file", *ret_id,
                           bytes);
    reader->end = reader->at + bytes;
    return 0;
}

int wasm_signed(struct wasm_reader *reader, const char *what, unsigned bits, int64_t *ret_value)
{
    size_t start = reader->at;
    uint64_t value = 0;

    for (unsigned shift = 0; shift < bits; shift += 7) {
        uint8_t byte = 0;
        int r = wasm_byte(reader, what, &byte);
        if (r < 0)
            return r;
        value |= (uint64_t)(byte & 0x7f) << shift;
        unsigned left = bits - shift; /* bits of the number that this byte may hold */
        if (left < 7) {
            /* The last byte: no successor, and what is above the sign repeats it. */
            uint8_t above = (uint8_t)(0x7f & ~((1u << (left - 1)) - 1));
            if ((byte & 0x80) || ((byte & above) != 0 && (byte & above) != above))
                break;
        }
        if (byte & 0x80)
            continue;
        if (shift + 7 < 64 && (byte & 0x40))
            value |= ~(uint64_t)0 << (shift + 7);
        *ret_value = (int64_t)value;
        return 0;
    }
    return wasm_refuse(reader, start, "the number in %s does not fit in %u bits", what, bits);
}

int wasm_count(struct wasm_reader *reader, const char *what, uint32_t max, uint32_t *ret_count)
{
    size_t start = reader->at;
    uint32_t count;
    int r = wasm_u32(reader, what, &count);

    if (r < 0)
        return r;
    if (count > reader->end - reader->at)
        return wasm_refuse(reader, start, "it ends within %s: %u are announced", what, count);
    if (count > max)
        return wasm_refuse(reader, start, "it has too many in %s (%u, the limit is %u)", what,
                           count, max);
    *ret_count = count;
    return 0;
}

/* Length of the UTF-8 sequence at `p` (RFC 3629: shortest form, no surrogates), 0: not one. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
    uint8_t low = 0x80, high = 0xbf;
    size_t length;

    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        length = 2;
    else if ((p[0] & 0xf0) == 0xe0)
        length = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        length = 4;
    else
        return 0;
    if (length > left)
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

int wasm_name(struct wasm_reader *reader, const char *what, const char **ret_name,
              uint32_t *ret_bytes)
{
    uint32_t bytes;
    int r = wasm_u32(reader, what, &bytes);

    if (r < 0)
        return r;
    size_t start = reader->at;
    r = wasm_skip(reader, what, bytes);
    if (r < 0)
        return r;
    for (size_t at = start; at < reader->at;) {
        size_t length = utf8_sequence(reader->module + at, reader->at - at);
        if (length == 0)
            return wasm_refuse(reader, at, "%s is not UTF-8", what);
        at += length;
    }
    *ret_name = (const char *)reader->module + start;
    *ret_bytes = bytes;
    return 0;
}

/* A type that is neither a number nor one of the two plain references. */
static int type_refuse(struct wasm_reader *reader, size_t offset, uint8_t type)
{
    switch (type) {
    case WASM_V128:
        return wasm_refuse_feature(reader, offset, "SIMD", "type v128");
    case 0x69: /* exnref */
    case 0x74: /* noexn */
        return wasm_refuse_feature(reader, offset, "exceptions", "type 0x%02x", type);
    case 0x63: /* (ref null ht) */
    case 0x64: /* (ref ht) */
        return wasm_refuse_feature(reader, offset, "typed function references", "type 0x%02x",
                                   type);
    case 0x6a: /* arrayref */
    case 0x6b: /* structref */
    case 0x6c: /* i31ref */
    case 0x6d: /* eqref */
    case 0x6e: /* anyref */
    case 0x71: /* none */
    case 0x72: /* noextern */
    case 0x73: /* nofunc */
        return wasm_refuse_feature(reader, offset, "garbage collection", "type 0x%02x", type);
    default:
        return wasm_refuse(reader, offset, "there is an unknown type 0x%02x", type);
    }
}

int wasm_value_type(struct wasm_reader *reader, uint8_t *ret_type)
{
    uint8_t type = 0;
    int r = wasm_byte(reader, "a type", &type);

    if (r < 0)
        return r;
    switch (type) {
    case WASM_I32:
    case WASM_I64:
    case WASM_F32:
    case WASM_F64:
    case WASM_FUNCREF:
    case WASM_EXTERNREF:
        *ret_type = type;
        return 0;
    default:
        return type_refuse(reader, reader->at - 1, type);
    }
}

int wasm_reference_type(struct wasm_reader *reader)
{
    uint8_t type = 0;
    int r = wasm_byte(reader, "a reference type", &type);

    if (r < 0)
        return r;
    if (type == WASM_FUNCREF || type == WASM_EXTERNREF)
        return 0;
    if (type >= WASM_F64 && type <= WASM_I32)
        return wasm_refuse(reader, reader->at - 1, "type 0x%02x is not a reference", type);
    return type_refuse(reader, reader->at - 1, type);
}
