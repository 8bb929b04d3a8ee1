/* Errors of the kernel as WASI numbers them, one to one where WASI has the error. */
#include <errno.h>

#include "guest/wasi_internal.h"

#define SAME(name) \
    case name:     \
        return WASI_##name;

enum wasi_errno wasi_errno_from(int error)
{
    switch (error < 0 ? -error : error) {
    case 0:
        return WASI_SUCCESS;
        SAME(E2BIG)
        SAME(EACCES)
        SAME(EADDRINUSE)
        SAME(EADDRNOTAVAIL)
        SAME(EAFNOSUPPORT)
        SAME(EAGAIN)
        SAME(EALREADY)
        SAME(EBADF)
        SAME(EBADMSG)
        SAME(EBUSY)
        SAME(ECANCELED)
        SAME(ECHILD)
        SAME(ECONNABORTED)
        SAME(ECONNREFUSED)
        SAME(ECONNRESET)
        SAME(EDEADLK)
        SAME(EDESTADDRREQ)
        SAME(EDOM)
        SAME(EDQUOT)
        SAME(EEXIST)
        SAME(EFAULT)
        SAME(EFBIG)
        SAME(EHOSTUNREACH)
        SAME(EIDRM)
        SAME(EILSEQ)
        SAME(EINPROGRESS)
        SAME(EINTR)
        SAME(EINVAL)
        SAME(EIO)
        SAME(EISCONN)
        SAME(EISDIR)
        SAME(ELOOP)
        SAME(EMFILE)
        SAME(EMLINK)
        SAME(EMSGSIZE)
        SAME(EMULTIHOP)
        SAME(ENAMETOOLONG)
        SAME(ENETDOWN)
        SAME(ENETRESET)
        SAME(ENETUNREACH)
        SAME(ENFILE)
        SAME(ENOBUFS)
        SAME(ENODEV)
        SAME(ENOENT)
        SAME(ENOEXEC)
        SAME(ENOLCK)
        SAME(ENOLINK)
        SAME(ENOMEM)
        SAME(ENOMSG)
        SAME(ENOPROTOOPT)
        SAME(ENOSPC)
        SAME(ENOSYS)
        SAME(ENOTCONN)
        SAME(ENOTDIR)
        SAME(ENOTEMPTY)
        SAME(ENOTRECOVERABLE)
        SAME(ENOTSOCK)
        SAME(ENOTSUP) /* EOPNOTSUPP is the same number */
        SAME(ENOTTY)
        SAME(ENXIO)
        SAME(EOVERFLOW)
        SAME(EOWNERDEAD)
        SAME(EPERM)
        SAME(EPIPE)
        SAME(EPROTO)
        SAME(EPROTONOSUPPORT)
        SAME(EPROTOTYPE)
        SAME(ERANGE)
        SAME(EROFS)
        SAME(ESPIPE)
        SAME(ESRCH)
        SAME(ESTALE)
        SAME(ETIMEDOUT)
        SAME(ETXTBSY)
        SAME(EXDEV)
    default:
        return WASI_EIO;
    }
}
