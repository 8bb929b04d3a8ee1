/* Texts whose end is not where it seems to be: written over, copied without, behind another, not
 * there for some input. */
#include "unsafe.h"

#include <stdio.h>
#include <wchar.h>

H(no_end)
{
    char b[16];
    memset(b, 'A', sizeof b);
    return (int64_t)strlen(b);
}
H(end_when_short)
{
    char b[16];
    memset(b, 'A', sizeof b);
    if (in_len < sizeof b)
        b[in_len] = 0;
    return (int64_t)strlen(b);
}
H(end_one_too_far)
{
    char b[16];
    if (in_len > sizeof b)
        return -1;
    memcpy(b, in, in_len);
    b[in_len] = 0;
    return (int64_t)strlen(b);
}
H(end_written_over)
{
    char b[16] = "";
    memset(b, 0, sizeof b);
    for (size_t i = 0; i < in_len && i < sizeof b; i++)
        b[i] = 'x';
    return (int64_t)strlen(b);
}
H(end_written_over_by_input)
{
    char b[16] = "";
    if (in_len < 2)
        return -1;
    b[in[0] & 15] = (char)in[1];
    b[15] = 'x';
    return (int64_t)strlen(b);
}
H(end_written_over_by_memset)
{
    char b[16];
    size_t n = in_len & 15;
    memset(b, 'A', sizeof b);
    b[n] = 0;
    memset(b, 'B', in_len > 16 ? 16 : in_len);
    return (int64_t)strlen(b);
}
H(end_written_over_by_word)
{
    char b[16];
    memset(b, 'A', sizeof b);
    b[in_len & 15] = 0;
    uint32_t w = 0x41414141;
    memcpy(b + 12, &w, sizeof w);
    return (int64_t)strlen(b);
}
H(end_written_over_by_copy)
{
    char b[16], c[16];
    memset(b, 'A', sizeof b);
    memset(c, 'C', sizeof c);
    b[9] = 0;
    memcpy(b, c, in_len < 16 ? in_len : 16);
    return (int64_t)strlen(b);
}
H(end_not_copied)
{
    char b[16], c[16];
    memset(b, 'A', sizeof b);
    memset(c, 'C', sizeof c);
    b[9] = 0;
    memcpy(c, b, in_len < 16 ? in_len : 16);
    return (int64_t)strlen(c);
}
H(end_copied_elsewhere)
{
    char b[16], c[32];
    memset(b, 'A', sizeof b);
    memset(c, 'C', sizeof c);
    b[15] = 0;
    memcpy(c + 16, b, 16);
    c[31] = 'x';
    return (int64_t)strlen(c);
}
H(end_moved)
{
    char b[16];
    memset(b, 'A', sizeof b);
    b[15] = 0;
    memmove(b + 1, b, 15);
    return (int64_t)strlen(b);
}
H(end_moved_down)
{
    char b[16];
    size_t by = in_len & 7;
    memset(b, 'A', sizeof b);
    b[3] = 0;
    memmove(b, b + by, 8);
    b[15] = 'x';
    return (int64_t)strlen(b);
}
H(scan_begins_behind)
{
    char b[16];
    memset(b, 'A', sizeof b);
    b[4] = 0;
    return (int64_t)strlen(b + 5);
}
H(scan_begins_behind_by_input)
{
    char b[16];
    memset(b, 'A', sizeof b);
    b[in_len & 15] = 0;
    return (int64_t)strlen(b + (in_len >> 4 & 15));
}
H(steps_over_it)
{
    char b[16];
    memset(b, 'A', sizeof b);
    b[in_len & 15] = 0;
    size_t i = 0;
    while (b[i])
        i += 2;
    return (int64_t)i;
}
H(goes_on_behind_it)
{
    char b[16];
    memset(b, ' ', sizeof b);
    b[in_len & 15] = 0;
    size_t i = 0;
    while (b[i] == ' ' || b[i] == 0)
        i++;
    return (int64_t)i;
}
H(reads_one_more)
{
    char b[16];
    memset(b, 'A', sizeof b);
    b[15] = 0;
    char *p = b;
    while (*p++)
        ;
    return *p;
}
H(farther_one_written_over)
{
    char b[16];
    memset(b, 'A', sizeof b);
    b[15] = 0;
    b[in_len & 7] = 0;
    b[15] = 'x';
    return (int64_t)strlen(b + 8);
}
H(nearer_one_written_over)
{
    char b[16];
    memset(b, 'A', sizeof b);
    b[9] = 0;
    b[3] = 0;
    b[3] = 'x';
    b[in_len & 15] = 'x';
    return (int64_t)strlen(b);
}
H(byte_may_be_zero)
{
    char b[16];
    memset(b, 'A', sizeof b);
    if (in_len < 1)
        return -1;
    b[15] = (char)in[0];
    return (int64_t)strlen(b);
}
H(zero_of_a_word)
{
    uint32_t w[4] = {1, 0x01000000, 0x01010101, 0x01010101};
    w[0] = 0x01010101;
    w[1] = 0x01010100 | (uint32_t)in_len;
    return (int64_t)strlen((char *)w);
}
H(other_array)
{
    char a[16], b[16], *p = in_len & 1 ? a : b;
    memset(a, 'A', sizeof a);
    memset(b, 'B', sizeof b);
    a[3] = 0;
    return (int64_t)strlen(p);
}
H(written_through_either)
{
    char a[16], b[16], *p = in_len & 1 ? a : b;
    memset(a, 'A', sizeof a);
    memset(b, 'B', sizeof b);
    a[3] = 0;
    b[3] = 0;
    p[3] = 'x';
    return (int64_t)strlen(a);
}
static char kept[16], text[] = "a text";
H(kept_from_call_to_call)
{
    size_t n = strlen(kept);
    if (n < 15)
        kept[n] = 'x';
    kept[15] = in_len > 3 ? 'y' : 0;
    return (int64_t)n;
}
H(begins_with_one_is_changed)
{
    size_t n = strlen(text);
    text[n] = '.';
    return (int64_t)n;
}
H(into_too_small)
{
    char b[32], c[16];
    if (in_len > 31)
        return -1;
    memcpy(b, in, in_len);
    b[in_len] = 0;
    strcpy(c, b);
    return c[0];
}
H(into_too_small_by_one)
{
    char b[17], c[16];
    if (in_len > 16)
        return -1;
    memcpy(b, in, in_len);
    b[in_len] = 0;
    strcpy(c, b);
    return c[0];
}
H(joined_too_long)
{
    char b[32];
    if (in_len > 16)
        return -1;
    memcpy(b, in, in_len);
    b[in_len] = 0;
    strcat(b, "and sixteen more");
    return b[0];
}
H(cut_without_end)
{
    char a[16], b[32];
    if (in_len > 31)
        return -1;
    memcpy(b, in, in_len);
    b[in_len] = 0;
    strncpy(a, b, sizeof a);
    return (int64_t)strlen(a);
}
H(rounds_without_end)
{
    char b[16];
    for (size_t i = 0; i < 16; i++) {
        b[i] = 0;
        if (i < in_len)
            b[i] = 'x';
    }
    return (int64_t)strlen(b);
}
H(life_is_over)
{
    int64_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        char b[8];
        if (i == 0 || in_len & 1)
            memset(b, 0, sizeof b);
        else
            memset(b, 'x', sizeof b);
        n += (int64_t)strlen(b);
    }
    return n;
}
H(wide_half_written_over)
{
    wchar_t b[8];
    wmemset(b, L'A', 8);
    b[7] = 0;
    ((char *)b)[28 + (in_len & 3)] = 1;
    return (int64_t)wcslen(b);
}
H(wide_end_of_bytes)
{
    wchar_t b[8];
    wmemset(b, L'A', 8);
    memset(b, 0, in_len & 3);
    return (int64_t)wcslen(b);
}
H(wide_length_in_bytes)
{
    wchar_t b[8];
    memset(b, 'A', sizeof b);
    memset(b + 7, 0, in_len & 4);
    return (int64_t)wcslen(b);
}
H(end_in_field_behind)
{
    struct {
        char name[8];
        char after[8];
    } s;
    memset(&s, 'A', sizeof s);
    s.after[in_len & 7] = 0;
    return (int64_t)strlen(s.name);
}
H(length_of_no_text)
{
    static const char table[4] = "abcd";
    char b[8];
    memcpy(b, table, sizeof table);
    b[7] = 0;
    memset(b + 4, 'x', 4);
    return (int64_t)strlen(b);
}
R(line_fails)
{
    char b[16];
    memset(b, 'A', sizeof b);
    fgets(b, sizeof b, stdin);
    return (int)strlen(b);
}
R(line_then_over)
{
    char b[16] = "";
    if (!fgets(b, sizeof b, stdin))
        return 0;
    b[strlen(b)] = '.';
    return (int)strlen(b);
}
R(line_newline_at)
{
    char b[16] = "";
    if (!fgets(b, sizeof b, stdin))
        return 0;
    char *p = b;
    while (*p != '\n')
        p++;
    return *p;
}
R(word_not_read)
{
    char b[16];
    memset(b, 'A', sizeof b);
    scanf("%15s", b);
    return (int)strlen(b);
}
R(printed_into_too_small)
{
    char b[32], c[8];
    int n = 0;
    if (scanf("%d", &n) != 1)
        return 0;
    snprintf(b, sizeof b, "n=%d", n);
    strcpy(c, b);
    return c[0];
}
R(line_into_too_small)
{
    char b[16] = "", c[14];
    if (!fgets(b, sizeof b, stdin))
        return 0;
    strcpy(c, b);
    return c[0];
}

