/*
 * Standard I/O for native code. Streams are the C library's (fopencookie(3)), and so is all that
 * formats, buffers and scans; below them are the descriptors of WASI's table, never the kernel's:
 * what a program prints is its call's answer or its log, what it opens lies in a granted folder. So
 * those functions that would open, read or write something of the process itself are here.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "guest/native_heap.h"
#include "guest/native_posix.h"
#include "guest/native_stdio.h"

FILE *native_stdin, *native_stdout, *native_stderr;

/* What a stream is over; its cookie. */
struct stream {
    struct stream *next;
    FILE *file;
    int fd;
};
static struct stream *streams;

/* ---- below a stream ---- */

static ssize_t stream_read(void *cookie, char *to, size_t room)
{
    const struct stream *stream = cookie;

    return native_read(stream->fd, to, room);
}

/* All of it: the C library takes a short write for a failed one, and forgets the rest. */
static ssize_t stream_write(void *cookie, const char *from, size_t bytes)
{
    const struct stream *stream = cookie;
    size_t at = 0;

    while (at < bytes) {
        ssize_t n = native_write(stream->fd, from + at, bytes - at);
        if (n < 0)
            return -1;
        at += (size_t)n;
    }
    return (ssize_t)bytes;
}

static int stream_seek(void *cookie, off_t *at, int whence)
{
    const struct stream *stream = cookie;
    off_t now = native_lseek(stream->fd, *at, whence);

    if (now < 0)
        return -1;
    *at = now;
    return 0;
}

static void forget_standard(const FILE *file)
{
    FILE **const standard[] = {&native_stdin, &native_stdout, &native_stderr};

    for (int i = 0; i < 3; i++)
        if (*standard[i] == file)
            *standard[i] = NULL;
}

static int stream_close(void *cookie)
{
    struct stream *stream = cookie, **at = &streams;
    int fd = stream->fd;

    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    forget_standard(stream->file);
    free(stream);
    return native_close(fd);
}

static FILE *stream_open(int fd, const char *mode)
{
    struct stream *stream = malloc(sizeof *stream);

    if (!stream)
        return NULL;
    *stream = (struct stream){.next = streams, .fd = fd};
    stream->file = fopencookie(stream, mode,
                               (cookie_io_functions_t){.read = stream_read,
                                                       .write = stream_write,
                                                       .seek = stream_seek,
                                                       .close = stream_close});
    if (!stream->file) {
        free(stream);
        return NULL;
    }
    streams = stream;
    return stream->file;
}

int native_stdio_open(struct err *err)
{
    native_stdin = stream_open(0, "r");
    native_stdout = stream_open(1, "w");
    native_stderr = stream_open(2, "w");
    if (!native_stdin || !native_stdout || !native_stderr)
        return err_set(err, -ENOMEM, "cannot open the standard streams");
    setvbuf(native_stderr, NULL, _IONBF, 0);
    return 0;
}

void native_stdio_flush(void)
{
    if (native_stdout && __fpending(native_stdout) > 0)
        fflush(native_stdout);
}

void native_stdio_end(void)
{
    fflush(NULL);
}

int native_setvbuf(FILE *file, char *buffer, int mode, size_t bytes)
{
    (void)buffer;
    (void)bytes;
    return setvbuf(file, NULL, mode, 0);
}

void native_setbuf(FILE *file, char *buffer)
{
    setvbuf(file, NULL, buffer ? _IOFBF : _IONBF, 0);
}

/* ---- opening ---- */

/* fopen(3)'s letters; -1: none. */
static int flags_of(const char *mode)
{
    const bool both = strchr(mode, '+') != NULL;
    int flags = both ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;

    if (*mode != 'r' && *mode != 'w' && *mode != 'a')
        return -1;
    if (*mode != 'r')
        flags |= O_CREAT | (*mode == 'w' ? O_TRUNC : O_APPEND);
    return strchr(mode, 'x') ? flags | O_EXCL : flags;
}

FILE *native_fdopen(int fd, const char *mode)
{
    if (flags_of(mode) < 0) {
        errno = EINVAL;
        return NULL;
    }
    if (native_fcntl(fd, F_GETFD) < 0)
        return NULL;
    return stream_open(fd, mode);
}

FILE *native_fopen(const char *path, const char *mode)
{
    int flags = flags_of(mode);

    if (flags < 0) {
        errno = EINVAL;
        return NULL;
    }
    int fd = native_open(path, flags);
    FILE *file = fd < 0 ? NULL : stream_open(fd, mode);
    if (fd >= 0 && !file)
        native_close(fd);
    return file;
}

