/*
 * LIBRARY_SYMBOL(name): what a library may leave undefined. The build refuses anything else before
 * it signs, and the guest's linker binds these and no others. Included with the macro defined.
 * LIBRARY_SYMBOL_AS(name, function): one bound to a function of another name, for who binds it.
 */
#ifndef LIBRARY_SYMBOL_AS
#define LIBRARY_SYMBOL_AS(name, function) LIBRARY_SYMBOL(name)
#endif

/* The WebAssembly run time (wasm_runtime.c). */
LIBRARY_SYMBOL(wasm_rt_trap)
LIBRARY_SYMBOL(wasm_rt_register_func_type)
LIBRARY_SYMBOL(wasm_rt_is_initialized)
LIBRARY_SYMBOL(wasm_rt_allocate_memory)
LIBRARY_SYMBOL(wasm_rt_grow_memory)
LIBRARY_SYMBOL(wasm_rt_free_memory)
LIBRARY_SYMBOL(wasm_rt_allocate_funcref_table)
LIBRARY_SYMBOL(wasm_rt_free_funcref_table)
LIBRARY_SYMBOL(wasm_rt_grow_funcref_table)
LIBRARY_SYMBOL(wasm_rt_allocate_externref_table)
LIBRARY_SYMBOL(wasm_rt_free_externref_table)
LIBRARY_SYMBOL(wasm_rt_grow_externref_table)

/* Functions of other libraries (parts.c). */
LIBRARY_SYMBOL(vireo_link_bind)

/* What gcc emits calls to. */
LIBRARY_SYMBOL(memcpy)
LIBRARY_SYMBOL_AS(memmove, wasm_move)
LIBRARY_SYMBOL(memset)
LIBRARY_SYMBOL(memcmp)

/* WebAssembly's floating-point instructions that are not one instruction of x86-64. */
LIBRARY_SYMBOL(ceil)
LIBRARY_SYMBOL(ceilf)
LIBRARY_SYMBOL(floor)
LIBRARY_SYMBOL(floorf)
LIBRARY_SYMBOL(trunc)
LIBRARY_SYMBOL(truncf)
LIBRARY_SYMBOL(nearbyint)
LIBRARY_SYMBOL(nearbyintf)
LIBRARY_SYMBOL(sqrt)
LIBRARY_SYMBOL(sqrtf)
LIBRARY_SYMBOL(fabs)
LIBRARY_SYMBOL(fabsf)
LIBRARY_SYMBOL(copysign)
LIBRARY_SYMBOL(copysignf)

/* Host functions of module "vireo" (host.c; connect: wasi_socket.c), imported by include/vireo/. */
LIBRARY_SYMBOL(Z_vireoZ_connect)
LIBRARY_SYMBOL(Z_vireoZ_request_text)
LIBRARY_SYMBOL(Z_vireoZ_request_header)
LIBRARY_SYMBOL(Z_vireoZ_response_status)
LIBRARY_SYMBOL(Z_vireoZ_response_header)

/* Updates of a program that runs (update_point.c), imported by include/vireo/update.h. */
LIBRARY_SYMBOL(Z_vireoZ_update_point)
LIBRARY_SYMBOL(Z_vireoZ_updates)

/* Processes and pipes (family.c, queue.c, shm.c), imported by include/vireo/family.h. */
LIBRARY_SYMBOL(Z_vireoZ_fork)
LIBRARY_SYMBOL(Z_vireoZ_wait)
LIBRARY_SYMBOL(Z_vireoZ_waitpid)
LIBRARY_SYMBOL(Z_vireoZ_kill)
LIBRARY_SYMBOL(Z_vireoZ_getpid)
LIBRARY_SYMBOL(Z_vireoZ_getppid)
LIBRARY_SYMBOL(Z_vireoZ_pipe)
LIBRARY_SYMBOL(Z_vireoZ_msgget)
LIBRARY_SYMBOL(Z_vireoZ_msgsnd)
LIBRARY_SYMBOL(Z_vireoZ_msgrcv)
LIBRARY_SYMBOL(Z_vireoZ_msgctl)
LIBRARY_SYMBOL(Z_vireoZ_shmget)
LIBRARY_SYMBOL(Z_vireoZ_shmat)
LIBRARY_SYMBOL(Z_vireoZ_shmdt)
LIBRARY_SYMBOL(Z_vireoZ_shmctl)

