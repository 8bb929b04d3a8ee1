/*
 * vireo/net.h: connections of a function with a grant to connect. For handlers and for programs
 * with main(); any other language imports "connect" of module "vireo" itself.
 *
 *     grants:
 *       connect: ["db.example.org:5432"]
 *
 *     #include <vireo/net.h>
 *
 *     int db = vireo_connect("db.example.org:5432");
 *     if (db < 0)
 *         perror("db");
 */
#ifndef VIREO_NET_H
#define VIREO_NET_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

__attribute__((import_module("vireo"), import_name("connect"))) int32_t
vireo_import_connect(const char *host_port, uint32_t bytes);

/*
 * Connects to one of the places that vireo.yaml names, written as it is there; its name has so many
 * bytes. Returns a descriptor
 * for read, write, send, recv, poll, shutdown and close; or -1, with errno EACCES (no such grant,
 * or its address is not one that the operator allows), EAGAIN (too many connections in a short
 * time), EMFILE, ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH (no such name) and the network's others.
 */
static inline int vireo_connect_to(const char *host_port, size_t bytes)
{
    int32_t fd = bytes > UINT32_MAX ? -EACCES : vireo_import_connect(host_port, (uint32_t)bytes);

    if (fd >= 0)
        return fd;
    errno = -fd;
    return -1;
}

/* The same of a text that ends with a NUL. */
static inline int vireo_connect(const char *host_port)
{
    return vireo_connect_to(host_port, strlen(host_port));
}

#ifdef __cplusplus
}
#endif

#endif
