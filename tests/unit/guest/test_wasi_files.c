/* Open files: bytes, positions, rights, flags, times, sizes, and the table of descriptors. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "wasi_world.h"

#define CREATE WASI_OFLAG_CREAT
#define READ_WRITE (WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE)

static uint64_t seek_ok(struct world *world, uint32_t fd, int64_t offset, uint32_t whence)
{
    uint32_t ret = room(world, 8);

    assert_int_equal(WASI(fd_seek)(&world->host, fd, (uint64_t)offset, whence, ret), WASI_SUCCESS);
    return load64(world, ret);
}

static uint64_t size_of(struct world *world, uint32_t fd)
{
    uint32_t ret = room(world, 64);
    struct wasi_filestat filestat;

    assert_int_equal(WASI(fd_filestat_get)(&world->host, fd, ret), WASI_SUCCESS);
    memcpy(&filestat, at(world, ret), sizeof filestat);
    return filestat.size;
}

static void positions_move_as_bytes_do(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t fd = open_ok(world, "f", CREATE, READ_WRITE), ret = room(world, 8);

    assert_int_equal(WASI(fd_tell)(host, fd, ret), WASI_SUCCESS);
    assert_int_equal(load64(world, ret), 0);
    assert_int_equal(write_text(world, fd, "0123456789"), WASI_SUCCESS);
    assert_int_equal(seek_ok(world, fd, 0, WASI_WHENCE_CUR), 10);
    assert_int_equal(seek_ok(world, fd, -4, WASI_WHENCE_CUR), 6);
    assert_string_equal(read_text(world, fd), "6789");
    assert_int_equal(seek_ok(world, fd, -1, WASI_WHENCE_END), 9);
    assert_int_equal(seek_ok(world, fd, 1000, WASI_WHENCE_SET), 1000);
    assert_string_equal(read_text(world, fd), "");
    assert_int_equal(WASI(fd_seek)(host, fd, (uint64_t)-2000, WASI_WHENCE_CUR, ret), WASI_EINVAL);
    assert_int_equal(WASI(fd_seek)(host, fd, (uint64_t)-1, WASI_WHENCE_SET, ret), WASI_EINVAL);
    assert_int_equal(WASI(fd_seek)(host, fd, 0, 3, ret), WASI_EINVAL);
    assert_int_equal(WASI(fd_seek)(host, fd, 0, UINT32_MAX, ret), WASI_EINVAL);
    assert_int_equal(seek_ok(world, fd, 0, WASI_WHENCE_CUR), 1000);
}

static void pread_and_pwrite_leave_the_position(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t fd = open_ok(world, "f", CREATE, READ_WRITE), ret = room(world, 4);
    uint32_t buffer = put(world, "abcdef", 6);
    struct wasi_iovec iovecs[] = {{buffer, 2}, {buffer + 4, 2}};
    uint32_t list = put(world, iovecs, sizeof iovecs);

    assert_int_equal(WASI(fd_pwrite)(host, fd, list, 2, 3, ret), WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 4);
    assert_int_equal(size_of(world, fd), 7);
    assert_int_equal(seek_ok(world, fd, 0, WASI_WHENCE_CUR), 0);
    memset(at(world, buffer), 0, 6);
    assert_int_equal(WASI(fd_pread)(host, fd, list, 2, 3, ret), WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 4);
    assert_memory_equal(at(world, buffer), "ab\0\0ef", 6);
    assert_int_equal(WASI(fd_pread)(host, fd, list, 2, 7, ret), WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 0);
    assert_int_equal(WASI(fd_pread)(host, fd, list, 2, UINT64_MAX, ret), WASI_EINVAL);
    assert_int_equal(WASI(fd_pwrite)(host, fd, list, 2, UINT64_C(1) << 63, ret), WASI_EINVAL);
    assert_int_equal(WASI(fd_pwrite)(host, fd, list, 0, 50, ret), WASI_SUCCESS);
    assert_int_equal(size_of(world, fd), 7);
}

static void append_appends_until_it_is_switched_off(void **state)
{
    struct world *world = *state;
    uint32_t fd;

    assert_int_equal(open_at(world, GRANTED, "f", 0, CREATE, READ_WRITE, WASI_FDFLAG_APPEND, &fd),
                     WASI_SUCCESS);
    assert_int_equal(fdstat_of(world, fd).flags, WASI_FDFLAG_APPEND);
    write_text(world, fd, "one");
    seek_ok(world, fd, 0, WASI_WHENCE_SET);
    write_text(world, fd, "two");
    seek_ok(world, fd, 0, WASI_WHENCE_SET);
    assert_string_equal(read_text(world, fd), "onetwo");
    assert_int_equal(WASI(fd_fdstat_set_flags)(&world->host, fd, 0), WASI_SUCCESS);
    assert_int_equal(fdstat_of(world, fd).flags, 0);
    seek_ok(world, fd, 0, WASI_WHENCE_SET);
    write_text(world, fd, "six");
    seek_ok(world, fd, 0, WASI_WHENCE_SET);
    assert_string_equal(read_text(world, fd), "sixtwo");
    assert_int_equal(WASI(fd_fdstat_set_flags)(&world->host, fd, WASI_FDFLAG_SYNC), WASI_EINVAL);
    assert_int_equal(WASI(fd_fdstat_set_flags)(&world->host, fd, 32), WASI_EINVAL);
    assert_int_equal(WASI(fd_fdstat_set_flags)(&world->host, GRANTED, 0), WASI_EBADF);
}

static void sync_flags_are_kept(void **state)
{
    struct world *world = *state;
    const uint32_t flags = WASI_FDFLAG_APPEND | WASI_FDFLAG_SYNC;
    uint32_t fd;

    assert_int_equal(open_at(world, GRANTED, "f", 0, CREATE, READ_WRITE, flags, &fd), WASI_SUCCESS);
    assert_int_equal(fdstat_of(world, fd).flags, flags);
    assert_int_equal(
        WASI(fd_fdstat_set_flags)(&world->host, fd, WASI_FDFLAG_SYNC | WASI_FDFLAG_NONBLOCK),
        WASI_SUCCESS);
    assert_int_equal(fdstat_of(world, fd).flags, WASI_FDFLAG_SYNC | WASI_FDFLAG_NONBLOCK);
    assert_int_equal(WASI(fd_sync)(&world->host, fd), WASI_SUCCESS);
    assert_int_equal(WASI(fd_datasync)(&world->host, fd), WASI_SUCCESS);
}

static void access_is_what_was_asked_for(void **state)
{
    struct world *world = *state;
    uint32_t list = room(world, 8), ret = room(world, 4);

    uint32_t both = open_ok(world, "f", CREATE, READ_WRITE);
    uint32_t reader = open_ok(world, "f", 0, WASI_RIGHT_FD_READ);
    uint32_t writer = open_ok(world, "f", 0, WASI_RIGHT_FD_WRITE);
    uint32_t none = open_ok(world, "f", 0, 0);
    assert_int_equal(fdstat_of(world, both).rights_base & READ_WRITE, READ_WRITE);
    assert_int_equal(fdstat_of(world, reader).rights_base & READ_WRITE, WASI_RIGHT_FD_READ);
    assert_int_equal(fdstat_of(world, writer).rights_base & READ_WRITE, WASI_RIGHT_FD_WRITE);
    assert_int_equal(fdstat_of(world, none).rights_base & READ_WRITE, 0);
    assert_int_equal(write_text(world, reader, "x"), WASI_EBADF);
    assert_int_equal(write_text(world, none, "x"), WASI_EBADF);
    assert_int_equal(write_text(world, writer, "xyz"), WASI_SUCCESS);
    assert_int_equal(WASI(fd_read)(&world->host, writer, list, 1, ret), WASI_EBADF);
    assert_int_equal(WASI(fd_pread)(&world->host, none, list, 1, 0, ret), WASI_EBADF);
    assert_string_equal(read_text(world, reader), "xyz");
    assert_int_equal(WASI(fd_filestat_set_size)(&world->host, reader, 0), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_filestat_set_size)(&world->host, writer, 0), WASI_SUCCESS);
}

static void rights_are_given_up_and_never_regained(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t fd = open_ok(world, "f", CREATE, READ_WRITE), ret = room(world, 64);
    struct wasi_fdstat before = fdstat_of(world, fd);

    assert_int_equal(
        WASI(fd_fdstat_set_rights)(host, fd, before.rights_base, before.rights_inheriting), 0);
    assert_int_equal(WASI(fd_fdstat_set_rights)(host, fd, before.rights_base & ~READ_WRITE, 0), 0);
    assert_int_equal(write_text(world, fd, "x"), WASI_EBADF);
    assert_int_equal(WASI(fd_fdstat_set_rights)(host, fd, before.rights_base, 0), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_fdstat_set_rights)(host, fd, 0, 1), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_fdstat_set_rights)(host, fd, 0, 0), WASI_SUCCESS);
    assert_int_equal(WASI(fd_seek)(host, fd, 1, 0, ret), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_tell)(host, fd, ret), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_sync)(host, fd), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_datasync)(host, fd), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_advise)(host, fd, 0, 0, 0), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_allocate)(host, fd, 0, 1), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_filestat_get)(host, fd, ret), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_filestat_set_size)(host, fd, 0), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_filestat_set_times)(host, fd, 0, 0, 0), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_fdstat_set_flags)(host, fd, 0), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_fdstat_get)(host, fd, ret), WASI_SUCCESS);
    assert_int_equal(WASI(fd_close)(host, fd), WASI_SUCCESS);
}

static void a_directory_passes_on_what_it_inherits_only(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    struct wasi_fdstat stat = fdstat_of(world, GRANTED);
    uint32_t fd, path = put(world, ".", 1), ret = room(world, 64);
    const uint64_t inheriting =
        stat.rights_inheriting &
        ~(WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_SEEK | WASI_RIGHT_PATH_SYMLINK);

    host_file(world, "granted/f", "text");
    assert_int_equal(stat.filetype, WASI_FILETYPE_DIRECTORY);
    assert_int_equal(stat.flags, 0);
    assert_int_equal(stat.rights_base & (WASI_RIGHT_FD_SEEK | READ_WRITE), 0);
    assert_int_equal(WASI(path_open)(host, GRANTED, 0, path, 1, WASI_OFLAG_DIRECTORY,
                                     stat.rights_base, inheriting, 0, ret),
                     WASI_SUCCESS);
    fd = load32(world, ret);
    assert_int_equal(fdstat_of(world, fd).rights_base, stat.rights_base);
    assert_int_equal(fdstat_of(world, fd).rights_inheriting, inheriting);
    assert_int_equal(open_at(world, fd, "f", 0, 0, WASI_RIGHT_FD_WRITE, 0, NULL), WASI_ENOTCAPABLE);
    uint32_t file;
    assert_int_equal(open_at(world, fd, "f", 0, 0, EVERY_RIGHT & ~WASI_RIGHT_FD_WRITE, 0, &file),
                     0);
    assert_int_equal(fdstat_of(world, file).rights_base & ~inheriting, 0);
    assert_int_equal(WASI(fd_seek)(host, file, 1, 0, ret), WASI_ENOTCAPABLE);
    assert_int_equal(WASI(fd_seek)(host, file, 0, WASI_WHENCE_CUR, ret), WASI_SUCCESS);

    /* One right of the directory after the other. */
    static const uint64_t rights[] = {
        WASI_RIGHT_PATH_OPEN,
        WASI_RIGHT_PATH_CREATE_FILE,
        WASI_RIGHT_PATH_CREATE_DIRECTORY,
        WASI_RIGHT_PATH_SYMLINK,
        WASI_RIGHT_PATH_REMOVE_DIRECTORY,
        WASI_RIGHT_PATH_UNLINK_FILE,
        WASI_RIGHT_PATH_READLINK,
        WASI_RIGHT_PATH_FILESTAT_GET,
        WASI_RIGHT_PATH_FILESTAT_SET_TIMES,
        WASI_RIGHT_PATH_LINK_SOURCE,
        WASI_RIGHT_PATH_LINK_TARGET,
        WASI_RIGHT_PATH_RENAME_SOURCE,
        WASI_RIGHT_PATH_RENAME_TARGET,
        WASI_RIGHT_FD_READDIR,
        WASI_RIGHT_PATH_FILESTAT_SET_SIZE,
    };
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        assert_int_equal(open_at(world, GRANTED, ".", 0, 0, stat.rights_base & ~rights[i], 0, &fd),
                         0);
        uint32_t errors[] = {
            open_at(world, fd, "f", 0, 0, 0, 0, NULL),
            open_at(world, fd, "f", 0, CREATE, 0, 0, NULL),
            WASI(path_create_directory)(host, fd, PATH(world, "d")),
            WASI(path_symlink)(host, PATH(world, "x"), fd, PATH(world, "l")),
            WASI(path_remove_directory)(host, fd, PATH(world, "nothing")),
            WASI(path_unlink_file)(host, fd, PATH(world, "nothing")),
            WASI(path_readlink)(host, fd, PATH(world, "f"), ret, 8, ret),
            WASI(path_filestat_get)(host, fd, 0, PATH(world, "f"), ret),
            WASI(path_filestat_set_times)(host, fd, 0, PATH(world, "f"), 0, 0, 0),
            WASI(path_link)(host, fd, 0, PATH(world, "f"), GRANTED, PATH(world, "f")),
            WASI(path_link)(host, GRANTED, 0, PATH(world, "f"), fd, PATH(world, "f")),
            WASI(path_rename)(host, fd, PATH(world, "f"), GRANTED, PATH(world, "f")),
            WASI(path_rename)(host, GRANTED, PATH(world, "f"), fd, PATH(world, "f")),
            WASI(fd_readdir)(host, fd, ret, 64, 0, ret),
            open_at(world, fd, "f", 0, WASI_OFLAG_TRUNC, 0, 0, NULL),
        };
        for (size_t j = 0; j < sizeof errors / sizeof *errors; j++) {
            bool opens = rights[i] == WASI_RIGHT_PATH_OPEN && (j == 1 || j == 14);
            if (i == j || opens)
                assert_int_equal(errors[j], WASI_ENOTCAPABLE);
            else
                assert_int_not_equal(errors[j], WASI_ENOTCAPABLE);
        }
        WASI(fd_close)(host, fd);
    }
}