/* Rounds that go no further: what was read twice is not the same, or not read. */
static char line[64];
static size_t fetch(const uint8_t *in, size_t in_len)
{
    size_t n = in_len < 63 ? in_len : 63;
    memcpy(line, in, n);
    line[n] = 0;
    return n;
}
H(stored_between)
{
    size_t n = fetch(in, in_len), i = 0;
    while (i < n) {
        line[i] = 'x';
        while (i < n && line[i] == ' ')
            i++;
        line[i] = ' ';
        while (i < n && line[i] != ' ')
            i++;
    }
    return 0;
}
H(stored_between_sometimes)
{
    size_t n = fetch(in, in_len), i = 0;
    while (i < n) {
        while (i < n && line[i] == ' ')
            i++;
        if (i < n && line[i] == '\t') {
            line[i] = ' ';
            if (i > 0)
                i--;
        }
        while (i < n && line[i] != ' ')
            i++;
        if (i < n && in[i] == '\t')
            line[i] = '\t';
    }
    return 0;
}
H(not_skipped_always)
{
    size_t n = fetch(in, in_len), i = 0;
    while (i < n) {
        if (in_len & 1)
            while (i < n && line[i] == ' ')
                i++;
        while (i < n && line[i] != ' ')
            i++;
    }
    return 0;
}
H(skipped_to_a_bound)
{
    size_t n = fetch(in, in_len), i = 0;
    while (i < n) {
        while (i < n && i < 8 && line[i] == ' ')
            i++;
        while (i < n && line[i] != ' ')
            i++;
    }
    return 0;
}
H(other_place)
{
    size_t n = fetch(in, in_len), i = 0, k = 0;
    while (i < n) {
        while (k < n && line[k] == ' ')
            k++;
        while (i < n && line[i] != ' ')
            i++;
    }
    return 0;
}
H(other_letter)
{
    size_t n = fetch(in, in_len), i = 0;
    while (i < n) {
        while (i < n && line[i] == '\t')
            i++;
        while (i < n && line[i] != ' ')
            i++;
    }
    return 0;
}
H(other_line)
{
    static char other[64];
    size_t n = fetch(in, in_len), i = 0;
    memcpy(other, line, sizeof line);
    other[3] = 0;
    while (i < n) {
        while (i < n && other[i] == ' ')
            i++;
        while (i < n && line[i] != ' ')
            i++;
    }
    return 0;
}
H(stored_through_a_pointer)
{
    size_t n = fetch(in, in_len), i = 0;
    char *p = line + (in_len & 7);
    while (i < n) {
        while (i < n && line[i] == ' ')
            i++;
        *p = ' ';
        while (i < n && line[i] != ' ')
            i++;
        *p = 'x';
    }
    return 0;
}
H(read_before_the_store)
{
    size_t n = fetch(in, in_len), i = 0;
    while (i < n) {
        char c = line[i];
        line[i] = ' ';
        if (c == ' ')
            i++;
        else
            while (i < n && line[i] != ' ')
                i++;
        line[i] = 'x';
    }
    return 0;
}
H(moved_between)
{
    size_t n = fetch(in, in_len), i = 0;
    while (i < n) {
        while (i < n && line[i] == ' ')
            i++;
        memmove(line, line + 1, sizeof line - 1);
        while (i < n && line[i] != ' ')
            i++;
        memmove(line + 1, line, sizeof line - 1);
    }
    return 0;
}
H(ends_at_a_comma)
{
    fetch(in, in_len);
    char *p = line;
    while (*p) {
        char *end = p;
        while (*end && *end != ',')
            end++;
        p = end;
    }
    return 0;
}
H(comma_is_written_over)
{
    size_t n = fetch(in, in_len);
    char *p = line;
    while (*p) {
        char *end = p;
        while (*end && *end != ',')
            end++;
        line[n] = ';';
        if (*end == ',')
            end++;
        p = end;
    }
    return 0;
}

/* What is printed is read from where it goes to, before its end is there. */
R(printed_into_itself)
{
    char b[4] = {'x', 0, 'y', 'y'};
    snprintf(b, sizeof b, "ab%.8s", b);
    return b[0];
}
R(printed_into_itself_behind)
{
    char b[8];
    int n = 0;
    memset(b, 'x', sizeof b);
    if (scanf("%d", &n) != 1 || n < 0 || n > 7)
        return 0;
    b[n] = 0;
    snprintf(b, sizeof b, "a%s", b);
    return b[0];
}
R(printed_into_itself_at_once)
{
    char b[8];
    memset(b, 'x', sizeof b);
    b[2] = 0;
    sprintf(b, "abc%.4s", b);
    return b[0];
}
R(printed_into_its_tail)
{
    char b[16];
    memset(b, 'x', sizeof b);
    b[4] = 0;
    snprintf(b + 4, 12, "%d%s", 1234567, b);
    return b[0];
}
