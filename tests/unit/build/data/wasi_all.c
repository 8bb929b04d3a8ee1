/* Takes the address of every function of WASI preview 1 that wasi-libc declares. */
#include <wasi/api.h>

void *volatile sink;

int main(void)
{
    sink = (void *)__wasi_args_get;
    sink = (void *)__wasi_args_sizes_get;
    sink = (void *)__wasi_clock_res_get;
    sink = (void *)__wasi_clock_time_get;
    sink = (void *)__wasi_environ_get;
    sink = (void *)__wasi_environ_sizes_get;
    sink = (void *)__wasi_fd_advise;
    sink = (void *)__wasi_fd_allocate;
    sink = (void *)__wasi_fd_close;
    sink = (void *)__wasi_fd_datasync;
    sink = (void *)__wasi_fd_fdstat_get;
    sink = (void *)__wasi_fd_fdstat_set_flags;
    sink = (void *)__wasi_fd_fdstat_set_rights;
    sink = (void *)__wasi_fd_filestat_get;
    sink = (void *)__wasi_fd_filestat_set_size;
    sink = (void *)__wasi_fd_filestat_set_times;
    sink = (void *)__wasi_fd_pread;
    sink = (void *)__wasi_fd_prestat_dir_name;
    sink = (void *)__wasi_fd_prestat_get;
    sink = (void *)__wasi_fd_pwrite;
    sink = (void *)__wasi_fd_read;
    sink = (void *)__wasi_fd_readdir;
    sink = (void *)__wasi_fd_renumber;
    sink = (void *)__wasi_fd_seek;
    sink = (void *)__wasi_fd_sync;
    sink = (void *)__wasi_fd_tell;
    sink = (void *)__wasi_fd_write;
    sink = (void *)__wasi_path_create_directory;
    sink = (void *)__wasi_path_filestat_get;
    sink = (void *)__wasi_path_filestat_set_times;
    sink = (void *)__wasi_path_link;
    sink = (void *)__wasi_path_open;
    sink = (void *)__wasi_path_readlink;
    sink = (void *)__wasi_path_remove_directory;
    sink = (void *)__wasi_path_rename;
    sink = (void *)__wasi_path_symlink;
    sink = (void *)__wasi_path_unlink_file;
    sink = (void *)__wasi_poll_oneoff;
    sink = (void *)__wasi_proc_exit;
    sink = (void *)__wasi_random_get;
    sink = (void *)__wasi_sched_yield;
    sink = (void *)__wasi_sock_accept;
    sink = (void *)__wasi_sock_recv;
    sink = (void *)__wasi_sock_send;
    sink = (void *)__wasi_sock_shutdown;
    return 0;
}
