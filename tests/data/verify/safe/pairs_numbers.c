/* Pairs in the manner of public sets, the safe side: numbers, addresses and ends. */
#include "../pairs.h"

/* 369 */
R(cwe369_fscanf)
{
    int data = -1;
    fscanf(stdin, "%d", &data);
    if (data != 0)
        printIntLine(100 / data);
    return 0;
}
R(cwe369_float)
{
    float data = 0.0F;
    {
        char in[20] = "";
        if (fgets(in, 20, stdin) != NULL)
            data = (float)atof(in);
    }
    if (fabs(data) > 0.000001) {
        double q = 100.0 / data;
        if (q > -1e9 && q < 1e9) {
            int result = (int)q;
            printIntLine(result);
        }
    }
    return 0;
}
R(cwe369_mod)
{
    int data = RAND32();
    if (data != 0)
        printIntLine(data == -1 ? 0 : 100 % data);
    return 0;
}
/* 457, 665 */
R(cwe457_struct)
{
    twoIntsStruct data;
    data.intOne = 1;
    data.intTwo = 2;
    printStructLine(&data);
    return 0;
}
R(cwe457_array_loop)
{
    double data[10];
    for (int i = 0; i < 10; i++)
        data[i] = (double)i;
    for (int i = 0; i < 10; i++)
        printDoubleLine(data[i]);
    return 0;
}
R(cwe457_struct_array)
{
    twoIntsStruct data[10];
    for (int i = 0; i < 10; i++) {
        data[i].intOne = i;
        data[i].intTwo = i;
    }
    for (int i = 0; i < 10; i++) {
        printIntLine(data[i].intOne);
        printStructLine(&data[i]);
    }
    return 0;
}
R(cwe457_branches)
{
    int data;
    if (globalReturnsTrueOrFalse())
        data = 5;
    else
        data = 6;
    printIntLine(data);
    return 0;
}
R(cwe665_cat)
{
    char data[100];
    data[0] = '\0';
    char source[100];
    memset(source, 'C', 99);
    source[99] = 0;
    strncat(data, source, 99 - strlen(data));
    printLine(data);
    return 0;
}
/* 476 */
R(cwe476)
{
    long *data;
    long tmp = 5L;
    data = &tmp;
    if (globalReturnsTrue()) {
        if (data != NULL)
            printLongLine(*data);
    }
    return 0;
}
R(cwe476_struct)
{
    twoIntsStruct *t = NULL;
    if ((t != NULL) && (t->intOne == 5))
        printLine("5");
    return 0;
}
/* 680, 195, 196, 197, 194, 681 */
R(cwe195_strncpy)
{
    int data = -1;
    data = 100 - 1;
    {
        char source[100], dest[100] = "";
        memset(source, 'A', 99);
        source[99] = 0;
        if (data < 100 && data >= 0) {
            strncpy(dest, source, (size_t)data);
            dest[data] = 0;
        }
        printLine(dest);
    }
    return 0;
}
R(cwe197_int_to_char)
{
    int data = CHAR_MAX - 5;
    {
        char charData = (char)data;
        printHexCharLine(charData);
    }
    return 0;
}
R(cwe681_double_to_int)
{
    double d = 0;
    fscanf(stdin, "%lf", &d);
    if (d > (double)INT_MIN && d < (double)INT_MAX)
        printIntLine((int)d);
    return 0;
}
R(cwe680_len)
{
    int data = 0;
    fscanf(stdin, "%d", &data);
    static int pool[256];
    if (data > 0 && data <= 256) {
        for (int i = 0; i < data; i++)
            pool[i] = 0;
        printIntLine(pool[0]);
    }
    return 0;
}
/* 835, 674, 606 */
R(cwe835_do)
{
    int i = 0;
    do {
        printIntLine(i);
        i++;
    } while (i < 256);
    return 0;
}
R(cwe835_while_true)
{
    int i = 0;
    while (1) {
        if (i == 10)
            break;
        printIntLine(i);
        i = (i + 1) % 256;
    }
    return 0;
}
R(cwe_goto)
{
    int data = 0;
    goto source;
source:
    data = 7;
    goto sink;
sink : {
    int b[8] = {0};
    printIntLine(b[data]);
}
    return 0;
}
R(cwe_main)
{
    srand((unsigned)time(NULL));
    printLine("Calling good()...");
    int b[10] = {0};
    int k = rand() % 10;
    printIntLine(b[k]);
    return 0;
}
R(cwe588)
{
    twoIntsStruct data;
    data.intOne = 7;
    data.intTwo = 8;
    twoIntsStruct *p = &data;
    printIntLine(((twoIntsStruct *)p)->intTwo);
    return 0;
}
R(cwe843)
{
    short s = 8;
    void *data = &s;
    printShortLine(*((short *)data));
    return 0;
}
R(cwe468)
{
    int a[] = {1, 2, 3, 4, 5};
    int *p = a;
    char *c = (char *)(p + 2);
    printIntLine(*(int *)c);
    return 0;
}
R(cwe469)
{
    char s[100] = "a/b";
    char *sl = strchr(s, '/');
    if (sl == NULL)
        return 0;
    size_t at = (size_t)(sl - s);
    printSizeTLine(at);
    return s[at];
}
R(cwe467)
{
    double d[3] = {0};
    double *p = d;
    memset(p, 0, 3 * sizeof(*p));
    printDoubleLine(p[2]);
    return 0;
}
R(cwe415_pool)
{
    static twoIntsStruct pool[4];
    static bool used[4];
    int i;
    for (i = 0; i < 4; i++)
        if (!used[i]) {
            used[i] = true;
            break;
        }
    if (i == 4)
        return 0;
    pool[i].intOne = 1;
    printStructLine(&pool[i]);
    used[i] = false;
    return 0;
}
R(cwe562_static)
{
    static int v[3] = {1, 2, 3};
    int *p = v;
    return p[2];
}
R(cwe_strtol)
{
    char in[16] = "123";
    char *end;
    long v = strtol(in, &end, 10);
    static int t[200];
    if (v >= 0 && v < 200)
        printIntLine(t[v]);
    return *end;
}
R(cwe_bytes)
{
    unsigned char b[16];
    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (unsigned char)rand();
    printBytesLine(b, sizeof b);
    return 0;
}
R(cwe_getchar)
{
    int c, n = 0;
    static char line[80];
    while (n < 79 && (c = getchar()) != EOF && c != '\n')
        line[n++] = (char)c;
    line[n] = 0;
    printLine(line);
    return n;
}
R(cwe_scanf)
{
    int a = 0, b = 0;
    if (scanf("%d %d", &a, &b) != 2)
        return 1;
    if (b == 0 || (a == INT_MIN && b == -1))
        return 2;
    printIntLine(a / b);
    return 0;
}
R(cwe_scanf_text)
{
    char w[16] = "";
    if (scanf("%15s", w) == 1)
        printLine(w);
    return 0;
}
R(cwe_fgetws)
{
    wchar_t w[20] = L"";
    if (fgetws(w, 20, stdin) != NULL)
        printWcharLine(w[0]);
    return 0;
}