static void sizes_grow_shrink_and_are_checked(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t fd = open_ok(world, "f", CREATE, READ_WRITE);

    assert_int_equal(WASI(fd_filestat_set_size)(host, fd, 100), WASI_SUCCESS);
    assert_int_equal(size_of(world, fd), 100);
    assert_int_equal(WASI(fd_advise)(host, fd, 10, 50, 5), WASI_SUCCESS);
    assert_int_equal(WASI(fd_advise)(host, fd, 10, 50, 6), WASI_EINVAL);
    assert_int_equal(WASI(fd_advise)(host, fd, UINT64_MAX, 0, 0), WASI_EINVAL);
    assert_int_equal(WASI(fd_allocate)(host, fd, 10, 10), WASI_SUCCESS);
    assert_int_equal(size_of(world, fd), 100);
    assert_int_equal(WASI(fd_allocate)(host, fd, 90, 20), WASI_SUCCESS);
    assert_int_equal(size_of(world, fd), 110);
    assert_int_equal(WASI(fd_allocate)(host, fd, 0, 0), WASI_EINVAL);
    assert_int_equal(WASI(fd_allocate)(host, fd, UINT64_MAX, 1), WASI_EINVAL);
    assert_int_equal(WASI(fd_allocate)(host, fd, INT64_MAX, INT64_MAX), WASI_EFBIG);
    assert_int_equal(WASI(fd_filestat_set_size)(host, fd, UINT64_MAX), WASI_EINVAL);
    assert_int_equal(WASI(fd_filestat_set_size)(host, fd, 3), WASI_SUCCESS);
    assert_int_equal(size_of(world, fd), 3);
    assert_int_equal(open_at(world, GRANTED, "f", 0, WASI_OFLAG_TRUNC, 0, 0, NULL), WASI_SUCCESS);
    assert_int_equal(size_of(world, fd), 0);
}

