/* The same where a random number decides. */
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

static void weakness_121_rand(void)
{
    int data = -1;
    data = rand();
    {
        int i;
        int buffer[10] = {0};
        if (data >= 0 && data < 10) {
            buffer[data] = 1;
            for (i = 0; i < 10; i++)
                printIntLine(buffer[i]);
        }
    }
}

static void weakness_369(void)
{
    int data = -1;
    data = rand() % 3;
    if (data != 0)
        printIntLine(100 / data);
    else
        printLine("zero");
}

static void weakness_190_len(void)
{
    char src[200];
    memset(src, 'a', 200);
    unsigned char n = rand();
    char dst[64];
    if (n < 54) {
        unsigned char m = n + 10;
        memcpy(dst, src, m);
    }
}

static void weakness_191(void)
{
    int b[16] = {0};
    unsigned data = 0;
    data--;
    if (rand())
        b[data % 16] = 1;
}

static void cflow_c_case(void)
{
    int data = 0;
    if (globalReturnsTrueOrFalse())
        data = 2;
    else
        data = 5;
    int b[10] = {0};
    b[data] = 1;
    printIntLine(b[0]);
}

int main(void)
{
    weakness_121_rand();
    weakness_369();
    weakness_190_len();
    weakness_191();
    cflow_c_case();
    return 0;
}
