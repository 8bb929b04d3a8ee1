/* What the C library is given that it must not be, and what it does not leave behind. */
#include <stdio.h>
#include <wchar.h>
#include "unsafe.h"

R(printed_to_null)
{
    FILE *f = NULL;
    fprintf(f, "x%d\n", 1);
    return 0;
}
R(printed_to_what_is_none)
{
    static char b[300];
    fputs("x", (FILE *)b);
    return 0;
}
R(read_from_null)
{
    char b[10] = "";
    fgets(b, 10, NULL);
    return b[0];
}
R(char_from_none)
{
    static char b[300];
    return getc((FILE *)b);
}
R(put_to_null)
{
    return putc('a', (FILE *)0);
}
R(flushed_none)
{
    static char b[300];
    return fflush((FILE *)b);
}
R(scanned_from_null)
{
    int n = 0;
    fscanf((FILE *)NULL, "%d", &n);
    return n;
}
R(empty_number)
{
    char b[4];
    sprintf(b, "%.0d", 0);
    return b[1];
}
R(empty_number_n)
{
    char b[8];
    snprintf(b, 8, "%.*d", 0, 0);
    return b[1];
}
R(pointer_with_sign)
{
    char b[15];
    sprintf(b, "%+p", (void *)b);
    return b[0];
}
R(wide_not_converted)
{
    char b[40];
    wchar_t w[2] = {0xD800, 0};
    snprintf(b, 40, "%lsabcdef", w);
    return b[5];
}
R(text_into_itself)
{
    char b[8];
    memset(b, 'x', 8);
    b[0] = 0;
    snprintf(b, 8, "a%s", b);
    return b[0];
}
R(text_tail_of_local)
{
    char b[8], c[8] = "abc";
    c[2] = 0;
    snprintf(b, 8, "a%s", c);
    return b[7];
}
H(text_tail_of_local_h)
{
    char b[8], c[8] = "abc";
    if (in_len > 2)
        c[2] = 0;
    snprintf(b, 8, "%s", c);
    return b[4];
}
H(text_too_long_for_local)
{
    char b[8], c[8] = "abc";
    snprintf(b, 9, "%sxxxxxxxxx", c);
    return b[0];
}

/* What was not set stays so where a text does not reach, or none comes: of a variable whose last
 * byte is set. */
static int of_byte[16];
R(line_of_nothing)
{
    char b[10];
    b[9] = 0;
    fgets(b, 10, stdin);
    return of_byte[b[0] & 15];
}
R(line_of_nothing_by_copy)
{
    char b[10], c[10];
    b[9] = 0;
    fgets(b, 10, stdin);
    memcpy(c, b, 10);
    return of_byte[c[3] & 15];
}
R(line_of_nothing_in_a_structure)
{
    struct {
        int n;
        char b[10];
    } s;
    s.b[9] = 0;
    fgets(s.b, 10, stdin);
    return of_byte[s.b[2] & 15];
}
R(line_of_nothing_is_put_out)
{
    char b[10];
    b[9] = 0;
    fgets(b, 10, stdin);
    puts(b);
    return 0;
}
R(third_line_of_nothing)
{
    char b[10];
    b[9] = 0;
    for (int i = 0; i < 3; i++)
        fgets(b, 10, stdin);
    return of_byte[b[0] & 15];
}
R(behind_a_word)
{
    char b[8];
    b[7] = 0;
    if (scanf("%7s", b) != 1)
        return 0;
    return of_byte[b[5] & 15];
}
R(behind_a_wide_line)
{
    wchar_t b[10];
    b[9] = 0;
    fgetws(b, 10, stdin);
    return of_byte[b[0] & 15];
}
H(behind_a_number)
{
    char b[90];
    b[89] = 0;
    snprintf(b, 90, "%70d", (int)in_len);
    return of_byte[b[85] & 15];
}
H(behind_a_text_is_copied_out)
{
    char b[100];
    b[99] = 0;
    snprintf(b, 100, "%s", in_len ? "more bytes than that" : "few");
    if (out_cap < 100)
        return -1;
    for (int i = 0; i < 100; i++)
        out[i] = (uint8_t)b[i];
    return 100;
}

/* A width or precision that is too large, or takes too much memory, ends the text before it. */
H(width_beyond_the_largest)
{
    char b[20];
    snprintf(b, 20, "%2147483648dab", (int)in_len);
    return of_byte[b[2] & 15];
}
H(text_before_a_width_beyond)
{
    char b[20];
    snprintf(b, 20, "ab%2147483648dcd", (int)in_len);
    return of_byte[b[4] & 15];
}
H(precision_beyond_the_largest)
{
    char b[20];
    snprintf(b, 20, "%.2147483648dab", (int)in_len);
    return of_byte[b[1] & 15];
}
H(precision_without_memory)
{
    char b[20];
    snprintf(b, 20, "%.2000000000fab", (double)in_len);
    return of_byte[b[2] & 15];
}
H(precision_of_the_input)
{
    char b[20];
    int32_t n;
    if (in_len < 4)
        return -1;
    memcpy(&n, in, 4);
    snprintf(b, 20, "%.*fab", n, (double)in_len);
    return of_byte[b[2] & 15];
}

/* At the end of what there is scanf() answers -1, also where nothing is kept. */
R(nothing_is_kept)
{
    return of_byte[scanf("%*d")];
}
R(nothing_is_asked_for)
{
    return of_byte[fscanf(stdin, "from: ") * 2];
}
R(nothing_is_kept_of_a_text)
{
    char b[8] = "";
    int r = sscanf(b, "%*[a-z]%%");
    return r < 0 ? of_byte[r] : 0;
}
