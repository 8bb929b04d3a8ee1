/* Weaknesses in the shapes that public sets of pairs have them in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <limits.h>
#include <wchar.h>
static void printLine(const char *line)
{
    if (line != NULL)
        printf("%s\n", line);
}
static void printIntLine(int n)
{
    printf("%d\n", n);
}
static void printHexCharLine(char c)
{
    printf("%02x\n", c);
}
static const int STATIC_CONST_TRUE = 1, STATIC_CONST_FALSE = 0, STATIC_CONST_FIVE = 5;
static int staticTrue = 1, staticFalse = 0, staticFive = 5;
int globalTrue = 1, globalFive = 5;
static int staticReturnsTrue(void)
{
    return 1;
}
static int globalReturnsTrueOrFalse(void)
{
    return rand() % 2;
}
#include "unsafe.h"

static char *hb(void)
{
    char s[] = "helperBad string";
    return s;
}
static char *hg(void)
{
    static char s[] = "helperGood string";
    return s;
}
typedef struct {
    int a;
    int b;
    long c;
} two;
typedef struct _cv {
    char charFirst[16];
    void *voidSecond;
    void *voidThird;
} charVoid;
#define SRC_STR "0123456789abcdef0123456789abcde"
typedef union {
    char *first;
    char *second;
} un;
static void sink(char *arr[])
{
    char *d = arr[2];
    char src[11] = "AAAAAAAAAA";
    memcpy(d, src, 11);
    printLine(d);
}
static void swap(int *a, int i, int j)
{
    int t = a[i];
    a[i] = a[j];
    a[j] = t;
}

R(weakness_121_loop)
{
    int *data;
    int b50[50], b100[100];
    data = b50;
    {
        int source[100] = {0};
        size_t i;
        for (i = 0; i < 100; i++)
            data[i] = source[i];
        printIntLine(data[0]);
    }
}

R(weakness_121_cpy)
{
    char *data;
    char bad[10];
    data = bad;
    data[0] = 0;
    {
        char source[10 + 1] = "AAAAAAAAAA";
        strcpy(data, source);
        printLine(data);
    }
}

R(weakness_121_ncat)
{
    char dest[50] = "";
    char data[100];
    memset(data, 'A', 99);
    data[99] = 0;
    strncat(dest, data, strlen(data));
    dest[49] = 0;
    printLine(data);
}

R(weakness_121_memmove)
{
    char dest[50] = "";
    char data[100];
    memset(data, 'A', 99);
    data[99] = 0;
    memmove(dest, data, strlen(data) * sizeof(char));
    dest[49] = 0;
    printLine(data);
}

R(weakness_121_fgets)
{
    int data = -1;
    char in[14] = "";
    if (fgets(in, 14, stdin) != NULL)
        data = atoi(in);
    else
        printLine("no");
    {
        int i;
        int buffer[10] = {0};
        if (data >= 0) {
            buffer[data] = 1;
            for (i = 0; i < 10; i++)
                printIntLine(buffer[i]);
        } else
            printLine("neg");
    }
}

R(weakness_121_rand)
{
    int data = -1;
    data = rand();
    {
        int i;
        int buffer[10] = {0};
        if (data >= 0) {
            buffer[data] = 1;
            for (i = 0; i < 10; i++)
                printIntLine(buffer[i]);
        }
    }
}

R(weakness_124)
{
    char *data;
    char b[100];
    memset(b, 'A', 99);
    b[99] = 0;
    data = b - 8;
    {
        char s[100];
        memset(s, 'C', 99);
        s[99] = 0;
        strcpy(data, s);
        printLine(data);
    }
}

R(weakness_126)
{
    char data[100];
    char src[50];
    memset(src, 'A', 49);
    src[49] = 0;
    {
        size_t i, n;
        char dest[100];
        memset(dest, 'C', 99);
        dest[99] = 0;
        n = strlen(dest);
        for (i = 0; i < n; i++)
            dest[i] = src[i];
        dest[99] = 0;
        printLine(dest);
    }
}

R(weakness_127)
{
    char b[100];
    memset(b, 'A', 99);
    b[99] = 0;
    char *data = b - 8;
    {
        size_t i;
        char dest[100];
        memset(dest, 'C', 99);
        dest[99] = 0;
        for (i = 0; i < 99; i++)
            dest[i] = data[i];
        dest[99] = 0;
        printLine(dest);
    }
}

R(weakness_369)
{
    int data = -1;
    data = rand() % 3;
    printIntLine(100 / data);
}

R(weakness_369f)
{
    float data = 0.0F;
    data = 0.0F;
    {
        int r = (int)(100.0 / data);
        printIntLine(r);
    }
}

R(weakness_457)
{
    int data;
    if (staticFive != 5)
        data = 5;
    printIntLine(data);
}

R(weakness_457arr)
{
    int *data;
    int b[10];
    data = b;
    for (int i = 0; i < 5; i++)
        data[i] = i;
    for (int i = 0; i < 10; i++)
        printIntLine(data[i]);
}

R(weakness_476)
{
    int *data;
    int t = 5;
    data = NULL;
    if (STATIC_CONST_FIVE != 5)
        data = &t;
    printIntLine(*data);
}

R(weakness_562)
{
    printLine(hb());
}

R(weakness_588)
{
    int data = 100;
    two *p = (two *)&data;
    printIntLine(p->b);
}

R(weakness_665)
{
    char data[100];
    strncat(data, "AAAA", 100 - strlen(data) - 1);
    printLine(data);
}

R(weakness_835)
{
    int i = 0;
    do {
        printIntLine(i);
        i = (i + 1) % 256;
    } while (i >= 0);
}

R(weakness_835rand)
{
    while (rand() != 7) {
        printLine("x");
    }
}

R(weakness_190_len)
{
    char src[200];
    memset(src, 'a', 200);
    unsigned char n = rand();
    unsigned char m = n + 10;
    char dst[64];
    if (m < 64)
        memcpy(dst, src, n);
}

R(weakness_191)
{
    int b[10] = {0};
    unsigned data = 0;
    data--;
    if (rand())
        b[data % 16] = 1;
}

R(weakness_170)
{
    char data[150], dest[100];
    memset(data, 'A', 149);
    data[149] = 0;
    strncpy(dest, data, 99);
    printLine(dest);
}

R(weakness_193)
{
    char s[10];
    for (int i = 0; i <= 10; i++)
        s[i] = 'x';
    printHexCharLine(s[0]);
}

R(weakness_131_struct)
{
    charVoid s;
    s.voidSecond = (void *)SRC_STR;
    printLine((char *)s.voidSecond);
    memcpy(s.charFirst, SRC_STR, sizeof(s));
    s.charFirst[15] = 0;
    printLine(s.charFirst);
    printLine((char *)s.voidSecond);
}

R(cflow_a_case)
{
    char *data;
    char b[10];
    data = NULL;
    switch (6) {
    case 6:
        data = b;
        break;
    default:
        printLine("Benign");
        break;
    }
    {
        char src[11] = "AAAAAAAAAA";
        memcpy(data, src, 11);
        printLine(data);
    }
}

R(cflow_b_case)
{
    int h, j;
    int data = -1;
    for (h = 0; h < 1; h++)
        data = 10;
    while (1) {
        int buffer[10] = {0};
        if (data >= 0) {
            buffer[data] = 1;
        }
        break;
    }
}

R(cflow_c_case)
{
    int data = 0;
    if (globalReturnsTrueOrFalse())
        data = 20;
    else
        data = 5;
    int b[10] = {0};
    b[data] = 1;
    printIntLine(b[0]);
}

R(alloca_case)
{
    char *data = (char *)__builtin_alloca(50);
    memset(data, 'A', 50);
    data[49] = 0;
    char dest[100];
    for (int i = 0; i < 60; i++)
        dest[i] = data[i];
    printHexCharLine(dest[3]);
}

R(wchar_case)
{
    wchar_t dest[50] = L"";
    wchar_t data[100];
    wmemset(data, L'A', 99);
    data[99] = 0;
    wcscpy(dest, data);
}

R(dataptr_case)
{
    char b[10];
    char *data = b;
    char **p1 = &data;
    char **p2 = &data;
    {
        char *d = *p1;
        d = b;
        *p1 = d;
    }
    {
        char *d = *p2;
        char src[11] = "AAAAAAAAAA";
        strncpy(d, src, strlen(src) + 1);
    }
}

R(union_case)
{
    char b[10];
    un u;
    u.first = b;
    {
        char *d = u.second;
        char src[11] = "AAAAAAAAAA";
        memcpy(d, src, 11);
    }
}

R(arrptr_case)
{
    char b[10];
    char *arr[5];
    arr[2] = b;
    sink(arr);
}

R(swap_case)
{
    int a[5] = {5, 3, 1, 2, 4};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++)
            if (a[j] > a[j + 1])
                swap(a, j, j + 1);
    printIntLine(a[0]);
}
