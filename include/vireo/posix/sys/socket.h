/* <sys/socket.h> of wasi-libc, and what it lacks and is not here. */
#ifndef VIREO_POSIX_SYS_SOCKET_H
#define VIREO_POSIX_SYS_SOCKET_H

#include_next <sys/socket.h>

#ifndef __cplusplus
int socketpair(int domain, int type, int protocol, int fds[2])
    __attribute__((unavailable("a pVM makes no sockets: two pipe()s are a way there and one "
                               "back")));
#endif

#endif
