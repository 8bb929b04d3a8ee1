/* Tricks with bits that are wrong by one: what is proved bit by bit must not be. */
#include "unsafe.h"

static uint8_t tree[128], cells[64], table[256];

H(sibling_of_the_last)
{
    uint32_t node = in_len ? in[0] : 0;
    return node > 0 && node <= 127 ? tree[((node - 1) ^ 1) + 2] : 0;
}
H(sibling_of_the_root)
{
    uint32_t node = in_len ? in[0] & 127 : 0;
    return tree[((node - 1) ^ 1) + 1];
}
H(other_half_is_behind)
{
    uint32_t at = in_len ? in[0] & 63 : 0, stage = (uint32_t)in_len % 7;
    return cells[at ^ (1u << stage)];
}
H(mask_of_no_power)
{
    uint32_t room = in_len ? in[0] : 0;
    if (room == 0 || (room & (room - 1)) == 0)
        return 0;
    return in[(room | (uint32_t)in_len) & (room - 1)];
}
H(mask_of_nothing)
{
    uint32_t room = in_len ? in[0] : 0;
    if (room > 64 || (room & (room - 1)) != 0)
        return 0;
    return cells[(uint32_t)in_len & (room - 1)];
}
H(lowest_bit_stays)
{
    uint32_t small = in_len ? in[0] & 127 : 0;
    return cells[small & (small - 1)];
}
H(average_and_carry)
{
    uint32_t a = in_len ? in[0] : 0, b = in_len ? in[in_len - 1] : 0;
    return table[(a & b) + ((a ^ b) >> 1) + ((a ^ b) & 1) + (a == 255)];
}
H(rotated_by_eight)
{
    uint8_t x = in_len ? in[0] : 0;
    uint32_t wide = (uint32_t)x << (x & 7);
    return table[wide | wide >> 8];
}
H(aligned_past_the_end)
{
    size_t end = in_len + 7 & ~(size_t)7;
    return in_len > 0 && end >= in_len ? in[end - 1] : 0;
}
H(squares_are_even)
{
    uint32_t n = (uint32_t)in_len;
    return cells[63 + (n * n + n & 2)];
}
H(sign_by_shift)
{
    int32_t n = in_len ? (int8_t)in[0] : 0;
    int32_t mask = n >> 31;
    return table[(n ^ mask) + (mask & 256)];
}
H(counts_by_difference)
{
    uint8_t head = in_len ? in[0] : 0, tail = in_len ? in[in_len - 1] : 0;
    return cells[(uint8_t)(head - tail) < 65 ? (uint8_t)(head - tail) : 0];
}
H(bit_by_bit_in_a_loop)
{
    uint32_t at = 1;
    for (size_t i = 0; i < in_len; i++)
        at = (at << 1 ^ (at >> 6) ^ in[i]) & 127;
    return cells[at ^ at >> 1];
}
H(bit_of_the_last_round)
{
    uint32_t last = 0;
    for (size_t i = 0; i < in_len; i++) {
        if ((last & 192) == 0)
            cells[last] ^= 1;
        last = last * 5 ^ in[i];
    }
    return cells[last & 127];
}