/* Keys, SQL, queues and HTTP (platform.c), imported by include/vireo/platform.h. */
LIBRARY_SYMBOL(Z_vireoZ_http)
LIBRARY_SYMBOL(Z_vireoZ_http_any)
LIBRARY_SYMBOL(Z_vireoZ_kv_delete)
LIBRARY_SYMBOL(Z_vireoZ_kv_get)
LIBRARY_SYMBOL(Z_vireoZ_kv_put)
LIBRARY_SYMBOL(Z_vireoZ_queue_push)
LIBRARY_SYMBOL(Z_vireoZ_sql)

/* eBPF programs of functions (bpf.c), imported as wasm-bpf names them. */
LIBRARY_SYMBOL(Z_callbackZ2DwrapperZ_wasm_bpf_buffer_poll)
LIBRARY_SYMBOL(Z_wasm_bpfZ_wasm_attach_bpf_program)
LIBRARY_SYMBOL(Z_wasm_bpfZ_wasm_bpf_buffer_poll)
LIBRARY_SYMBOL(Z_wasm_bpfZ_wasm_bpf_map_fd_by_name)
LIBRARY_SYMBOL(Z_wasm_bpfZ_wasm_bpf_map_operate)
LIBRARY_SYMBOL(Z_wasm_bpfZ_wasm_close_bpf_object)
LIBRARY_SYMBOL(Z_wasm_bpfZ_wasm_load_bpf_object)

/* WASI preview 1 (wasi*.c). */
#define WASI_SYMBOL(name) LIBRARY_SYMBOL(Z_wasi_snapshot_preview1Z_##name)
WASI_SYMBOL(args_get)
WASI_SYMBOL(args_sizes_get)
WASI_SYMBOL(environ_get)
WASI_SYMBOL(environ_sizes_get)
WASI_SYMBOL(clock_res_get)
WASI_SYMBOL(clock_time_get)
WASI_SYMBOL(fd_advise)
WASI_SYMBOL(fd_allocate)
WASI_SYMBOL(fd_close)
WASI_SYMBOL(fd_datasync)
WASI_SYMBOL(fd_fdstat_get)
WASI_SYMBOL(fd_fdstat_set_flags)
WASI_SYMBOL(fd_fdstat_set_rights)
WASI_SYMBOL(fd_filestat_get)
WASI_SYMBOL(fd_filestat_set_size)
WASI_SYMBOL(fd_filestat_set_times)
WASI_SYMBOL(fd_pread)
WASI_SYMBOL(fd_prestat_get)
WASI_SYMBOL(fd_prestat_dir_name)
WASI_SYMBOL(fd_pwrite)
WASI_SYMBOL(fd_read)
WASI_SYMBOL(fd_readdir)
WASI_SYMBOL(fd_renumber)
WASI_SYMBOL(fd_seek)
WASI_SYMBOL(fd_sync)
WASI_SYMBOL(fd_tell)
WASI_SYMBOL(fd_write)
WASI_SYMBOL(path_create_directory)
WASI_SYMBOL(path_filestat_get)
WASI_SYMBOL(path_filestat_set_times)
WASI_SYMBOL(path_link)
WASI_SYMBOL(path_open)
WASI_SYMBOL(path_readlink)
WASI_SYMBOL(path_remove_directory)
WASI_SYMBOL(path_rename)
WASI_SYMBOL(path_symlink)
WASI_SYMBOL(path_unlink_file)
WASI_SYMBOL(poll_oneoff)
WASI_SYMBOL(proc_exit)
WASI_SYMBOL(proc_raise)
WASI_SYMBOL(random_get)
WASI_SYMBOL(sched_yield)
WASI_SYMBOL(sock_accept)
WASI_SYMBOL(sock_recv)
WASI_SYMBOL(sock_send)
WASI_SYMBOL(sock_shutdown)
#undef WASI_SYMBOL