static void times_are_set_one_by_one(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t fd = open_ok(world, "f", CREATE, READ_WRITE);
    struct wasi_filestat st, dir;

    assert_int_equal(WASI(fd_filestat_set_times)(host, fd, 1000000007, 2000000009,
                                                 WASI_FST_ATIM | WASI_FST_MTIM),
                     WASI_SUCCESS);
    stat_at(world, GRANTED, "f", 0, &st);
    assert_int_equal(st.atim, 1000000007);
    assert_int_equal(st.mtim, 2000000009);
    assert_int_equal(WASI(fd_filestat_set_times)(host, fd, 5, 6, WASI_FST_MTIM), WASI_SUCCESS);
    stat_at(world, GRANTED, "f", 0, &st);
    assert_int_equal(st.atim, 1000000007);
    assert_int_equal(st.mtim, 6);
    assert_int_equal(WASI(fd_filestat_set_times)(host, fd, 5, 6, WASI_FST_ATIM_NOW), WASI_SUCCESS);
    stat_at(world, GRANTED, "f", 0, &st);
    assert_true(st.atim > UINT64_C(1500000000000000000));
    assert_int_equal(st.mtim, 6);
    assert_int_equal(WASI(fd_filestat_set_times)(host, fd, 5, 6, 0), WASI_SUCCESS);
    assert_int_equal(WASI(fd_filestat_set_times)(host, fd, 1, 1, 3), WASI_EINVAL);
    assert_int_equal(WASI(fd_filestat_set_times)(host, fd, 1, 1, 12), WASI_EINVAL);
    assert_int_equal(WASI(fd_filestat_set_times)(host, fd, 1, 1, 16), WASI_EINVAL);
    /* A granted directory too, though its descriptor is O_PATH. */
    assert_int_equal(WASI(fd_filestat_set_times)(host, GRANTED, 0, 42, WASI_FST_MTIM),
                     WASI_SUCCESS);
    stat_at(world, GRANTED, ".", 0, &dir);
    assert_int_equal(dir.mtim, 42);
    assert_int_equal(dir.filetype, WASI_FILETYPE_DIRECTORY);
}

