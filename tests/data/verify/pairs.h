/* What pairs in the manner of public sets share: what prints, and who is true. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <inttypes.h>
#include <limits.h>
#include <wchar.h>
#include <wctype.h>
#include <math.h>
#include <float.h>
#include <time.h>
#include <stdbool.h>
#define R(name) int name(void)
#define CHAR_ARRAY_SIZE (3 * sizeof(data) + 2)
#define URAND31() (((unsigned)rand() << 30) ^ ((unsigned)rand() << 15) ^ rand())
#define RAND32() ((int)(rand() & 1 ? URAND31() : -URAND31() - 1))
#define URAND63()                                                                     \
    (((uint64_t)rand() << 60) ^ ((uint64_t)rand() << 45) ^ ((uint64_t)rand() << 30) ^ \
     ((uint64_t)rand() << 15) ^ rand())
#define RAND64() ((int64_t)(rand() & 1 ? URAND63() : -URAND63() - 1))
typedef struct {
    int intOne;
    int intTwo;
} twoIntsStruct;
static void printLine(const char *line)
{
    if (line != NULL)
        printf("%s\n", line);
}
static void printWLine(const wchar_t *line)
{
    if (line != NULL)
        wprintf(L"%ls\n", line);
}
static void printIntLine(int n)
{
    printf("%d\n", n);
}
static void printShortLine(short n)
{
    printf("%hd\n", n);
}
static void printFloatLine(float n)
{
    printf("%f\n", n);
}
static void printLongLine(long n)
{
    printf("%ld\n", n);
}
static void printLongLongLine(int64_t n)
{
    printf("%" PRId64 "\n", n);
}
static void printSizeTLine(size_t n)
{
    printf("%zu\n", n);
}
static void printHexCharLine(char c)
{
    printf("%02x\n", c);
}
static void printWcharLine(wchar_t c)
{
    wchar_t s[2];
    s[0] = c;
    s[1] = L'\0';
    printf("%ls\n", s);
}
static void printUnsignedLine(unsigned n)
{
    printf("%u\n", n);
}
static void printHexUnsignedCharLine(unsigned char c)
{
    printf("%02x\n", c);
}
static void printDoubleLine(double n)
{
    printf("%g\n", n);
}
static void printStructLine(const twoIntsStruct *s)
{
    printf("%d -- %d\n", s->intOne, s->intTwo);
}
static void printBytesLine(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        printf("%02x", bytes[i]);
    puts("");
}
static const int GLOBAL_CONST_TRUE = 1, GLOBAL_CONST_FIVE = 5;
static int globalTrue = 1, globalFalse = 0, globalFive = 5;
static int globalReturnsTrue(void)
{
    return 1;
}
static int globalReturnsFalse(void)
{
    return 0;
}
static int globalReturnsTrueOrFalse(void)
{
    return rand() % 2;
}
