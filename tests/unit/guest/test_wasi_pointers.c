/* Every pointer of every import, at and past the end of memory: WASI_EFAULT, and nothing was done.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wasi_world.h"

/* One import with one pointer argument in question; the others are good. */
#define POINTER(name, call)                                     \
    static uint32_t name(struct world *world, uint32_t pointer) \
    {                                                           \
        struct host *host = &world->host;                       \
        uint32_t ok = room(world, 256);                         \
        (void)ok;                                               \
        return call;                                            \
    }
#define FILE_PATH PATH(world, "file")

static uint32_t file_fd;

POINTER(args_1, WASI(args_get)(host, pointer, ok))
POINTER(args_2, WASI(args_get)(host, ok, pointer))
POINTER(args_sizes_1, WASI(args_sizes_get)(host, pointer, ok))
POINTER(args_sizes_2, WASI(args_sizes_get)(host, ok, pointer))
POINTER(env_1, WASI(environ_get)(host, pointer, ok))
POINTER(env_2, WASI(environ_get)(host, ok, pointer))
POINTER(env_sizes_1, WASI(environ_sizes_get)(host, pointer, ok))
POINTER(env_sizes_2, WASI(environ_sizes_get)(host, ok, pointer))
POINTER(clock_res, WASI(clock_res_get)(host, 0, pointer))
POINTER(clock_time, WASI(clock_time_get)(host, 0, 0, pointer))
POINTER(fdstat, WASI(fd_fdstat_get)(host, file_fd, pointer))
POINTER(filestat, WASI(fd_filestat_get)(host, file_fd, pointer))
POINTER(filestat_channel, WASI(fd_filestat_get)(host, 0, pointer))
POINTER(read_list, WASI(fd_read)(host, file_fd, pointer, 1, ok))
POINTER(read_ret, WASI(fd_read)(host, file_fd, ok, 1, pointer))
POINTER(write_list, WASI(fd_write)(host, file_fd, pointer, 1, ok))
POINTER(write_ret, WASI(fd_write)(host, file_fd, ok, 1, pointer))
POINTER(pread_list, WASI(fd_pread)(host, file_fd, pointer, 1, 0, ok))
POINTER(pread_ret, WASI(fd_pread)(host, file_fd, ok, 1, 0, pointer))
POINTER(pwrite_list, WASI(fd_pwrite)(host, file_fd, pointer, 1, 0, ok))
POINTER(pwrite_ret, WASI(fd_pwrite)(host, file_fd, ok, 1, 0, pointer))
POINTER(write_answer_list, WASI(fd_write)(host, 1, pointer, 1, ok))
POINTER(write_answer_ret, WASI(fd_write)(host, 1, ok, 1, pointer))
POINTER(read_body_list, WASI(fd_read)(host, 0, pointer, 1, ok))
POINTER(read_body_ret, WASI(fd_read)(host, 0, ok, 1, pointer))
POINTER(prestat, WASI(fd_prestat_get)(host, GRANTED, pointer))
POINTER(prestat_name, WASI(fd_prestat_dir_name)(host, GRANTED, pointer, 8))
POINTER(readdir_buffer, WASI(fd_readdir)(host, GRANTED, pointer, 64, 0, ok))
POINTER(readdir_ret, WASI(fd_readdir)(host, GRANTED, ok, 64, 0, pointer))
POINTER(seek_ret, WASI(fd_seek)(host, file_fd, 3, 0, pointer))
POINTER(tell_ret, WASI(fd_tell)(host, file_fd, pointer))
POINTER(mkdir_path, WASI(path_create_directory)(host, GRANTED, pointer, 8))
POINTER(stat_path, WASI(path_filestat_get)(host, GRANTED, 0, pointer, 8, ok))
POINTER(stat_ret, WASI(path_filestat_get)(host, GRANTED, 0, FILE_PATH, pointer))
POINTER(times_path, WASI(path_filestat_set_times)(host, GRANTED, 0, pointer, 8, 0, 0, 4))
POINTER(link_old, WASI(path_link)(host, GRANTED, 0, pointer, 8, GRANTED, PATH(world, "new")))
POINTER(link_new, WASI(path_link)(host, GRANTED, 0, FILE_PATH, GRANTED, pointer, 8))
POINTER(open_path, WASI(path_open)(host, GRANTED, 0, pointer, 8, 1, 0, 0, 0, ok))
POINTER(open_ret, WASI(path_open)(host, GRANTED, 0, PATH(world, "new"), 1, 0, 0, 0, pointer))
POINTER(readlink_path, WASI(path_readlink)(host, GRANTED, pointer, 8, ok, 64, ok))
POINTER(readlink_buffer, WASI(path_readlink)(host, GRANTED, PATH(world, "link"), pointer, 8, ok))
POINTER(readlink_ret, WASI(path_readlink)(host, GRANTED, PATH(world, "link"), ok, 64, pointer))
POINTER(rmdir_path, WASI(path_remove_directory)(host, GRANTED, pointer, 8))
POINTER(rename_old, WASI(path_rename)(host, GRANTED, pointer, 8, GRANTED, PATH(world, "new")))
POINTER(rename_new, WASI(path_rename)(host, GRANTED, FILE_PATH, GRANTED, pointer, 8))
POINTER(symlink_target, WASI(path_symlink)(host, pointer, 8, GRANTED, PATH(world, "new")))
POINTER(symlink_path, WASI(path_symlink)(host, FILE_PATH, GRANTED, pointer, 8))
POINTER(unlink_path, WASI(path_unlink_file)(host, GRANTED, pointer, 8))
POINTER(poll_in, WASI(poll_oneoff)(host, pointer, ok, 1, ok))
POINTER(poll_out, WASI(poll_oneoff)(host, ok, pointer, 1, ok))
POINTER(poll_ret, WASI(poll_oneoff)(host, ok, ok, 1, pointer))
POINTER(random_buffer, WASI(random_get)(host, pointer, 8))

