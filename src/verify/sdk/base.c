/*
 * The C library's functions that verified code may call, as C: they are copied into their callers
 * and verified with them, so that nothing about them is assumed.
 */
#include <stddef.h>

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    const unsigned char *x = s;
    for (size_t i = 0; i < n; i++)
        if (x[i] == (unsigned char)c)
            return (void *)(x + i);
    return NULL;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n] != 0)
        n++;
    return n;
}

size_t strnlen(const char *s, size_t most)
{
    size_t n = 0;
    while (n < most && s[n] != 0)
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] != 0 && a[i] == b[i])
        i++;
    return (int)(unsigned char)a[i] - (int)(unsigned char)b[i];
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i])
            return (int)(unsigned char)a[i] - (int)(unsigned char)b[i];
        if (a[i] == 0)
            return 0;
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    size_t i = 0;
    while (s[i] != (char)c) {
        if (s[i] == 0)
            return NULL;
        i++;
    }
    return (char *)s + i;
}

int isdigit(int c)
{
    return c >= '0' && c <= '9';
}
int islower(int c)
{
    return c >= 'a' && c <= 'z';
}
int isupper(int c)
{
    return c >= 'A' && c <= 'Z';
}
int isalpha(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
int isalnum(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
int isspace(int c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}
int isblank(int c)
{
    return c == ' ' || c == 9;
}
int isxdigit(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
int isprint(int c)
{
    return c >= 32 && c < 127;
}
int isgraph(int c)
{
    return c > 32 && c < 127;
}
int iscntrl(int c)
{
    return (c >= 0 && c < 32) || c == 127;
}
int ispunct(int c)
{
    return c > 32 && c < 127 &&
           !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}
int tolower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}
int toupper(int c)
{
    return c >= 'a' && c <= 'z' ? c - 32 : c;
}