static void a_directory_is_no_file(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t list = room(world, 8), ret = room(world, 8), fd;

    assert_int_equal(open_at(world, GRANTED, ".", 0, WASI_OFLAG_DIRECTORY,
                             EVERY_RIGHT & ~WASI_RIGHT_FD_WRITE, 0, &fd),
                     0);
    const uint32_t directories[] = {GRANTED, fd};
    for (size_t i = 0; i < 2; i++) {
        uint32_t dir = directories[i];
        assert_int_equal(WASI(fd_read)(host, dir, list, 1, ret), WASI_EBADF);
        assert_int_equal(WASI(fd_pread)(host, dir, list, 1, 0, ret), WASI_EBADF);
        assert_int_equal(WASI(fd_write)(host, dir, list, 1, ret), WASI_EBADF);
        assert_int_equal(WASI(fd_pwrite)(host, dir, list, 1, 0, ret), WASI_EBADF);
        assert_int_equal(WASI(fd_seek)(host, dir, 0, 0, ret), WASI_EBADF);
        assert_int_equal(WASI(fd_tell)(host, dir, ret), WASI_EBADF);
        assert_int_equal(WASI(fd_advise)(host, dir, 0, 0, 0), WASI_EBADF);
        assert_int_equal(WASI(fd_allocate)(host, dir, 0, 1), WASI_EBADF);
        assert_int_equal(WASI(fd_sync)(host, dir), WASI_EBADF);
        assert_int_equal(WASI(fd_datasync)(host, dir), WASI_EBADF);
        assert_int_equal(WASI(fd_filestat_set_size)(host, dir, 0), WASI_EBADF);
    }
    assert_int_equal(open_at(world, GRANTED, ".", 0, WASI_OFLAG_DIRECTORY, READ_WRITE, 0, NULL),
                     WASI_EISDIR);
    assert_int_equal(open_at(world, GRANTED, ".", 0, 0, WASI_RIGHT_FD_WRITE, 0, NULL), WASI_EISDIR);
    assert_int_equal(open_at(world, GRANTED, ".", 0, 0, 0, WASI_FDFLAG_NONBLOCK, NULL),
                     WASI_SUCCESS);
}

