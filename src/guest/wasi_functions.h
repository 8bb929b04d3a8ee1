/*
 * WASI preview 1 as wasm2c 1.0.32 names and types it. Each runs on the instance's call stack, with
 * nothing but `host` known of it, and answers an enum wasi_errno. A pointer of the guest that is
 * not wholly inside its memory is WASI_EFAULT, found before anything is done; unknown flag bits are
 * WASI_EINVAL; a descriptor that isn't open is WASI_EBADF; a right that it lacks WASI_ENOTCAPABLE.
 */
#pragma once

#include <stdint.h>

struct host;

#define WASI(name) Z_wasi_snapshot_preview1Z_##name

/* wasi_process.c */
uint32_t WASI(args_get)(struct host *host, uint32_t argv, uint32_t text);
uint32_t WASI(args_sizes_get)(struct host *host, uint32_t ret_count, uint32_t ret_bytes);
uint32_t WASI(environ_get)(struct host *host, uint32_t env, uint32_t text);
uint32_t WASI(environ_sizes_get)(struct host *host, uint32_t ret_count, uint32_t ret_bytes);
uint32_t WASI(clock_res_get)(struct host *host, uint32_t clock, uint32_t ret_ns);
uint32_t WASI(clock_time_get)(struct host *host, uint32_t clock, uint64_t precision,
                              uint32_t ret_ns);
uint32_t WASI(random_get)(struct host *host, uint32_t buffer, uint32_t bytes);
uint32_t WASI(sched_yield)(struct host *host);
void WASI(proc_exit)(struct host *host, uint32_t status);
uint32_t WASI(proc_raise)(struct host *host, uint32_t signal);

/* wasi_io.c */
uint32_t WASI(fd_read)(struct host *host, uint32_t fd, uint32_t iovecs, uint32_t count,
                       uint32_t ret_bytes);
uint32_t WASI(fd_write)(struct host *host, uint32_t fd, uint32_t iovecs, uint32_t count,
                        uint32_t ret_bytes);
uint32_t WASI(fd_pread)(struct host *host, uint32_t fd, uint32_t iovecs, uint32_t count,
                        uint64_t offset, uint32_t ret_bytes);
uint32_t WASI(fd_pwrite)(struct host *host, uint32_t fd, uint32_t iovecs, uint32_t count,
                         uint64_t offset, uint32_t ret_bytes);
uint32_t WASI(fd_seek)(struct host *host, uint32_t fd, uint64_t offset, uint32_t whence,
                       uint32_t ret_offset);
uint32_t WASI(fd_tell)(struct host *host, uint32_t fd, uint32_t ret_offset);

/* wasi_fd.c */
uint32_t WASI(fd_advise)(struct host *host, uint32_t fd, uint64_t offset, uint64_t bytes,
                         uint32_t advice);
uint32_t WASI(fd_allocate)(struct host *host, uint32_t fd, uint64_t offset, uint64_t bytes);
uint32_t WASI(fd_close)(struct host *host, uint32_t fd);
uint32_t WASI(fd_datasync)(struct host *host, uint32_t fd);
uint32_t WASI(fd_sync)(struct host *host, uint32_t fd);
uint32_t WASI(fd_fdstat_get)(struct host *host, uint32_t fd, uint32_t ret_fdstat);
uint32_t WASI(fd_fdstat_set_flags)(struct host *host, uint32_t fd, uint32_t flags);
uint32_t WASI(fd_fdstat_set_rights)(struct host *host, uint32_t fd, uint64_t base,
                                    uint64_t inheriting);
uint32_t WASI(fd_filestat_get)(struct host *host, uint32_t fd, uint32_t ret_filestat);
uint32_t WASI(fd_filestat_set_size)(struct host *host, uint32_t fd, uint64_t bytes);
uint32_t WASI(fd_filestat_set_times)(struct host *host, uint32_t fd, uint64_t atim, uint64_t mtim,
                                     uint32_t flags);
uint32_t WASI(fd_prestat_get)(struct host *host, uint32_t fd, uint32_t ret_prestat);
uint32_t WASI(fd_prestat_dir_name)(struct host *host, uint32_t fd, uint32_t name, uint32_t bytes);
uint32_t WASI(fd_renumber)(struct host *host, uint32_t from, uint32_t to);

/* wasi_readdir.c */
uint32_t WASI(fd_readdir)(struct host *host, uint32_t fd, uint32_t buffer, uint32_t bytes,
                          uint64_t cookie, uint32_t ret_bytes);

/* wasi_open.c */
uint32_t WASI(path_open)(struct host *host, uint32_t fd, uint32_t lookup, uint32_t path,
                         uint32_t path_bytes, uint32_t oflags, uint64_t base, uint64_t inheriting,
                         uint32_t fdflags, uint32_t ret_fd);

/* wasi_path.c */
uint32_t WASI(path_create_directory)(struct host *host, uint32_t fd, uint32_t path,
                                     uint32_t path_bytes);
uint32_t WASI(path_filestat_get)(struct host *host, uint32_t fd, uint32_t lookup, uint32_t path,
                                 uint32_t path_bytes, uint32_t ret_filestat);
uint32_t WASI(path_filestat_set_times)(struct host *host, uint32_t fd, uint32_t lookup,
                                       uint32_t path, uint32_t path_bytes, uint64_t atim,
                                       uint64_t mtim, uint32_t flags);
uint32_t WASI(path_link)(struct host *host, uint32_t old_fd, uint32_t lookup, uint32_t old_path,
                         uint32_t old_bytes, uint32_t new_fd, uint32_t new_path,
                         uint32_t new_bytes);
uint32_t WASI(path_readlink)(struct host *host, uint32_t fd, uint32_t path, uint32_t path_bytes,
                             uint32_t buffer, uint32_t bytes, uint32_t ret_bytes);
uint32_t WASI(path_remove_directory)(struct host *host, uint32_t fd, uint32_t path,
                                     uint32_t path_bytes);
uint32_t WASI(path_rename)(struct host *host, uint32_t old_fd, uint32_t old_path,
                           uint32_t old_bytes, uint32_t new_fd, uint32_t new_path,
                           uint32_t new_bytes);
uint32_t WASI(path_symlink)(struct host *host, uint32_t target, uint32_t target_bytes, uint32_t fd,
                            uint32_t path, uint32_t path_bytes);
uint32_t WASI(path_unlink_file)(struct host *host, uint32_t fd, uint32_t path, uint32_t path_bytes);

/* wasi_poll.c */
uint32_t WASI(poll_oneoff)(struct host *host, uint32_t subscriptions, uint32_t events,
                           uint32_t count, uint32_t ret_count);

/* wasi_socket.c */
uint32_t WASI(sock_accept)(struct host *host, uint32_t fd, uint32_t flags, uint32_t ret_fd);
uint32_t WASI(sock_recv)(struct host *host, uint32_t fd, uint32_t iovecs, uint32_t count,
                         uint32_t flags, uint32_t ret_bytes, uint32_t ret_flags);
uint32_t WASI(sock_send)(struct host *host, uint32_t fd, uint32_t iovecs, uint32_t count,
                         uint32_t flags, uint32_t ret_bytes);
uint32_t WASI(sock_shutdown)(struct host *host, uint32_t fd, uint32_t how);
