/*
 * What native code has of the layer io, by the names that its objects have: each answers a number
 * or -errno, and does what src/allow/table.c says of it. In a call of native code, on its stack.
 */
#pragma once

#include <stdint.h>

int32_t vireo_import_open(const char *path, uint32_t bytes, uint32_t flags);
int32_t vireo_import_read(int32_t fd, void *to, uint32_t room);
int32_t vireo_import_pread(int32_t fd, void *to, uint32_t room, int64_t at);
int32_t vireo_import_write(int32_t fd, const void *from, uint32_t bytes);
int32_t vireo_import_pwrite(int32_t fd, const void *from, uint32_t bytes, int64_t at);
int32_t vireo_import_lseek(int32_t fd, int64_t by, int32_t whence, int64_t *ret_at);
int32_t vireo_import_ftruncate(int32_t fd, int64_t bytes);
int32_t vireo_import_fsync(int32_t fd);
int32_t vireo_import_close(int32_t fd);
int32_t vireo_import_mkdir(const char *path, uint32_t bytes);
int32_t vireo_import_unlink(const char *path, uint32_t bytes);
int32_t vireo_import_rmdir(const char *path, uint32_t bytes);
int32_t vireo_import_rename(const char *from, uint32_t from_bytes, const char *to,
                            uint32_t to_bytes);
int32_t vireo_import_poll(int32_t fd, int32_t events, int32_t timeout_ms);
int32_t vireo_import_shutdown(int32_t fd, int32_t how);
int32_t vireo_import_connect(const char *name, uint32_t bytes);