static void opening_minds_its_flags(void **state)
{
    struct world *world = *state;
    uint32_t file = open_ok(world, "f", CREATE, READ_WRITE);

    assert_int_equal(open_at(world, file, "x", 0, CREATE, 0, 0, NULL), WASI_ENOTDIR);
    assert_int_equal(open_at(world, 0, "x", 0, CREATE, 0, 0, NULL), WASI_ENOTDIR);
    assert_int_equal(open_at(world, 77, "x", 0, CREATE, 0, 0, NULL), WASI_EBADF);
    assert_int_equal(open_at(world, GRANTED, "none", 0, 0, 0, 0, NULL), WASI_ENOENT);
    assert_int_equal(open_at(world, GRANTED, "none/x", 0, CREATE, 0, 0, NULL), WASI_ENOENT);
    assert_int_equal(open_at(world, GRANTED, "f", 0, CREATE | WASI_OFLAG_EXCL, 0, 0, NULL),
                     WASI_EEXIST);
    assert_int_equal(open_at(world, GRANTED, "f", 0, WASI_OFLAG_DIRECTORY, 0, 0, NULL),
                     WASI_ENOTDIR);
    assert_int_equal(open_at(world, GRANTED, "d", 0, CREATE | WASI_OFLAG_DIRECTORY, 0, 0, NULL),
                     WASI_EINVAL);
    assert_int_equal(
        open_at(world, GRANTED, "d", 0, WASI_OFLAG_EXCL | WASI_OFLAG_DIRECTORY, 0, 0, NULL),
        WASI_EINVAL);
    assert_int_equal(
        open_at(world, GRANTED, ".", 0, WASI_OFLAG_TRUNC | WASI_OFLAG_DIRECTORY, 0, 0, NULL),
        WASI_EINVAL);
    assert_int_equal(open_at(world, GRANTED, "f", 0, 16, 0, 0, NULL), WASI_EINVAL);
    assert_int_equal(open_at(world, GRANTED, "f", 2, 0, 0, 0, NULL), WASI_EINVAL);
    assert_int_equal(open_at(world, GRANTED, "f", 0, 0, 0, 32, NULL), WASI_EINVAL);
    assert_int_equal(open_at(world, GRANTED, "d", 0, 0, 0, 0, NULL), WASI_ENOENT);
}