static uint32_t (*const pointers[])(struct world *world, uint32_t pointer) = {
    args_1,
    args_2,
    args_sizes_1,
    args_sizes_2,
    env_1,
    env_2,
    env_sizes_1,
    env_sizes_2,
    clock_res,
    clock_time,
    fdstat,
    filestat,
    filestat_channel,
    read_list,
    read_ret,
    write_list,
    write_ret,
    pread_list,
    pread_ret,
    pwrite_list,
    pwrite_ret,
    write_answer_list,
    write_answer_ret,
    read_body_list,
    read_body_ret,
    prestat,
    prestat_name,
    readdir_buffer,
    readdir_ret,
    seek_ret,
    tell_ret,
    mkdir_path,
    stat_path,
    stat_ret,
    times_path,
    link_old,
    link_new,
    open_path,
    open_ret,
    readlink_path,
    readlink_buffer,
    readlink_ret,
    rmdir_path,
    rename_old,
    rename_new,
    symlink_target,
    symlink_path,
    unlink_path,
    poll_in,
    poll_out,
    poll_ret,
    random_buffer,
};

static int setup(void **state)
{
    if (world_setup(state) < 0)
        return -1;
    struct world *world = *state;
    host_file(world, "granted/file", "text");
    host_symlink(world, "file", "granted/link");
    file_fd = open_ok(world, "file", 0, EVERY_RIGHT);
    return 0;
}

static void a_pointer_past_the_end_is_a_fault(void **state)
{
    struct world *world = *state;
    static const uint32_t bad[] = {
        MEMORY_BYTES - 1, MEMORY_BYTES - 3, MEMORY_BYTES,    MEMORY_BYTES + 1,
        UINT32_MAX,       UINT32_MAX - 3,   UINT32_MAX - 63, 1u << 31,
    };
    struct wasi_filestat before, after;
    uint32_t mark = world->next, fd;

    assert_int_equal(stat_at(world, GRANTED, "file", 0, &before), WASI_SUCCESS);
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            if (pointers[i](world, bad[j]) != WASI_EFAULT)
                fail_msg("pointer %zu at %x is no fault", i, bad[j]);
            world->next = mark;
        }
    }
    /* Nothing was made, moved, written or opened. */
    assert_int_equal(stat_at(world, GRANTED, "file", 0, &after), WASI_SUCCESS);
    assert_int_equal(before.size, after.size);
    assert_true(before.mtim == after.mtim);
    assert_int_equal(after.nlink, 1);
    assert_int_equal(stat_at(world, GRANTED, "new", 0, NULL), WASI_ENOENT);
    assert_int_equal(open_at(world, GRANTED, "file", 0, 0, 0, 0, &fd), WASI_SUCCESS);
    assert_int_equal(fd, file_fd + 1);
    assert_int_equal(world->call.answer_bytes, 0);
    uint32_t ret = room(world, 8);
    WASI(fd_tell)(&world->host, file_fd, ret);
    assert_int_equal(load64(world, ret), 0);
}

static void without_a_memory_every_pointer_is_a_fault(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;

    host->memory = NULL;
    assert_int_equal(WASI(args_sizes_get)(host, 0, 8), WASI_EFAULT);
    assert_int_equal(WASI(fd_write)(host, 1, 0, 0, 0), WASI_EFAULT);
    assert_int_equal(WASI(random_get)(host, 0, 0), WASI_EFAULT);
    assert_int_equal(WASI(path_open)(host, GRANTED, 0, 0, 0, 0, 0, 0, 0, 0), WASI_EFAULT);
    host->memory = &world->memory;
}

/* The last bytes of memory are memory. */
static void a_pointer_that_just_fits_is_good(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t ok = room(world, 64);

    assert_int_equal(WASI(clock_time_get)(host, 0, 0, MEMORY_BYTES - 8), WASI_SUCCESS);
    assert_int_equal(WASI(fd_filestat_get)(host, file_fd, MEMORY_BYTES - 64), WASI_SUCCESS);
    assert_int_equal(WASI(fd_fdstat_get)(host, file_fd, MEMORY_BYTES - 24), WASI_SUCCESS);
    memcpy(at(world, MEMORY_BYTES - 4), "file", 4);
    assert_int_equal(WASI(path_filestat_get)(host, GRANTED, 0, MEMORY_BYTES - 4, 4, ok),
                     WASI_SUCCESS);
    memcpy(at(world, MEMORY_BYTES - 8), &(struct wasi_iovec){MEMORY_BYTES - 12, 4}, 8);
    assert_int_equal(WASI(fd_read)(host, file_fd, MEMORY_BYTES - 8, 1, ok), WASI_SUCCESS);
    assert_memory_equal(at(world, MEMORY_BYTES - 12), "text", 4);
    assert_int_equal(WASI(random_get)(host, MEMORY_BYTES, 0), WASI_SUCCESS);
    assert_int_equal(WASI(clock_time_get)(host, 0, 0, 3), WASI_SUCCESS); /* not aligned */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pointer_past_the_end_is_a_fault),
        TEST(without_a_memory_every_pointer_is_a_fault),
        TEST(a_pointer_that_just_fits_is_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
