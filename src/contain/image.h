/* A function's image: a tar, compressed or not, with the root file system's files. */
#pragma once

#include <stdint.h>

struct err;

/* Of the unpacked files. */
#define IMAGE_FILES_MAX 200000u
#define IMAGE_BYTES_MAX (UINT64_C(2) << 30)

/*
 * Unpacks the tar of `fd` into the directory `path`, which it makes, and adds what container
 * engines add: /etc/hosts, where the image has none, with "localhost" and `hostname`. A child of
 * the caller does it that has no capability and, of descriptors, the image alone: what reads a
 * tenant's bytes has no rights to lose. Regular files, folders, links; no devices, no set-uid bits,
 * nothing outside.
 */
int image_unpack(int fd, const char *path, const char *hostname, struct err *err);
