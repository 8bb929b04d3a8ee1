/* Text from elsewhere, made harmless. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"

size_t utf8_sequence(const char *from, size_t left)
{
    const unsigned char *text = (const unsigned char *)from;
    size_t bytes = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    unsigned char low = 0x80, high = 0xbf;

    if (text[0] < 0xc2 || text[0] > 0xf4 || left < bytes)
        return 0;
    if (text[0] == 0xe0)
        low = 0xa0;
    else if (text[0] == 0xed)
        high = 0x9f;
    else if (text[0] == 0xf0)
        low = 0x90;
    else if (text[0] == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i < bytes; i++, low = 0x80, high = 0xbf)
        if (text[i] < low || text[i] > high)
            return 0;
    return bytes;
}

/*
 * C1 controls (U+0080 to U+009F) drive terminals, too. Marks of writing direction (U+061C, U+200E,
 * U+200F, U+202A to U+202E, U+2066 to U+2069) show a line in another order than it has, and U+2028
 * and U+2029 end it.
 */
static bool is_control(const unsigned char *text, size_t sequence)
{
    if (sequence == 2)
        return (text[0] == 0xc2 && text[1] < 0xa0) || (text[0] == 0xd8 && text[1] == 0x9c);
    if (sequence != 3 || text[0] != 0xe2)
        return false;
    return text[1] == 0x80
               ? text[2] == 0x8e || text[2] == 0x8f || (text[2] >= 0xa8 && text[2] <= 0xae)
               : text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9;
}

size_t printable(char *to, size_t size, const char *from, size_t bytes)
{
    const unsigned char *at = (const unsigned char *)from;
    size_t used = 0;

    for (size_t i = 0; i < bytes;) {
        size_t sequence = 1;
        /* The longest piece, with its NUL, and the dots behind it. */
        if (used + 8 > size) {
            memcpy(to + used, "...", 3);
            return used + 3;
        }
        if (at[i] >= 0x80) {
            sequence = utf8_sequence(from + i, bytes - i);
            if (is_control(at + i, sequence))
                sequence = 0;
        } else if ((at[i] < 0x20 && at[i] != '\t') || at[i] == 0x7f) {
            sequence = 0;
        }
        if (sequence > 0) {
            memcpy(to + used, from + i, sequence);
            used += sequence;
            i += sequence;
        } else {
            used += (size_t)snprintf(to + used, 5, "\\x%02x", at[i++]);
        }
    }
    return used;
}
