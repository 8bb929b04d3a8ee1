/*
 * vireo/io_native.h: files and connections as native code has them: what <vireo/io.h>, and the C
 * library that is verified with proved code, are made of. Not for functions: translated code has
 * WASI. Each answers a number or -errno, and does what the allow-list says of it (`vireo allow ls
 * -o json`, which has its name without the prefix).
 */
#ifndef VIREO_IO_NATIVE_H
#define VIREO_IO_NATIVE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

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
int32_t vireo_import_connect(const char *host_port, uint32_t bytes);

#ifdef __cplusplus
}
#endif

#endif