int native_fileno(FILE *file)
{
    for (const struct stream *stream = streams; stream; stream = stream->next)
        if (stream->file == file)
            return stream->fd;
    errno = EBADF;
    return -1;
}

/* ---- the standard ones, by default ---- */

int native_vprintf(const char *format, va_list list)
{
    return vfprintf(native_stdout, format, list);
}

int native_printf(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    int n = vfprintf(native_stdout, format, list);
    va_end(list);
    return n;
}

int native_putchar(int byte)
{
    return fputc(byte, native_stdout);
}

int native_puts(const char *text)
{
    return fputs(text, native_stdout) < 0 || fputc('\n', native_stdout) < 0 ? EOF : 0;
}

int native_getchar(void)
{
    return fgetc(native_stdin);
}

int native_vscanf(const char *format, va_list list)
{
    return vfscanf(native_stdin, format, list);
}

int native_scanf(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    int n = vfscanf(native_stdin, format, list);
    va_end(list);
    return n;
}

void native_perror(const char *what)
{
    int error = errno;

    if (what && *what)
        fprintf(native_stderr, "%s: ", what);
    fprintf(native_stderr, "%s\n", strerror(error));
}

void native_assert_fail(const char *what, const char *file, unsigned line, const char *function)
{
    fprintf(native_stderr, "%s:%u: %s: Assertion `%s' failed.\n", file, line, function, what);
    native_abort();
}

/* ---- options ---- */

/* What getopt() would say to the process's own standard error. */
static void complain(char *const *args, const char *letters)
{
    const char *known = optopt > 0 ? strchr(letters, optopt) : NULL;
    const char *why =
        known && known[1] == ':' ? "option requires an argument" : "unrecognized option";

    if (optopt > 0 && optopt < 128)
        fprintf(native_stderr, "%s: %s: %c\n", args[0], why, optopt);
    else
        fprintf(native_stderr, "%s: %s: %s\n", args[0], why, args[optind - 1]);
}

int native_getopt_long(int count, char *const *args, const char *letters,
                       const struct option *names, int *ret_index)
{
    const int loud = opterr;

    opterr = 0;
    int r =
        names ? getopt_long(count, args, letters, names, ret_index) : getopt(count, args, letters);
    opterr = loud;
    if (r == '?' && loud && *letters != ':')
        complain(args, letters);
    return r;
}

int native_getopt(int count, char *const *args, const char *letters)
{
    return native_getopt_long(count, args, letters, NULL, NULL);
}

/* ---- what is given to the code to free ---- */

int native_vasprintf(char **ret_text, const char *format, va_list list)
{
    va_list again;

    va_copy(again, list);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    *ret_text = n < 0 ? NULL : native_malloc((size_t)n + 1);
    return *ret_text ? vsnprintf(*ret_text, (size_t)n + 1, format, list) : -1;
}

int native_asprintf(char **ret_text, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    int n = native_vasprintf(ret_text, format, list);
    va_end(list);
    return n;
}

ssize_t native_getdelim(char **line, size_t *room, int end, FILE *file)
{
    static char *read; /* of the C library's heap */
    static size_t read_room;

    if (!line || !room) {
        errno = EINVAL;
        return -1;
    }
    ssize_t n = getdelim(&read, &read_room, end, file);
    if (n < 0)
        return n;
    if (!*line || *room < (size_t)n + 1) {
        char *longer = native_realloc(*line, (size_t)n + 1);
        if (!longer)
            return -1;
        *line = longer;
        *room = (size_t)n + 1;
    }
    memcpy(*line, read, (size_t)n + 1);
    return n;
}

ssize_t native_getline(char **line, size_t *room, FILE *file)
{
    return native_getdelim(line, room, '\n', file);
}

/* ---- times ---- */

#define FORMAT_MAX 1024 /* bytes of a format, its NUL included */

/*
 * The C library would read a file for the name of a zone (TZ, /etc/localtime): there is one here,
 * UTC, that gmtime() is of. A format that is too long makes no text.
 */
size_t native_strftime(char *text, size_t room, const char *format, const struct tm *time)
{
    char own[FORMAT_MAX];
    size_t used = 0;

    while (*format) {
        size_t plain = format[0] == '%' ? 1 + strspn(format + 1, "-_0+123456789EO") : 1;
        const bool zone = format[0] == '%' && format[plain] == 'Z';
        const char *from = zone ? "UTC" : format;
        if (zone)
            format += plain + 1;
        else
            format += plain += format[0] == '%' && format[plain];
        plain = zone ? 3 : plain;
        if (used + plain >= sizeof own)
            return 0;
        memcpy(own + used, from, plain);
        used += plain;
    }
    own[used] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* it is the caller's */
    return strftime(text, room, own, time);
#pragma GCC diagnostic pop
}