static void preopens_say_their_names(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t ret = room(world, 8), name = room(world, 16), fd;

    assert_int_equal(WASI(fd_prestat_get)(host, GRANTED, ret), WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 0);
    assert_int_equal(load32(world, ret + 4), 8);
    assert_int_equal(WASI(fd_prestat_dir_name)(host, GRANTED, name, 16), WASI_SUCCESS);
    assert_string_equal(at(world, name), "/granted");
    assert_int_equal(WASI(fd_prestat_dir_name)(host, GRANTED, name, 7), WASI_ENAMETOOLONG);
    assert_int_equal(WASI(fd_prestat_dir_name)(host, GRANTED, name, 0), WASI_ENAMETOOLONG);
    open_at(world, GRANTED, ".", 0, 0, 0, 0, &fd);
    static const uint32_t others[] = {0, 1, 2, 5, 6, 1023, 1024, UINT32_MAX};
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(WASI(fd_prestat_get)(host, others[i], ret), WASI_EBADF);
        assert_int_equal(WASI(fd_prestat_dir_name)(host, others[i], name, 16), WASI_EBADF);
    }
    assert_int_equal(WASI(fd_close)(host, GRANTED), WASI_SUCCESS);
    assert_int_equal(WASI(fd_prestat_get)(host, GRANTED, ret), WASI_EBADF);
    assert_int_equal(WASI(fd_close)(host, GRANTED), WASI_EBADF);
    assert_int_equal(open_at(world, GRANTED, "f", 0, CREATE, 0, 0, NULL), WASI_EBADF);
    assert_int_equal(open_at(world, fd, ".", 0, 0, 0, 0, NULL), WASI_ENOTCAPABLE);
    assert_int_equal(fcntl(world->granted_fd, F_GETFD), FD_CLOEXEC);
}

static void renumbering_moves_a_descriptor(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t one = open_ok(world, "one", CREATE, READ_WRITE);
    uint32_t two = open_ok(world, "two", CREATE, WASI_RIGHT_FD_READ);
    struct wasi_fdstat before = fdstat_of(world, one), after;

    write_text(world, one, "first");
    assert_int_equal(WASI(fd_renumber)(host, one, two), WASI_SUCCESS);
    assert_int_equal(WASI(fd_close)(host, one), WASI_EBADF);
    after = fdstat_of(world, two);
    assert_memory_equal(&before, &after, sizeof before);
    seek_ok(world, two, 0, 0);
    assert_string_equal(read_text(world, two), "first");
    assert_int_equal(WASI(fd_renumber)(host, two, one), WASI_EBADF);
    assert_int_equal(WASI(fd_renumber)(host, one, two), WASI_EBADF);
    assert_int_equal(WASI(fd_renumber)(host, two, UINT32_MAX), WASI_EBADF);
    assert_int_equal(WASI(fd_renumber)(host, two, two), WASI_SUCCESS);
    /* Over a preopen, and standard output somewhere else. */
    assert_int_equal(WASI(fd_renumber)(host, two, READ_ONLY), WASI_SUCCESS);
    uint32_t ret = room(world, 8);
    assert_int_equal(WASI(fd_prestat_get)(host, READ_ONLY, ret), WASI_EBADF);
    assert_int_equal(WASI(fd_renumber)(host, 1, READ_ONLY), WASI_SUCCESS);
    assert_int_equal(write_text(world, 1, "x"), WASI_EBADF);
    assert_int_equal(write_text(world, READ_ONLY, "moved"), WASI_SUCCESS);
    assert_memory_equal(world->answer, "moved", 5);
}

