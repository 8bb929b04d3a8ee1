/* Texts that end with a zero which the program, or the library, has put there. */
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#define R(name) int name(void)
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)

/* As long as a text that was read: so it is no matter of a few runs. */
static char page[256];
static int work(unsigned long want)
{
    if (want > sizeof page - 1)
        return 2;
    for (unsigned long i = 0; i < want; i++) {
        int c = getchar();
        if (c == EOF)
            break;
        page[i] = (char)c;
    }
    page[want] = '\0';
    return (int)strlen(page);
}
R(line)
{
    char b[100] = {0};
    if (fgets(b, sizeof b, stdin) == NULL)
        return 1;
    size_t n = strlen(b);
    if (n > 0 && b[n - 1] == '\n')
        b[n - 1] = 0;
    return (int)strlen(b);
}
R(line_over_other)
{
    char b[100];
    memset(b, 'A', sizeof b);
    if (fgets(b, sizeof b, stdin) == NULL)
        return 1;
    return (int)strlen(b);
}
R(line_upper)
{
    char b[64] = "";
    if (!fgets(b, 64, stdin))
        return 0;
    for (char *p = b; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    puts(b);
    return 0;
}
R(length_in_a_line)
{
    char b[8];
    memset(b, 0, sizeof b);
    if (fgets(b, sizeof b, stdin) == NULL)
        return 1;
    b[strcspn(b, "\n")] = '\0';
    return work(strtoul(b, NULL, 10));
}
R(filled_to_a_number)
{
    char b[64];
    int n = 0;
    if (fscanf(stdin, "%d", &n) != 1 || n < 0 || (size_t)n >= sizeof b)
        return 1;
    memset(b, 'A', (size_t)n);
    b[n] = '\0';
    puts(b);
    return (int)strlen(b);
}
R(wide)
{
    wchar_t b[50];
    int n = 0;
    if (fscanf(stdin, "%d", &n) != 1 || n < 0 || n > 49)
        return 1;
    wmemset(b, L'A', (size_t)n);
    b[n] = 0;
    return (int)wcslen(b);
}
R(word_copied)
{
    char b[32] = "", d[32];
    if (scanf("%31s", b) != 1)
        return 1;
    strcpy(d, b);
    return d[0];
}
R(printed_copied_joined)
{
    char b[32], c[64];
    int n = 0;
    if (scanf("%d", &n) != 1)
        return 1;
    snprintf(b, sizeof b, "value is %d and so on", n);
    strcpy(c, b);
    strcat(c, "tail");
    return (int)strlen(c);
}
H(copy_text)
{
    char b[64], c[64];
    if (in_len >= sizeof b)
        return -1;
    memcpy(b, in, in_len);
    b[in_len] = 0;
    strcpy(c, b);
    size_t n = strlen(c);
    if (n > out_cap)
        return -2;
    memcpy(out, c, n);
    return (int64_t)n;
}
H(words)
{
    static char line[256];
    if (in_len > 255)
        return -1;
    for (size_t i = 0; i < in_len; i++)
        line[i] = (char)in[i];
    line[in_len] = '\0';
    char *p = line;
    int n = 0;
    while (*p) {
        while (*p == ' ')
            p++;
        if (!*p)
            break;
        n++;
        while (*p && *p != ' ')
            p++;
    }
    return n;
}
H(words_of_a_copy)
{
    char line[256];
    if (in_len > 255)
        return -1;
    memcpy(line, in, in_len);
    size_t i = 0;
    int n = 0;
    while (i < in_len) {
        while (i < in_len && line[i] == ' ')
            i++;
        if (i == in_len)
            break;
        n++;
        while (i < in_len && line[i] != ' ')
            i++;
    }
    return n;
}
H(number)
{
    char t[20];
    size_t n = in_len < 19 ? in_len : 19;
    memcpy(t, in, n);
    t[n] = 0;
    const char *s = t;
    int negative = 0;
    if (*s == '-') {
        negative = 1;
        s++;
    }
    unsigned v = 0;
    while (isdigit((unsigned char)*s))
        v = v * 10 + (unsigned)(*s++ - '0');
    return negative ? -(int64_t)v : v;
}
H(key_and_value)
{
    char line[128];
    if (in_len > 127)
        return -1;
    memcpy(line, in, in_len);
    line[in_len] = 0;
    char *equals = strchr(line, '=');
    if (!equals)
        return 0;
    *equals = 0;
    char *value = equals + 1;
    if (strcmp(line, "name") != 0)
        return 0;
    size_t n = strlen(value);
    if (n > out_cap)
        return -1;
    memcpy(out, value, n);
    return (int64_t)n;
}
H(cut)
{
    char a[16], s[200];
    if (in_len > 199)
        return 0;
    memcpy(s, in, in_len);
    s[in_len] = 0;
    strncpy(a, s, sizeof a - 1);
    a[sizeof a - 1] = 0;
    return (int64_t)strlen(a);
}
H(parts)
{
    static char s[100];
    size_t n = in_len < 99 ? in_len : 99;
    int count = 0;
    memcpy(s, in, n);
    s[n] = 0;
    char *p = s;
    while (*p) {
        char *end = p;
        while (*end && *end != ',')
            end++;
        count++;
        if (*end == ',')
            end++;
        p = end;
    }
    return count;
}
H(turned_round)
{
    char s[100];
    size_t n = in_len < 99 ? in_len : 99;
    memcpy(s, in, n);
    s[n] = 0;
    size_t length = strlen(s);
    for (size_t i = 0, j = length; i < j;) {
        j--;
        char t = s[i];
        s[i] = s[j];
        s[j] = t;
        i++;
    }
    return s[0];
}
H(field)
{
    struct {
        int id;
        char name[32];
    } r = {7, ""};
    size_t n = in_len < 31 ? in_len : 31;
    memcpy(r.name, in, n);
    r.name[n] = 0;
    return (int64_t)strlen(r.name) + r.id;
}
H(lines)
{
    char line[81];
    size_t i = 0;
    while (i < in_len) {
        size_t k = 0;
        while (i < in_len && in[i] != '\n') {
            if (k < 80)
                line[k++] = (char)in[i];
            i++;
        }
        line[k] = 0;
        i++;
        if (strlen(line) > 79)
            return 1;
    }
    return 0;
}
/* Only as much of the buffer is set as a text of any of these lengths takes. */
R(line_of_a_length_that_is_read)
{
    char b[20];
    memset(b, 0, 10);
    fgets(b, (getchar() & 7) + 1, stdin);
    return b[3];
}
H(number_cut_at_a_length_that_is_made_up)
{
    char b[20];
    (void)in, (void)in_len, (void)out, (void)out_cap;
    memset(b, 0, 10);
    snprintf(b, (size_t)(rand() & 7) + 1, "%300d", 5);
    return b[3];
}
