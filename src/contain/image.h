/* A function's image: a tar, compressed or not, with the root file system's files. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* Of the unpacked files. */
#define IMAGE_FILES_MAX 200000u
#define IMAGE_BYTES_MAX (UINT64_C(2) << 30)

/* Packed, of an image that is tried in memory, and how much memory that may take: an inode on a
 * disk's file system can take as long as the rest of a shell function's start. */
#define IMAGE_SMALL_BYTES (2u << 20)
#define IMAGE_MEMORY_BYTES (8u << 20)

/* An image that is being unpacked. */
struct image {
    int fd;
    const char *path, *hostname;
    bool in_memory;
    pid_t unpacker;
    int report;
};

/*
 * Begins to unpack the tar of `fd`, which is the image's from now on, into `path`/rootfs, which it
 * makes, and to add what container engines add: /etc/hosts, where the image has none, with
 * "localhost" and `hostname`. A child of the caller does it that has no capability and, of
 * descriptors, the image alone: what reads a tenant's bytes has no rights to lose. Regular files,
 * folders, links; no devices, no set-uid bits, nothing outside. With `memory` a small one goes into
 * a tmpfs over `path`, if it fits (CAP_SYS_ADMIN in the mount namespace's user namespace).
 */
int image_unpack(int fd, const char *path, const char *hostname, bool memory,
                 struct image *ret_image, struct err *err);
/* Waits for it, and ends what image_unpack() began; one that didn't fit into memory is unpacked
 * again here, beside it. */
int image_unpacked(struct image *image, struct err *err);
