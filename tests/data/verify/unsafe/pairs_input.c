/* Pairs in the manner of public sets, the side that is not safe: what comes from input. */
#include "../pairs.h"

static int cells[10];
static void use_int(int v)
{
    printIntLine(v);
}
/* an index from outside, with half a check, none, or the wrong one */
R(b129_fscanf_upper)
{
    int data = -1;
    fscanf(stdin, "%d", &data);
    int buffer[10] = {0};
    if (data >= 0)
        buffer[data] = 1;
    return buffer[0];
}
R(b129_fscanf_lower)
{
    int data = -1;
    fscanf(stdin, "%d", &data);
    int buffer[10] = {0};
    if (data < 10)
        printIntLine(buffer[data]);
    return 0;
}
R(b129_fgets)
{
    int data = -1;
    char in[CHAR_ARRAY_SIZE] = "";
    if (fgets(in, CHAR_ARRAY_SIZE, stdin) != NULL)
        data = atoi(in);
    int buffer[10] = {0};
    if (data >= 0)
        buffer[data] = 1;
    return buffer[0];
}
R(b129_fgets_one)
{
    int data = -1;
    char in[CHAR_ARRAY_SIZE] = "";
    if (fgets(in, CHAR_ARRAY_SIZE, stdin) != NULL)
        data = atoi(in);
    int buffer[10] = {0};
    if (data >= 0 && data <= 10)
        buffer[data] = 1;
    return buffer[0];
}
R(b129_strtol)
{
    char in[16] = "";
    fgets(in, 16, stdin);
    long v = strtol(in, NULL, 10);
    if (v >= 0 && v < 11)
        cells[v] = 1;
    return 0;
}
R(b129_strtoul)
{
    char in[16] = "";
    fgets(in, 16, stdin);
    unsigned long v = strtoul(in, NULL, 0);
    cells[v % 11] = 1;
    return 0;
}
R(b129_char)
{
    char c = 0;
    scanf("%c", &c);
    return cells[c & 15];
}
R(b129_short)
{
    short s = 0;
    scanf("%hd", &s);
    if (s < 10)
        cells[s] = 1;
    return 0;
}
R(b129_long)
{
    long s = 0;
    scanf("%ld", &s);
    if ((int)s >= 0 && (int)s < 10)
        cells[s] = 1;
    return 0;
}
R(b129_unsigned)
{
    unsigned s = 0;
    scanf("%u", &s);
    if ((int)s < 10)
        cells[s] = 1;
    return 0;
}
R(b129_hh)
{
    unsigned char s = 0;
    scanf("%hhu", &s);
    return cells[s / 25];
}
R(b129_x)
{
    unsigned s = 0;
    scanf("%x", &s);
    return cells[s >> 28];
}
R(b129_two)
{
    int a = 0, b = 0;
    if (scanf("%d %d", &a, &b) == 2 && a >= 0 && a < 10)
        cells[b] = 1;
    return 0;
}
R(b129_getchar)
{
    int c = getchar();
    return cells[(c + 1) >> 4];
}
R(b129_eof)
{
    static int t[256];
    return t[getchar()];
}
R(b129_call)
{
    int d = 0;
    scanf("%d", &d);
    if (d < 0)
        d = 0;
    use_int(cells[d]);
    return 0;
}
R(b129_time)
{
    return cells[time(NULL) & 15];
}
R(b129_sscanf)
{
    char t[8] = "3";
    int n = 0;
    sscanf(t, "%d", &n);
    return cells[n];
}
/* what scanf did not set */
R(b457_scanf)
{
    int data;
    scanf("%d", &data);
    return data > 3;
}
R(b457_scanf_count)
{
    int a, b;
    if (scanf("%d %d", &a, &b) >= 1)
        return b > 0;
    return 0;
}
R(b457_scanf_else)
{
    int a;
    if (scanf("%d", &a) != 1)
        return a > 0;
    return 0;
}
R(b457_scanf_wide)
{
    long a;
    if (scanf("%d", (int *)&a) == 1)
        return a > 0;
    return 0;
}
R(b457_scanf_double)
{
    double d;
    if (scanf("%f", (float *)&d) == 1)
        return d > 0;
    return 0;
}
R(b457_fgets)
{
    char b[16];
    fgets(b, 16, stdin);
    return b[3] > 0;
}
R(b457_snprintf_tail)
{
    char b[16];
    snprintf(b, sizeof b, "%d", 5);
    return b[13] > 0;
}
R(b457_sprintf_tail)
{
    char b[16];
    sprintf(b, "ab");
    return b[3] > 0;
}
R(b457_snprintf_short)
{
    char b[16];
    snprintf(b, 2, "abc");
    return b[2] > 0;
}
/* too much into a buffer */
R(b121_scanf_text)
{
    char w[8] = "";
    scanf("%8s", w);
    return w[0];
}
R(b121_scanf_any)
{
    char w[8] = "";
    scanf("%s", w);
    return w[0];
}
R(b121_scanf_int_into_short)
{
    short v[1] = {0};
    scanf("%d", (int *)v);
    return v[0];
}
R(b121_scanf_long_into_int)
{
    int v = 0;
    scanf("%ld", (long *)&v);
    return v;
}
R(b121_scanf_set)
{
    char w[4] = "";
    scanf("%4[abc]", w);
    return w[0];
}
R(b121_fgets)
{
    char b[10] = "";
    fgets(b, 11, stdin);
    return b[0];
}
R(b121_fgets_at)
{
    char b[10] = "";
    fgets(b + 2, 10, stdin);
    return b[0];
}
R(b121_fgetws)
{
    wchar_t w[20] = L"";
    fgetws(w, sizeof w, stdin);
    return w[0];
}
R(b121_sprintf)
{
    char b[8];
    sprintf(b, "%d", rand());
    return b[0];
}
R(b121_sprintf_two)
{
    char b[12];
    sprintf(b, "%d,%d", 1, rand());
    return b[0];
}
R(b121_sprintf_x)
{
    char b[8];
    sprintf(b, "%08x", 1u);
    return b[0];
}
R(b121_sprintf_width)
{
    char b[16];
    sprintf(b, "%20d", 1);
    return b[0];
}
R(b121_sprintf_text)
{
    char b[4];
    sprintf(b, "%s", "abcd");
    return b[0];
}
R(b121_sprintf_long)
{
    char b[16];
    sprintf(b, "%ld", (long)RAND64());
    return b[0];
}
R(b121_sprintf_hex)
{
    char b[10];
    sprintf(b, "%#x", (unsigned)RAND32());
    return b[0];
}
R(b121_snprintf)
{
    char b[8];
    snprintf(b, 16, "%s", "much too long");
    return b[0];
}
R(b121_snprintf_zero)
{
    char b[8];
    int n = 0;
    snprintf(b, (size_t)n - 1, "%d %d %s", 1, 2, "and more of it");
    return b[0];
}
R(b121_snprintf_end)
{
    char b[8];
    int n = snprintf(b, sizeof b, "%s", "longer than it");
    b[n] = 0;
    return b[0];
}
R(b121_snprintf_chain)
{
    char b[16];
    int n = snprintf(b, 16, "%d", RAND32());
    snprintf(b + n, 16, "%d", 4);
    return b[0];
}
R(b121_wmemcpy)
{
    wchar_t d[50], s[50];
    wmemset(s, L'A', 50);
    wmemcpy(d, s, 50 * sizeof(wchar_t));
    return d[0];
}
R(b121_wcscpy)
{
    wchar_t d[10], s[20];
    wmemset(s, L'A', 19);
    s[19] = 0;
    wcscpy(d, s);
    return d[0];
}
/* a text without end */
R(b126_fgets_tail)
{
    char b[8];
    memset(b, 'A', 8);
    fgets(b, 8, stdin);
    return cells[b[7] == 0 ? 0 : 11];
}
R(b126_strlen)
{
    char b[8];
    for (int i = 0; i < 8; i++)
        b[i] = (char)getchar();
    return (int)strlen(b);
}
R(b126_getchar)
{
    char b[8];
    int n = 0, c;
    while (n < 8 && (c = getchar()) != '\n')
        b[n++] = (char)c;
    b[n] = 0;
    return b[0];
}
R(b126_getchar_eof)
{
    char b[8];
    int n = 0;
    for (;;) {
        int c = getchar();
        if (c == EOF)
            break;
        b[n++] = (char)c;
    }
    return n;
}
R(b126_print)
{
    char b[4];
    b[0] = b[1] = b[2] = b[3] = 'x';
    printLine(b);
    return 0;
}
R(b126_wprint)
{
    wchar_t b[2];
    b[0] = b[1] = L'x';
    printWLine(b);
    return 0;
}
R(b126_strcasecmp)
{
    char b[3] = {'a', 'b', 'c'};
    return strcasecmp(b, "abcd");
}
R(b126_sscanf)
{
    char b[3] = {'1', '2', '3'};
    int n = 0;
    sscanf(b, "%d", &n);
    return 0;
}
R(b126_atof)
{
    char b[3] = {'1', '2', '3'};
    return atof(b) > 1;
}
R(b126_strtol)
{
    char b[3] = {'1', '2', '3'};
    return (int)strtol(b, NULL, 10);
}
R(b126_strtol_end)
{
    char b[4] = "12";
    char *end;
    strtol(b, &end, 10);
    return end[2];
}
R(b126_strtol_hex)
{
    char b[3] = {'0', 'x', '1'};
    return (int)strtol(b, NULL, 16);
}
R(b126_newline)
{
    char b[8] = "";
    fgets(b, 8, stdin);
    b[strlen(b) - 1] = 0;
    return b[0];
}
