/*
 * Debian's static libraries were compiled with glibc's headers and _FORTIFY_SOURCE. Of the checked
 * functions that they call these are all; the linker says it if there is one more. What glibc's do
 * with `flag` (%n only in read-only memory) is musl's own business.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __vfprintf_chk(FILE *file, int flag, const char *format, va_list list);
int __vasprintf_chk(char **ret_text, int flag, const char *format, va_list list);
int __vsnprintf_chk(char *text, size_t size, int flag, size_t room, const char *format,
                    va_list list);
int __snprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, ...);
char *__strcat_chk(char *to, const char *from, size_t room);
void __vsyslog_chk(int priority, int flag, const char *format, va_list list);

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
    va_list list;

    (void)flag;
    va_start(list, format);
    int n = vfprintf(file, format, list);
    va_end(list);
    return n;
}

int __vfprintf_chk(FILE *file, int flag, const char *format, va_list list)
{
    (void)flag;
    return vfprintf(file, format, list);
}

int __vasprintf_chk(char **ret_text, int flag, const char *format, va_list list)
{
    (void)flag;
    return vasprintf(ret_text, format, list);
}

int __vsnprintf_chk(char *text, size_t size, int flag, size_t room, const char *format,
                    va_list list)
{
    (void)flag;
    if (size > room)
        abort();
    return vsnprintf(text, size, format, list);
}

int __snprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    int n = __vsnprintf_chk(text, size, flag, room, format, list);
    va_end(list);
    return n;
}

char *__strcat_chk(char *to, const char *from, size_t room)
{
    if (strlen(to) + strlen(from) >= room)
        abort();
    return strcat(to, from);
}

void __vsyslog_chk(int priority, int flag, const char *format, va_list list)
{
    (void)flag;
    vsyslog(priority, format, list);
}