static void the_table_is_bounded_and_reset_empties_it(void **state)
{
    struct world *world = *state;
    uint32_t fd = 0, error, count = 0;
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    host_file(world, "granted/f", "text");
    int lowest = dup(0);
    close(lowest);
    while ((error = open_at(world, GRANTED, "f", 0, 0, 0, 0, &fd)) == WASI_SUCCESS)
        assert_int_equal(fd, 5 + count++);
    assert_int_equal(error, WASI_EMFILE);
    assert_true(count <= 1019);
    if (limit.rlim_cur > 1100)
        assert_int_equal(count, 1019);
    assert_int_equal(WASI(fd_close)(&world->host, 7), WASI_SUCCESS);
    assert_int_equal(open_at(world, GRANTED, "f", 0, 0, 0, 0, &fd), WASI_SUCCESS);
    assert_int_equal(fd, 7);
    WASI(fd_close)(&world->host, 1);
    WASI(fd_close)(&world->host, GRANTED);

    wasi_reset(world->host.wasi);
    int again = dup(0);
    assert_int_equal(again, lowest); /* nothing of the host leaked */
    close(again);
    assert_int_equal(write_text(world, 1, "x"), WASI_SUCCESS);
    assert_int_equal(open_at(world, GRANTED, "f", 0, 0, 0, 0, &fd), WASI_SUCCESS);
    assert_int_equal(fd, 5);
}

static void lists_of_buffers_are_bounded(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t fd = open_ok(world, "f", CREATE, READ_WRITE), ret = room(world, 4);
    uint32_t buffer = put(world, "x", 1), list = room(world, 3000 * 8);

    for (uint32_t i = 0; i < 3000; i++)
        memcpy(at(world, list + 8 * i), &(struct wasi_iovec){buffer, i % 2}, 8);
    assert_int_equal(WASI(fd_write)(host, fd, list, 3000, ret), WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 1024); /* the first so many that are not empty */
    assert_int_equal(WASI(fd_write)(host, fd, list, 0, ret), WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 0);
    /* More than the address space holds, all inside: cut, not wrapped. */
    for (uint32_t i = 0; i < 3000; i++)
        memcpy(at(world, list + 8 * i), &(struct wasi_iovec){0, MEMORY_BYTES}, 8);
    world->call.answer_max = 0;
    if (setjmp(world->leave) == 0) {
        WASI(fd_write)(host, 1, list, 3000, ret);
        fail();
    }
    assert_int_equal(WASI(fd_write)(host, 2, list, 3000, ret), WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 1024u << 20);
    static const uint32_t counts[] = {UINT32_MAX, 1u << 29, (1u << 29) + 1, MEMORY_BYTES / 8};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(WASI(fd_write)(host, fd, list, counts[i], ret), WASI_EFAULT);
        assert_int_equal(WASI(fd_read)(host, fd, list, counts[i], ret), WASI_EFAULT);
        assert_int_equal(WASI(fd_pread)(host, fd, list, counts[i], 0, ret), WASI_EFAULT);
        assert_int_equal(WASI(fd_pwrite)(host, fd, list, counts[i], 0, ret), WASI_EFAULT);
    }
    /* A bad one among good ones: nothing is written. */
    const uint64_t size = size_of(world, fd);
    memcpy(at(world, list), &(struct wasi_iovec){buffer, 1}, 8);
    memcpy(at(world, list + 8), &(struct wasi_iovec){MEMORY_BYTES - 1, 2}, 8);
    assert_int_equal(WASI(fd_write)(host, fd, list, 2, ret), WASI_EFAULT);
    memcpy(at(world, list + 8), &(struct wasi_iovec){UINT32_MAX, UINT32_MAX}, 8);
    assert_int_equal(WASI(fd_write)(host, fd, list, 2, ret), WASI_EFAULT);
    assert_int_equal(size_of(world, fd), size);
}

