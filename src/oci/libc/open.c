/*
 * open() of the runtime: musl's sets the descriptor's flag by a second call, for kernels that do
 * not know O_CLOEXEC. A start opens some twenty files by their whole path.
 */
#include <fcntl.h>
#include <stdarg.h>

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list arguments;

    va_start(arguments, flags);
    if (flags & O_CREAT)
        mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return openat(AT_FDCWD, path, flags, mode);
}
