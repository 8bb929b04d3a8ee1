/* What the weaknesses of public sets look like when they are mended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <limits.h>
#include <wchar.h>
#include <stdbool.h>
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

static void weakness_121_loop(void)
{
    int *data;
    int b50[50], b100[100];
    data = b100;
    {
        int source[100] = {0};
        size_t i;
        for (i = 0; i < 100; i++)
            data[i] = source[i];
        printIntLine(data[0]);
    }
}

static void weakness_121_cpy(void)
{
    char *data;
    char good[11];
    data = good;
    data[0] = 0;
    {
        char source[10 + 1] = "AAAAAAAAAA";
        strcpy(data, source);
        printLine(data);
    }
}

static void weakness_121_ncat(void)
{
    char dest[50] = "";
    char data[100];
    memset(data, 'A', 49);
    data[49] = 0;
    strncat(dest, data, strlen(data));
    dest[49] = 0;
    printLine(data);
}

static void weakness_121_memmove(void)
{
    char dest[50] = "";
    char data[100];
    memset(data, 'A', 49);
    data[49] = 0;
    memmove(dest, data, strlen(data) * sizeof(char));
    dest[49] = 0;
    printLine(data);
}

static void weakness_124(void)
{
    char *data;
    char b[100];
    memset(b, 'A', 99);
    b[99] = 0;
    data = b;
    {
        char s[100];
        memset(s, 'C', 99);
        s[99] = 0;
        strcpy(data, s);
        printLine(data);
    }
}

static void weakness_126(void)
{
    char src[100];
    memset(src, 'A', 99);
    src[99] = 0;
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

static void weakness_127(void)
{
    char b[100];
    memset(b, 'A', 99);
    b[99] = 0;
    char *data = b;
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

static void weakness_457(void)
{
    int data;
    if (staticFive == 5)
        data = 5;
    else
        data = 6;
    printIntLine(data);
}

static void weakness_457arr(void)
{
    int *data;
    int b[10];
    data = b;
    for (int i = 0; i < 10; i++)
        data[i] = i;
    for (int i = 0; i < 10; i++)
        printIntLine(data[i]);
}

static void weakness_476(void)
{
    int *data;
    int t = 5;
    data = NULL;
    if (STATIC_CONST_FIVE == 5)
        data = &t;
    if (data != NULL)
        printIntLine(*data);
}

static void weakness_562(void)
{
    printLine(hg());
}

static void weakness_588(void)
{
    two s;
    s.a = 1;
    s.b = 2;
    void *data = &s;
    printIntLine(((two *)data)->b);
}

static void weakness_665(void)
{
    char data[100];
    data[0] = 0;
    strncat(data, "AAAA", 100 - strlen(data) - 1);
    printLine(data);
}

static void weakness_681(void)
{
    double d = 3.7;
    int i = (int)d;
    printIntLine(i);
}

static void weakness_835(void)
{
    int i = 0;
    do {
        printIntLine(i);
        i = (i + 1) % 256;
        if (i == 10)
            break;
    } while (i >= 0);
}

static void weakness_170(void)
{
    char data[150], dest[100];
    memset(data, 'A', 149);
    data[149] = 0;
    strncpy(dest, data, 99);
    dest[99] = 0;
    printLine(dest);
}

static void weakness_193(void)
{
    char s[10];
    for (int i = 0; i < 10; i++)
        s[i] = 'x';
    printHexCharLine(s[0]);
}

static void weakness_131_struct(void)
{
    charVoid s;
    s.voidSecond = (void *)SRC_STR;
    printLine((char *)s.voidSecond);
    memcpy(s.charFirst, SRC_STR, sizeof(s.charFirst));
    s.charFirst[15] = 0;
    printLine(s.charFirst);
    printLine((char *)s.voidSecond);
}

static void cflow_a_case(void)
{
    char *data;
    char b[11];
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

static void cflow_b_case(void)
{
    int h, j;
    int data = -1;
    for (h = 0; h < 1; h++)
        data = 7;
    while (1) {
        int buffer[10] = {0};
        if (data >= 0) {
            buffer[data] = 1;
        }
        break;
    }
    goto sink;
sink:
    printLine("done");
}

static void alloca_case(void)
{
    char *data = (char *)__builtin_alloca(100 * sizeof(char));
    memset(data, 'A', 99);
    data[99] = 0;
    char dest[100];
    for (int i = 0; i < 60; i++)
        dest[i] = data[i];
    printHexCharLine(dest[3]);
}

static void wchar_case(void)
{
    wchar_t dest[50] = L"";
    wchar_t data[100];
    wmemset(data, L'A', 49);
    data[49] = 0;
    wcscpy(dest, data);
}

static void dataptr_case(void)
{
    char b[11];
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
        printLine(d);
    }
}

static void union_case(void)
{
    char b[11];
    un u;
    u.first = b;
    {
        char *d = u.second;
        char src[11] = "AAAAAAAAAA";
        memcpy(d, src, 11);
    }
}

static void arrptr_case(void)
{
    char b[11];
    char *arr[5];
    arr[2] = b;
    sink(arr);
}

static void swap_case(void)
{
    int a[5] = {5, 3, 1, 2, 4};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 4; j++)
            if (a[j] > a[j + 1])
                swap(a, j, j + 1);
    printIntLine(a[0]);
}

int main(void)
{
    weakness_121_loop();
    weakness_121_cpy();
    weakness_121_ncat();
    weakness_121_memmove();
    weakness_124();
    weakness_126();
    weakness_127();
    weakness_457();
    weakness_457arr();
    weakness_476();
    weakness_562();
    weakness_588();
    weakness_665();
    weakness_681();
    weakness_835();
    weakness_170();
    weakness_193();
    weakness_131_struct();
    cflow_a_case();
    cflow_b_case();
    alloca_case();
    wchar_case();
    dataptr_case();
    union_case();
    arrptr_case();
    swap_case();
    return 0;
}