static void a_redirected_stream_is_a_file(void **state)
{
    struct world *world = *state;
    char path[128];
    uint32_t ret = room(world, 8);

    host_file(world, "input", "redirected");
    snprintf(path, sizeof path, "%s/input", world->top);
    int saved = dup(0), file = open(path, O_RDONLY | O_CLOEXEC);
    dup2(file, 0);
    assert_int_equal(fdstat_of(world, 0).filetype, WASI_FILETYPE_REGULAR_FILE);
    assert_int_equal(seek_ok(world, 0, 2, WASI_WHENCE_SET), 2);
    assert_string_equal(read_text(world, 0), "directed");
    assert_int_equal(size_of(world, 0), 10);
    assert_int_equal(write_text(world, 0, "x"), WASI_EBADF);
    assert_int_equal(WASI(fd_filestat_set_size)(&world->host, 0, 0), WASI_ENOTCAPABLE);
    dup2(saved, 0);

    int pipe_fds[2];
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    dup2(pipe_fds[0], 0);
    assert_int_equal(WASI(fd_seek)(&world->host, 0, 0, 0, ret), WASI_ESPIPE);
    /* Without blocking: the flag is the guest's alone, not the pipe's. */
    assert_int_equal(WASI(fd_fdstat_set_flags)(&world->host, 0, WASI_FDFLAG_NONBLOCK),
                     WASI_SUCCESS);
    uint32_t list = put(world, &(struct wasi_iovec){room(world, 8), 8}, 8);
    assert_int_equal(WASI(fd_read)(&world->host, 0, list, 1, ret), WASI_EAGAIN);
    assert_int_equal(fcntl(0, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(write(pipe_fds[1], "now", 3), 3);
    assert_string_equal(read_text(world, 0), "now");
    close(pipe_fds[1]);
    assert_string_equal(read_text(world, 0), "");
    /* The guest's close is not ours. */
    assert_int_equal(WASI(fd_close)(&world->host, 0), WASI_SUCCESS);
    assert_true(fcntl(0, F_GETFD) >= 0);
    dup2(saved, 0);
    close(saved), close(file), close(pipe_fds[0]);
}

static void only_a_terminal_looks_like_one(void **state)
{
    struct world *world = *state;
    const uint64_t seeking = WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL;
    int saved = dup(0), null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    dup2(null, 0);
    struct wasi_fdstat fdstat = fdstat_of(world, 0);
    assert_int_equal(fdstat.filetype, WASI_FILETYPE_CHARACTER_DEVICE);
    assert_int_equal(fdstat.rights_base & seeking, seeking);
    if (terminal >= 0) {
        dup2(terminal, 0);
        fdstat = fdstat_of(world, 0);
        assert_int_equal(fdstat.filetype, WASI_FILETYPE_CHARACTER_DEVICE);
        /* /dev/ptmx is major 5, as /dev/tty. */
        assert_int_equal(fdstat.rights_base & seeking, 0);
        close(terminal);
    }
    dup2(saved, 0);
    close(saved), close(null);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
#define TEST_REAL(name) cmocka_unit_test_setup_teardown(name, world_setup_real, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(positions_move_as_bytes_do),
        TEST(pread_and_pwrite_leave_the_position),
        TEST(append_appends_until_it_is_switched_off),
        TEST(sync_flags_are_kept),
        TEST(access_is_what_was_asked_for),
        TEST(rights_are_given_up_and_never_regained),
        TEST(a_directory_passes_on_what_it_inherits_only),
        TEST(sizes_grow_shrink_and_are_checked),
        TEST(times_are_set_one_by_one),
        TEST(a_directory_is_no_file),
        TEST(opening_minds_its_flags),
        TEST(preopens_say_their_names),
        TEST(renumbering_moves_a_descriptor),
        TEST(the_table_is_bounded_and_reset_empties_it),
        TEST(lists_of_buffers_are_bounded),
        TEST_REAL(a_redirected_stream_is_a_file),
        TEST_REAL(only_a_terminal_looks_like_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
