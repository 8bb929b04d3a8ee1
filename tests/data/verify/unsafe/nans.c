/* Constants that are no number: the object has their bits as they were written, a signalling one
 * (0x7fa00000) too, which turns quiet (0x7fe00000) where it goes through a double. */
#include "unsafe.h"

static int table[4];
static const union {
    float number;
    uint32_t bits;
} as_union = {.number = __builtin_nansf("")};
static const struct {
    uint32_t before;
    float number;
} as_field = {1, __builtin_nansf("")};
static const float row[3] = {1.0f, __builtin_nansf(""), __builtin_nansf("0x1234")};
static float changed = __builtin_nansf("");
static const double wide = __builtin_nans("");
static const float payload = __builtin_nanf("0x5555");

#define FAR 90000000

H(union_of_a_signalling_one)
{
    table[(as_union.bits >> 22 & 1) ? 0 : FAR] = (int)in_len;
    return table[in_len & 3];
}
H(field_of_a_signalling_one)
{
    const uint8_t *bytes = (const uint8_t *)&as_field.number;
    table[(bytes[2] & 0x40) ? 0 : FAR] = (int)in_len;
    return table[in_len & 3];
}
H(element_of_a_signalling_one)
{
    uint32_t bits;
    memcpy(&bits, &row[1], sizeof bits);
    table[(bits >> 22 & 1) ? 0 : FAR] = (int)in_len;
    return table[in_len & 3];
}
H(element_with_a_payload)
{
    uint32_t bits;
    memcpy(&bits, &row[2], sizeof bits);
    table[bits == 0x7f801234 ? FAR : 0] = (int)in_len;
    return table[in_len & 3];
}
H(array_of_its_own)
{
    float both[2] = {__builtin_nansf(""), 1.0f};
    uint32_t bits[2];
    memcpy(bits, both, sizeof bits);
    table[(bits[0] >> 22 & 1) ? 0 : FAR] = (int)in_len;
    return table[in_len & 3];
}
H(variable_of_its_own)
{
    float one = in_len > 3 ? __builtin_nansf("") : 2.0f;
    uint32_t bits;
    memcpy(&bits, &one, sizeof bits);
    table[in_len <= 3 || (bits >> 22 & 1) ? 0 : FAR] = (int)in_len;
    return table[in_len & 3];
}
H(variable_that_changes)
{
    uint32_t bits;
    memcpy(&bits, &changed, sizeof bits);
    table[(bits >> 22 & 1) ? 0 : FAR] = (int)in_len;
    changed = 1.0f;
    return table[in_len & 3];
}
H(double_of_a_signalling_one)
{
    uint64_t bits;
    memcpy(&bits, &wide, sizeof bits);
    table[(bits >> 51 & 1) ? 0 : FAR] = (int)in_len;
    return table[in_len & 3];
}
H(quiet_one_with_a_payload)
{
    uint32_t bits;
    memcpy(&bits, &payload, sizeof bits);
    table[bits == 0x7fc05555 ? FAR : 0] = (int)in_len;
    return table[in_len & 3];
}
H(sign_of_a_signalling_one)
{
    float negative = -row[1];
    uint32_t bits;
    memcpy(&bits, &negative, sizeof bits);
    table[(bits >> 22 & 1) ? 0 : FAR] = (int)in_len;
    return table[in_len & 3];
}
R(copied_by_one_without_input)
{
    uint32_t bits;
    memcpy(&bits, &row[1], sizeof bits);
    table[(bits >> 22 & 1) ? 0 : FAR] = 1;
    return table[0];
}
R(widened_and_narrowed)
{
    float one = (float)(double)row[1];
    uint32_t bits;
    memcpy(&bits, &one, sizeof bits);
    table[(bits >> 22 & 1) ? FAR : 0] = 1;
    return table[0];
}
