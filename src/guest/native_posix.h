/*
 * What native code calls by POSIX names (native_symbols.h) and other files of the guest call, too.
 * Each answers as its man page says, with errno; descriptors are those of WASI's table.
 */
#pragma once

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

struct option;
struct stat;
struct wasi;

/* native_fd.c */
ssize_t native_read(int fd, void *to, size_t room);
ssize_t native_write(int fd, const void *from, size_t bytes);
off_t native_lseek(int fd, off_t by, int whence);
int native_close(int fd);
int native_fstat(int fd, struct stat *status);
int native_fcntl(int fd, int command, ...);

/* native_files.c */
int native_open(const char *path, int flags, ...);
int native_creat(const char *path, mode_t mode);
int native_unlink(const char *path);
int native_mkdir(const char *path, mode_t mode);
int native_rmdir(const char *path);
int native_remove(const char *path);
int native_rename(const char *from, const char *to);
int native_stat(const char *path, struct stat *status);
int native_ftruncate(int fd, off_t bytes);
int native_fsync(int fd);
int native_isatty(int fd);

/* native_directory.c */
int native_chdir(const char *path);
char *native_getcwd(char *to, size_t room);

/* native_stdio.c */
/* The C library would keep an address in the code's data, which is not found when a library is
 * replaced: buffers are its own. */
int native_setvbuf(FILE *file, char *buffer, int mode, size_t bytes);
void native_setbuf(FILE *file, char *buffer);
FILE *native_fopen(const char *path, const char *mode);
FILE *native_fdopen(int fd, const char *mode);
int native_fileno(FILE *file);
int native_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int native_vprintf(const char *format, va_list list) __attribute__((format(printf, 1, 0)));
int native_puts(const char *text);
int native_putchar(int byte);
int native_getchar(void);
int native_scanf(const char *format, ...) __attribute__((format(scanf, 1, 2)));
int native_vscanf(const char *format, va_list list) __attribute__((format(scanf, 1, 0)));
void native_perror(const char *what);
void native_assert_fail(const char *what, const char *file, unsigned line, const char *function)
    __attribute__((noreturn));
struct tm;
size_t native_strftime(char *text, size_t room, const char *format, const struct tm *time);
int native_asprintf(char **ret_text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int native_vasprintf(char **ret_text, const char *format, va_list list)
    __attribute__((format(printf, 2, 0)));
int native_getopt(int count, char *const *args, const char *letters);
int native_getopt_long(int count, char *const *args, const char *letters,
                       const struct option *names, int *ret_index);
ssize_t native_getline(char **line, size_t *room, FILE *file);
ssize_t native_getdelim(char **line, size_t *room, int end, FILE *file);

/* native_family.c */
void native_exit(int status) __attribute__((noreturn));
void native_abort(void) __attribute__((noreturn));

/* native_main.c: getenv() knows what `wasi` has, whose texts are lent; and a program begins. */
void native_environment(const struct wasi *wasi);
void native_main(int (*program)(int count, char **args, char **env)) __attribute__((noreturn));
/* What include/vireo/update.h is made of. */
int32_t native_update_point(void);
uint32_t native_updates(void);

/* native_sockets.c */
int native_accept(int fd, struct sockaddr *address, socklen_t *bytes);
int native_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags);
ssize_t native_recv(int fd, void *to, size_t room, int flags);
ssize_t native_send(int fd, const void *from, size_t bytes, int flags);
int native_shutdown(int fd, int how);
