/* <err.h>, which wasi-libc declares and does not have: messages on the standard error. */
#ifndef VIREO_POSIX_ERR_H
#define VIREO_POSIX_ERR_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void vireo_warn(const char *cause, const char *format, va_list arguments)
{
    if (format)
        vfprintf(stderr, format, arguments);
    fprintf(stderr, "%s%s\n", format && cause ? ": " : "", cause ? cause : "");
}

#define VIREO_WARN(cause)                     \
    do {                                      \
        va_list arguments;                    \
        va_start(arguments, format);          \
        vireo_warn(cause, format, arguments); \
        va_end(arguments);                    \
    } while (0)

__attribute__((format(printf, 1, 2))) static inline void warn(const char *format, ...)
{
    VIREO_WARN(strerror(errno));
}

__attribute__((format(printf, 1, 2))) static inline void warnx(const char *format, ...)
{
    VIREO_WARN(NULL);
}

__attribute__((noreturn, format(printf, 2, 3))) static inline void err(int status,
                                                                       const char *format, ...)
{
    VIREO_WARN(strerror(errno));
    exit(status);
}

__attribute__((noreturn, format(printf, 2, 3))) static inline void errx(int status,
                                                                        const char *format, ...)
{
    VIREO_WARN(NULL);
    exit(status);
}

#endif
