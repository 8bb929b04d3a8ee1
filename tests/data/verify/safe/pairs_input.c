/* Pairs in the manner of public sets, the safe side: what comes from input and libraries. */
#include "../pairs.h"

/* 190: fscanf, add, multiply, square, preinc; good: checked */
R(cwe190_int_fscanf_add)
{
    int data;
    data = 0;
    fscanf(stdin, "%d", &data);
    if (data < INT_MAX) {
        int result = data + 1;
        printIntLine(result);
    } else
        printLine("too large");
    return 0;
}
R(cwe190_int_rand_multiply)
{
    int data;
    data = 0;
    if (globalFive == 5)
        data = RAND32();
    if (globalFive == 5) {
        if (data > 0) {
            if (data < (INT_MAX / 2)) {
                int result = data * 2;
                printIntLine(result);
            }
        }
    }
    return 0;
}
R(cwe190_int_fgets_square)
{
    int data = 0;
    {
        char inputBuffer[CHAR_ARRAY_SIZE] = "";
        if (fgets(inputBuffer, CHAR_ARRAY_SIZE, stdin) != NULL)
            data = atoi(inputBuffer);
        else
            printLine("fgets() failed.");
    }
    if (data > INT_MIN && abs(data) < (long)sqrt((double)INT_MAX)) {
        int result = data * data;
        printIntLine(result);
    }
    return 0;
}
R(cwe190_int64_fscanf_preinc)
{
    int64_t data;
    data = 0LL;
    fscanf(stdin, "%" SCNd64, &data);
    if (data < LLONG_MAX) {
        ++data;
        int64_t result = data;
        printLongLongLine(result);
    }
    return 0;
}
R(cwe190_char_fscanf_add)
{
    char data;
    data = ' ';
    fscanf(stdin, "%c", &data);
    if (data < CHAR_MAX) {
        char result = data + 1;
        printHexCharLine(result);
    }
    return 0;
}
R(cwe191_uint_fscanf_sub)
{
    unsigned data = 0;
    fscanf(stdin, "%u", &data);
    if (data > 0) {
        unsigned result = data - 1;
        printUnsignedLine(result);
    }
    return 0;
}
R(cwe191_short_fscanf_mul)
{
    short data = 0;
    switch (6) {
    case 6:
        fscanf(stdin, "%hd", &data);
        break;
    default:
        printLine("no");
        break;
    }
    if (data < 0) {
        if (data > (SHRT_MIN / 2)) {
            short result = data * 2;
            printShortLine(result);
        }
    }
    return 0;
}
R(cwe191_i64_rand)
{
    int64_t data = (int64_t)RAND64();
    if (data > LLONG_MIN) {
        int64_t r = data - 1;
        printLongLongLine(r);
    }
    return 0;
}
/* 121, CWE129: index from outside */
R(cwe121_129_fscanf)
{
    int data;
    data = -1;
    fscanf(stdin, "%d", &data);
    {
        int i;
        int buffer[10] = {0};
        if (data >= 0 && data < (10)) {
            buffer[data] = 1;
            for (i = 0; i < 10; i++)
                printIntLine(buffer[i]);
        } else
            printLine("out of bounds");
    }
    return 0;
}
R(cwe126_129_fgets)
{
    int data = -1;
    {
        char in[CHAR_ARRAY_SIZE] = "";
        if (fgets(in, CHAR_ARRAY_SIZE, stdin) != NULL)
            data = atoi(in);
    }
    {
        int buffer[10] = {0};
        if (data >= 0 && data < (int)(sizeof(buffer) / sizeof(buffer[0])))
            printIntLine(buffer[data]);
    }
    return 0;
}
R(cwe127_129_rand)
{
    int data = -1;
    while (1) {
        data = RAND32();
        break;
    }
    {
        int buffer[10] = {0};
        while (1) {
            if (data >= 0 && data < 10)
                printIntLine(buffer[data]);
            else
                printLine("neg");
            break;
        }
    }
    return 0;
}
static int badStatic;
static void sink129(int data)
{
    int i;
    int buffer[10] = {0};
    if (data >= 0 && data < (10)) {
        buffer[data] = 1;
        for (i = 0; i < 10; i++)
            printIntLine(buffer[i]);
    }
}
R(cwe121_129_call)
{
    int data = -1;
    fscanf(stdin, "%d", &data);
    badStatic = 0;
    sink129(data);
    return 0;
}
/* 121: wide text, snprintf, ncpy */
R(cwe121_snprintf)
{
    char *data;
    char dataBuffer[100];
    data = dataBuffer;
    memset(data, 'A', 50 - 1);
    data[50 - 1] = '\0';
    {
        char dest[50] = "";
        snprintf(dest, strlen(data), "%s", data);
        printLine(data);
    }
    return 0;
}
R(cwe121_snprintf_ok)
{
    char dest[64];
    int n = snprintf(dest, sizeof dest, "%d:%s", 42, "abc");
    if (n > 0 && n < 64)
        printLine(dest);
    return n;
}
R(cwe121_sprintf)
{
    char buf[32];
    sprintf(buf, "%d", RAND32());
    printLine(buf);
    return 0;
}
R(cwe121_wcsncpy)
{
    wchar_t *data;
    wchar_t g[100];
    data = g;
    data[0] = L'\0';
    {
        wchar_t source[100];
        wmemset(source, L'C', 100 - 1);
        source[100 - 1] = L'\0';
        wcsncpy(data, source, 100 - 1);
        data[100 - 1] = L'\0';
        printWLine(data);
    }
    return 0;
}
R(cwe122_like_wmemcpy)
{
    wchar_t d[50];
    wchar_t s[50];
    wmemset(s, L'A', 49);
    s[49] = 0;
    wmemcpy(d, s, 50);
    printWLine(d);
    return (int)wcslen(d);
}
R(cwe124_loop)
{
    char *data;
    char b[100];
    memset(b, 'A', 99);
    b[99] = 0;
    if (GLOBAL_CONST_FIVE == 5)
        data = b;
    {
        size_t i;
        char source[100];
        memset(source, 'C', 99);
        source[99] = '\0';
        for (i = 0; i < 100; i++)
            data[i] = source[i];
        data[99] = '\0';
        printLine(data);
    }
    return 0;
}
static char *goodSourceChar(char *data)
{
    data[0] = 'x';
    return data;
}
R(cwe121_return)
{
    char *data;
    char b[100];
    memset(b, 0, 100);
    data = goodSourceChar(b);
    printLine(data);
    return 0;
}
typedef struct _c44 {
    char *structFirst;
} c44;
static void structSink(c44 s)
{
    char *data = s.structFirst;
    char src[11] = "AAAAAAAAAA";
    for (size_t i = 0; i < strlen(src) + 1; i++)
        data[i] = src[i];
    printLine(data);
}
R(cwe121_struct)
{
    c44 s;
    char good[11];
    s.structFirst = good;
    s.structFirst[0] = 0;
    structSink(s);
    return 0;
}
static void pp_sink(char **p)
{
    char *data = *p;
    memset(data, 'B', 49);
    data[49] = 0;
    printLine(data);
}
R(cwe121_ptrptr)
{
    char b[50];
    char *data = b;
    pp_sink(&data);
    return 0;
}
static void (*volatile_free_fp)(char *) = NULL;
static void fp_sink(char *data)
{
    data[9] = 0;
    printLine(data + 9);
}
R(cwe121_fptr)
{
    void (*funcPtr)(char *) = fp_sink;
    char b[10] = {0};
    funcPtr(b);
    return 0;
}
static char *g_data;
static void global_sink(void)
{
    char *data = g_data;
    data[0] = 'a';
    data[1] = 0;
    printLine(data);
}
R(cwe121_global)
{
    char b[8];
    b[0] = 0;
    g_data = b;
    global_sink();
    return 0;
}
R(cwe121_memcpy_struct)
{
    struct {
        char charFirst[16];
        void *second;
    } cv;
    cv.second = (void *)"x";
    memcpy(cv.charFirst, "0123456789abcdef0123456789abcde", sizeof(cv.charFirst));
    cv.charFirst[(sizeof(cv.charFirst) / sizeof(char)) - 1] = '\0';
    printLine((char *)cv.charFirst);
    printLine((char *)cv.second);
    return 0;
}
R(cwe121_2d)
{
    int m[4][5];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 5; j++)
            m[i][j] = i * j;
    int s = 0;
    for (int *p = &m[0][0]; p < &m[0][0] + 20; p++)
        s += *p;
    return s;
}
