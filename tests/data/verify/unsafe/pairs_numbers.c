/* Pairs in the manner of public sets, the side that is not safe: numbers and ends. */
#include "../pairs.h"

static int cells[10];
/* arithmetic */
R(b369_fscanf)
{
    int d = 0;
    fscanf(stdin, "%d", &d);
    return 100 / d;
}
R(b369_minus)
{
    int d = 0;
    fscanf(stdin, "%d", &d);
    return d == 0 ? 0 : INT_MIN / d;
}
R(b369_float)
{
    float d = 0;
    char in[20] = "";
    if (fgets(in, 20, stdin) != NULL)
        d = (float)atof(in);
    return (int)(100.0 / d);
}
R(b681_double)
{
    double d = 0;
    scanf("%lf", &d);
    return (int)d;
}
R(b681_half)
{
    double d = 0;
    scanf("%lf", &d);
    return d < 1e9 ? (int)d : 0;
}
R(b681_nan)
{
    double d = 0;
    scanf("%lf", &d);
    if (d > 1e9 || d < -1e9)
        return 0;
    return (int)d;
}
R(b681_exp)
{
    float s = 0;
    for (int i = 0; i < 100; i++)
        s += expf((float)i);
    return (int)s;
}
R(b681_sin_index)
{
    int s = 0;
    for (int i = 0; i < 10; i++)
        s += cells[(int)(5 * sin(i)) + 4];
    return s;
}
R(b681_cos_index)
{
    return cells[(int)(11 * cos(1.0))];
}
R(b681_atan_index)
{
    return cells[(int)(4 * atan2(1.0, -1.0))];
}
R(b681_exp_index)
{
    return cells[(int)exp(2.4)];
}
R(b681_sin_nan)
{
    double d = 0;
    scanf("%lf", &d);
    return cells[(int)(sin(d) + 2)];
}
R(b681_square)
{
    float t = 0;
    scanf("%f", &t);
    return cells[(int)(t * t)];
}
R(b681_product)
{
    float a = -2.5f, b = 2.0f;
    if (rand() & 1)
        b = -2;
    return cells[(int)(a * b)];
}
R(b195_memcpy)
{
    short d = 0;
    fscanf(stdin, "%hd", &d);
    char s[100] = "", t[100] = "";
    if (d < 100)
        memcpy(t, s, d);
    return t[0];
}
R(b194_strncpy)
{
    short d = 0;
    fscanf(stdin, "%hd", &d);
    char s[100] = "", t[100] = "";
    if (d < 100)
        strncpy(t, s, (size_t)d);
    return t[0];
}
R(b190_alloc)
{
    int n = 0;
    scanf("%d", &n);
    static int pool[256];
    if (n > 0 && n * 4 <= 1024)
        for (int i = 0; i < n; i++)
            pool[i] = 0;
    return 0;
}
R(b_shift)
{
    int n = 0;
    scanf("%d", &n);
    return n <= 32 && n >= 0 ? 1 << n : 0;
}
/* pointers apart */
R(b469_strchr)
{
    char s[8] = "abc";
    char *p = strchr(s, '/');
    return s[p - s];
}
R(b469_other)
{
    char a[4] = "abc", b[4] = "xyz";
    return a[(size_t)(strchr(b, 'y') - a) & 7];
}
R(b469_past)
{
    char s[8] = "a/b";
    char *p = strchr(s, '/');
    return s[(p - s) + 7];
}
R(b468_scaled)
{
    int a[5] = {0};
    return *(int *)((char *)a + 5 * sizeof(int));
}
/* end */
R(b835_scanf)
{
    int n = 1, i = 0;
    scanf("%d", &n);
    while (i != 100)
        i += n;
    return i;
}
R(b835_getchar)
{
    while (getchar() != EOF)
        ;
    return 0;
}
R(b835_exp)
{
    double x = 1;
    int n = 0;
    while (x > 0) {
        x = exp(x);
        n++;
    }
    return n;
}
R(b606_short)
{
    int n = 0;
    scanf("%d", &n);
    for (short i = 0; i < n; i++)
        ;
    return 0;
}
R(b_fgets_bytes_differ)
{
    char b[4] = {0};
    fgets(b, 4, stdin);
    if (b[0] != b[1])
        cells[19] = 1;
    return cells[0];
}
R(b_fgets_word)
{
    union {
        char b[4];
        int w;
    } u = {{0}};
    fgets(u.b, 4, stdin);
    if ((u.w & 255) != ((u.w >> 8) & 255))
        cells[19] = 1;
    return cells[0];
}
