/* No path leaves the granted directory; names mean what they mean on Linux below it. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wasi_world.h"

#define FOLLOW WASI_LOOKUP_SYMLINK_FOLLOW

/* Each operation with a path that it takes, on a directory and with what makes it succeed
 * elsewhere. */
static uint32_t op_open(struct world *world, const char *path)
{
    return open_at(world, GRANTED, path, FOLLOW, 0, WASI_RIGHT_FD_READ, 0, NULL);
}
static uint32_t op_open_nofollow(struct world *world, const char *path)
{
    return open_at(world, GRANTED, path, 0, 0, WASI_RIGHT_FD_READ, 0, NULL);
}
static uint32_t op_create(struct world *world, const char *path)
{
    return open_at(world, GRANTED, path, FOLLOW, WASI_OFLAG_CREAT | WASI_OFLAG_TRUNC,
                   WASI_RIGHT_FD_WRITE, 0, NULL);
}
static uint32_t op_open_directory(struct world *world, const char *path)
{
    return open_at(world, GRANTED, path, FOLLOW, WASI_OFLAG_DIRECTORY, 0, 0, NULL);
}
static uint32_t op_stat(struct world *world, const char *path)
{
    return stat_at(world, GRANTED, path, FOLLOW, NULL);
}
static uint32_t op_set_times(struct world *world, const char *path)
{
    return WASI(path_filestat_set_times)(&world->host, GRANTED, FOLLOW, PATH(world, path), 0, 0,
                                         WASI_FST_MTIM);
}
static uint32_t op_mkdir(struct world *world, const char *path)
{
    return WASI(path_create_directory)(&world->host, GRANTED, PATH(world, path));
}
static uint32_t op_rmdir(struct world *world, const char *path)
{
    return WASI(path_remove_directory)(&world->host, GRANTED, PATH(world, path));
}
static uint32_t op_unlink(struct world *world, const char *path)
{
    return WASI(path_unlink_file)(&world->host, GRANTED, PATH(world, path));
}
static uint32_t rename_to(struct world *world, const char *from, const char *to)
{
    return WASI(path_rename)(&world->host, GRANTED, PATH(world, from), GRANTED, PATH(world, to));
}
static uint32_t op_rename_from(struct world *world, const char *path)
{
    return rename_to(world, path, "moved");
}
static uint32_t op_rename_to(struct world *world, const char *path)
{
    return rename_to(world, "file", path);
}
static uint32_t link_to(struct world *world, const char *from, const char *to)
{
    return WASI(path_link)(&world->host, GRANTED, 0, PATH(world, from), GRANTED, PATH(world, to));
}
static uint32_t op_link_from(struct world *world, const char *path)
{
    return link_to(world, path, "linked");
}
static uint32_t op_link_to(struct world *world, const char *path)
{
    return link_to(world, "file", path);
}
static uint32_t symlink_to(struct world *world, const char *target, const char *path)
{
    return WASI(path_symlink)(&world->host, PATH(world, target), GRANTED, PATH(world, path));
}
static uint32_t op_symlink(struct world *world, const char *path)
{
    return symlink_to(world, "file", path);
}
static uint32_t op_readlink(struct world *world, const char *path)
{
    uint32_t buffer = room(world, 64), ret = room(world, 4);

    return WASI(path_readlink)(&world->host, GRANTED, PATH(world, path), buffer, 64, ret);
}

typedef uint32_t operation(struct world *world, const char *path);
static operation *const every_operation[] = {
    op_open,      op_open_nofollow, op_create,  op_open_directory, op_stat,
    op_set_times, op_mkdir,         op_rmdir,   op_unlink,         op_rename_from,
    op_rename_to, op_link_from,     op_link_to, op_symlink,        op_readlink,
};
#define OPERATIONS (sizeof every_operation / sizeof *every_operation)

static int setup(void **state)
{
    if (world_setup(state) < 0)
        return -1;
    struct world *world = *state;
    host_file(world, "granted/file", "text");
    host_directory(world, "granted/dir");
    return 0;
}

static void escapes_are_refused_to_every_operation(void **state)
{
    struct world *world = *state;
    static const char *const escapes[] = {
        "../outside/secret",
        "../outside/new",
        "..",
        "../",
        "../..",
        "dir/../../outside/secret",
        "dir/../..",
        "./../outside/secret",
        "../granted/file", /* out and in again is out */
        "dir/../../granted/file",
        "/etc/passwd",
        "/",
        "//",
        "/granted/file",
        "up/outside/secret", /* a symlink to .. */
        "absolute/secret",   /* a symlink to an absolute path */
        "chain/secret",      /* a symlink to a symlink to the outside */
        "dir/out/secret",    /* a symlink in a directory */
        "dir/out/new",
        "self/../file",       /* an absolute symlink, even to ourselves */
        "proc/self/root/etc", /* a symlink to /proc */
    };
    char target[128];

    host_symlink(world, "..", "granted/up");
    snprintf(target, sizeof target, "%s/outside", world->top);
    host_symlink(world, target, "granted/absolute");
    host_symlink(world, "up/outside", "granted/chain");
    host_symlink(world, "../../outside", "granted/dir/out");
    snprintf(target, sizeof target, "%s/granted/dir", world->top);
    host_symlink(world, target, "granted/self");
    host_symlink(world, "/proc", "granted/proc");
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        for (size_t j = 0; j < OPERATIONS; j++) {
            uint32_t mark = world->next;
            assert_int_equal(every_operation[j](world, escapes[i]), WASI_EPERM);
            world->next = mark;
        }
    }
    assert_outside_untouched(world);
}

static void a_last_symlink_is_followed_only_inside(void **state)
{
    struct world *world = *state;
    struct wasi_filestat filestat;

    host_symlink(world, "../outside/secret", "granted/escape");
    host_symlink(world, "../outside/new", "granted/dangling-escape");
    host_symlink(world, "/etc/passwd", "granted/passwd");
    host_symlink(world, "../outside", "granted/way-out");
    static const char *const links[] = {"escape", "dangling-escape", "passwd", "way-out"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(op_open(world, links[i]), WASI_EPERM);
        assert_int_equal(op_create(world, links[i]), WASI_EPERM);
        assert_int_equal(op_stat(world, links[i]), WASI_EPERM);
        assert_int_equal(op_set_times(world, links[i]), WASI_EPERM);
        /* Not followed: the link itself, which is ours. */
        assert_int_equal(op_open_nofollow(world, links[i]), WASI_ELOOP);
        assert_int_equal(stat_at(world, GRANTED, links[i], 0, &filestat), WASI_SUCCESS);
        assert_int_equal(filestat.filetype, WASI_FILETYPE_SYMBOLIC_LINK);
        assert_int_equal(op_readlink(world, links[i]), WASI_SUCCESS);
        assert_int_equal(op_mkdir(world, links[i]), WASI_EEXIST);
        assert_int_equal(op_rmdir(world, links[i]), WASI_ENOTDIR);
    }
    /* A trailing slash follows where a file is looked up, and there it is caught. */
    assert_int_equal(op_open_nofollow(world, "way-out/"), WASI_EPERM);
    assert_int_equal(stat_at(world, GRANTED, "way-out/", 0, &filestat), WASI_EPERM);
    assert_int_equal(op_readlink(world, "way-out/"), WASI_EPERM);
    assert_int_equal(op_link_from(world, "way-out/"), WASI_EPERM);
    assert_int_equal(op_link_from(world, "escape/"), WASI_EPERM);
    assert_int_equal(op_rmdir(world, "way-out/"), WASI_ENOTDIR);
    assert_int_equal(op_unlink(world, "way-out/"), WASI_ENOTDIR);
    assert_int_equal(op_mkdir(world, "way-out/"), WASI_EEXIST);
    /* A hard link to a symlink is one more symlink; the target does not count it. */
    assert_int_equal(op_link_from(world, "escape"), WASI_SUCCESS);
    assert_int_equal(stat_at(world, GRANTED, "linked", 0, &filestat), WASI_SUCCESS);
    assert_int_equal(filestat.filetype, WASI_FILETYPE_SYMBOLIC_LINK);
    assert_outside_untouched(world);
}

static void an_opened_directory_is_no_way_out(void **state)
{
    struct world *world = *state;
    uint32_t fd;

    assert_int_equal(open_at(world, GRANTED, "dir", 0, WASI_OFLAG_DIRECTORY,
                             EVERY_RIGHT & ~WASI_RIGHT_FD_WRITE, 0, &fd),
                     WASI_SUCCESS);
    assert_int_equal(open_at(world, fd, "../file", 0, 0, 0, 0, NULL), WASI_EPERM);
    assert_int_equal(stat_at(world, fd, "..", 0, NULL), WASI_EPERM);
    /* Moved out by the host while it is open: still nothing above it. */
    char from[128], to[128];
    snprintf(from, sizeof from, "%s/granted/dir", world->top);
    snprintf(to, sizeof to, "%s/outside/dir", world->top);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(open_at(world, fd, "../secret", 0, 0, 0, 0, NULL), WASI_EPERM);
    assert_int_equal(rename(to, from), 0);
}

/* A magic link: a descriptor's link in /proc. */
static void a_magic_link_is_not_followed(void **state)
{
    struct world *world = *state;
    struct wasi_directory proc = {open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC), "/p", true};
    struct wasi_options options = {.directories = &proc, .directory_count = 1};
    struct wasi *wasi = NULL, *old = world->host.wasi;

    assert_int_equal(wasi_new(&options, &wasi, NULL), 0);
    world->host.wasi = wasi;
    assert_int_equal(op_open(world, "root/etc/passwd"), WASI_ELOOP);
    assert_int_equal(op_open(world, "root"), WASI_ELOOP);
    assert_int_equal(op_open(world, "cwd"), WASI_ELOOP);
    assert_int_equal(op_open(world, "fd/0"), WASI_ELOOP);
    assert_int_equal(op_stat(world, "exe"), WASI_ELOOP);
    assert_int_equal(op_mkdir(world, "root/tmp/x"), WASI_ELOOP);
    world->host.wasi = old;
    wasi_free(wasi);
    close(proc.fd);
}

struct swap {
    struct world *world;
    _Atomic int stop;
};

static void *swap_directory_and_symlink(void *argument)
{
    struct swap *swap = argument;
    char directory[128], link[128];

    snprintf(directory, sizeof directory, "%s/granted/changing", swap->world->top);
    snprintf(link, sizeof link, "%s/granted/other", swap->world->top);
    while (!atomic_load(&swap->stop))
        renameat2(AT_FDCWD, directory, AT_FDCWD, link, RENAME_EXCHANGE);
    return NULL;
}

static void a_directory_swapped_for_a_symlink_leads_nowhere(void **state)
{
    struct world *world = *state;
    struct swap swap = {.world = world};
    pthread_t thread;
    int inside = 0, refused = 0;

    host_directory(world, "granted/changing");
    host_file(world, "granted/changing/secret", "inside");
    host_symlink(world, "../outside", "granted/other");
    assert_int_equal(pthread_create(&thread, NULL, swap_directory_and_symlink, &swap), 0);
    for (int i = 0; i < 20000; i++) {
        uint32_t mark = world->next, fd;
        uint32_t error =
            open_at(world, GRANTED, "changing/secret", FOLLOW, 0, WASI_RIGHT_FD_READ, 0, &fd);
        if (error == WASI_SUCCESS) {
            inside++;
            if (strcmp(read_text(world, fd), "inside") != 0)
                break;
            WASI(fd_close)(&world->host, fd);
        } else {
            refused++;
            if (error != WASI_EPERM)
                break;
        }
        op_mkdir(world, "changing/made");
        op_unlink(world, "changing/secret-not");
        op_rmdir(world, "changing/made");
        world->next = mark;
    }
    atomic_store(&swap.stop, 1);
    pthread_join(thread, NULL);
    assert_int_equal(inside + refused, 20000);
    assert_outside_untouched(world);
}

static void odd_paths_are_refused(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    static const struct {
        const char *path;
        uint32_t bytes, error;
    } refused[] = {
        {"", 0, WASI_ENOENT},
        {"file\0", 5, WASI_EINVAL},
        {"fi\0le", 5, WASI_EINVAL},
        {"\0", 1, WASI_EINVAL},
        {"\xff", 1, WASI_EILSEQ},
        {"a\x80", 2, WASI_EILSEQ},
        {"\xc3", 1, WASI_EILSEQ},               /* cut */
        {"\xe2\x82", 2, WASI_EILSEQ},           /* cut */
        {"\xc0\xaf", 2, WASI_EILSEQ},           /* an overlong slash */
        {"\xe0\x80\xaf", 3, WASI_EILSEQ},       /* the same, longer */
        {"\xc0\xae\xc0\xae/x", 6, WASI_EILSEQ}, /* overlong dots */
        {"\xed\xa0\x80", 3, WASI_EILSEQ},       /* a surrogate */
        {"\xf4\x90\x80\x80", 4, WASI_EILSEQ},   /* past U+10FFFF */
        {"\xf8\x88\x80\x80\x80", 5, WASI_EILSEQ},
    };
    uint32_t ret = room(world, 64);

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        uint32_t path = put(world, refused[i].path, refused[i].bytes), bytes = refused[i].bytes;
        uint32_t error = refused[i].error;
        assert_int_equal(
            WASI(path_open)(host, GRANTED, 0, path, bytes, WASI_OFLAG_CREAT, 0, 0, 0, ret), error);
        assert_int_equal(WASI(path_create_directory)(host, GRANTED, path, bytes), error);
        assert_int_equal(WASI(path_filestat_get)(host, GRANTED, 0, path, bytes, ret), error);
        assert_int_equal(WASI(path_unlink_file)(host, GRANTED, path, bytes), error);
        assert_int_equal(WASI(path_remove_directory)(host, GRANTED, path, bytes), error);
        assert_int_equal(WASI(path_readlink)(host, GRANTED, path, bytes, ret, 64, ret), error);
        assert_int_equal(WASI(path_rename)(host, GRANTED, path, bytes, GRANTED, PATH(world, "x")),
                         error);
        assert_int_equal(
            WASI(path_rename)(host, GRANTED, PATH(world, "file"), GRANTED, path, bytes), error);
        assert_int_equal(
            WASI(path_link)(host, GRANTED, 0, PATH(world, "file"), GRANTED, path, bytes), error);
        assert_int_equal(WASI(path_symlink)(host, PATH(world, "file"), GRANTED, path, bytes),
                         error);
        assert_int_equal(WASI(path_symlink)(host, path, bytes, GRANTED, PATH(world, "x")), error);
    }
    static char dots[8192];
    for (size_t i = 0; i < sizeof dots; i += 2)
        memcpy(dots + i, "./", 2);
    uint32_t path = put(world, dots, sizeof dots);
    assert_int_equal(WASI(path_filestat_get)(host, GRANTED, 0, path, 4095, ret), WASI_SUCCESS);
    assert_int_equal(WASI(path_filestat_get)(host, GRANTED, 0, path, 4096, ret), WASI_ENAMETOOLONG);
    assert_int_equal(WASI(path_filestat_get)(host, GRANTED, 0, path, 8192, ret), WASI_ENAMETOOLONG);
    assert_int_equal(WASI(path_filestat_get)(host, GRANTED, 0, 0, MEMORY_BYTES, ret),
                     WASI_ENAMETOOLONG);
    memset(dots, 'n', 256);
    path = put(world, dots, 256);
    assert_int_equal(WASI(path_create_directory)(host, GRANTED, path, 256), WASI_ENAMETOOLONG);
    assert_int_equal(WASI(path_create_directory)(host, GRANTED, path, 255), WASI_SUCCESS);
    assert_int_equal(op_mkdir(world, "gr\xc3\xb6\xc3\x9f"
                                     "e-\xf0\x9f\x98\x80"),
                     WASI_SUCCESS);
}

static void trailing_slashes_and_dots_mean_a_directory(void **state)
{
    struct world *world = *state;

    assert_int_equal(op_open(world, "dir/.//../dir/./../file"), WASI_SUCCESS);
    assert_int_equal(op_open(world, "file/"), WASI_ENOTDIR);
    assert_int_equal(op_open(world, "file///"), WASI_ENOTDIR);
    assert_int_equal(op_open(world, "file/."), WASI_ENOTDIR);
    assert_int_equal(op_open(world, "dir/"), WASI_SUCCESS);
    assert_int_equal(op_open(world, "dir///"), WASI_SUCCESS);
    assert_int_equal(op_open(world, "."), WASI_SUCCESS);
    assert_int_equal(op_stat(world, "file/"), WASI_ENOTDIR);
    assert_int_equal(op_mkdir(world, "new/"), WASI_SUCCESS);
    assert_int_equal(op_mkdir(world, "new///"), WASI_EEXIST);
    assert_int_equal(op_rmdir(world, "new/"), WASI_SUCCESS);
    assert_int_equal(op_rmdir(world, "file/"), WASI_ENOTDIR);
    assert_int_equal(op_rmdir(world, "file"), WASI_ENOTDIR);
    assert_int_equal(op_rmdir(world, "."), WASI_EINVAL);
    assert_int_equal(op_unlink(world, "dir"), WASI_EISDIR);
    assert_int_equal(op_unlink(world, "dir/"), WASI_EISDIR);
    assert_int_equal(op_unlink(world, "file/"), WASI_ENOTDIR);
    assert_int_equal(op_symlink(world, "new/"), WASI_ENOENT);
    assert_int_equal(op_symlink(world, "dir/"), WASI_EEXIST);
    assert_int_equal(op_link_to(world, "new/"), WASI_ENOENT);
    assert_int_equal(op_link_from(world, "file/"), WASI_ENOTDIR);
    assert_int_equal(op_link_from(world, "dir/"), WASI_EPERM);
    assert_int_equal(op_link_from(world, "missing/"), WASI_ENOENT);
    assert_int_equal(rename_to(world, "dir/", "moved"), WASI_SUCCESS);
    assert_int_equal(rename_to(world, "moved", "dir/"), WASI_SUCCESS);
    assert_int_equal(rename_to(world, "dir/", "moved/"), WASI_SUCCESS);
    assert_int_equal(rename_to(world, "file", "new/"), WASI_ENOTDIR);
    assert_int_equal(rename_to(world, "file/", "new"), WASI_ENOTDIR);
}

static void names_are_made_moved_and_removed(void **state)
{
    struct world *world = *state;

    assert_int_equal(op_mkdir(world, "dir"), WASI_EEXIST);
    assert_int_equal(op_mkdir(world, "missing/new"), WASI_ENOENT);
    assert_int_equal(op_mkdir(world, "file/new"), WASI_ENOTDIR);
    assert_int_equal(op_mkdir(world, "dir/sub"), WASI_SUCCESS);
    assert_int_equal(op_rmdir(world, "dir"), WASI_ENOTEMPTY);
    assert_int_equal(op_rmdir(world, "missing"), WASI_ENOENT);
    assert_int_equal(op_unlink(world, "missing"), WASI_ENOENT);
    assert_int_equal(rename_to(world, "missing", "x"), WASI_ENOENT);
    assert_int_equal(rename_to(world, "file", "dir"), WASI_EISDIR);
    assert_int_equal(rename_to(world, "dir", "file"), WASI_ENOTDIR);
    assert_int_equal(rename_to(world, "dir", "dir/sub/x"), WASI_EINVAL);
    assert_int_equal(op_mkdir(world, "other"), WASI_SUCCESS);
    assert_int_equal(rename_to(world, "other", "dir"), WASI_ENOTEMPTY);
    assert_int_equal(rename_to(world, "dir", "other"), WASI_SUCCESS);
    assert_int_equal(rename_to(world, "file", "other/sub/file"), WASI_SUCCESS);
    assert_int_equal(op_unlink(world, "other/sub/file"), WASI_SUCCESS);
    assert_int_equal(op_rmdir(world, "other/sub"), WASI_SUCCESS);
    assert_int_equal(op_rmdir(world, "other"), WASI_SUCCESS);
}

static void links_link_files_and_nothing_else(void **state)
{
    struct world *world = *state;
    struct wasi_filestat one, two;

    assert_int_equal(op_link_from(world, "file"), WASI_SUCCESS);
    assert_int_equal(stat_at(world, GRANTED, "file", 0, &one), WASI_SUCCESS);
    assert_int_equal(stat_at(world, GRANTED, "linked", 0, &two), WASI_SUCCESS);
    assert_int_equal(one.ino, two.ino);
    assert_int_equal(two.nlink, 2);
    assert_int_equal(op_link_from(world, "file"), WASI_EEXIST);
    assert_int_equal(link_to(world, "file", "file"), WASI_EEXIST);
    assert_int_equal(link_to(world, "dir", "new"), WASI_EPERM);
    assert_int_equal(link_to(world, "missing", "new"), WASI_ENOENT);
    assert_int_equal(symlink_to(world, "nowhere", "dangling"), WASI_SUCCESS);
    assert_int_equal(link_to(world, "dangling", "copy"), WASI_SUCCESS);
    assert_int_equal(link_to(world, "file", "dangling"), WASI_EEXIST);
    assert_int_equal(WASI(path_link)(&world->host, GRANTED, FOLLOW, PATH(world, "dangling"),
                                     GRANTED, PATH(world, "new")),
                     WASI_EINVAL);
}

static void symlinks_are_made_read_and_looped(void **state)
{
    struct world *world = *state;
    uint32_t buffer = room(world, 16), ret = room(world, 4);
    struct wasi_filestat filestat;

    assert_int_equal(symlink_to(world, "/etc", "absolute"), WASI_EPERM);
    assert_int_equal(symlink_to(world, "/", "absolute"), WASI_EPERM);
    assert_int_equal(symlink_to(world, "dir/../file", "link"), WASI_SUCCESS);
    assert_int_equal(symlink_to(world, "x", "link"), WASI_EEXIST);
    assert_int_equal(op_open(world, "link"), WASI_SUCCESS);
    assert_int_equal(op_open_nofollow(world, "link"), WASI_ELOOP);
    assert_int_equal(stat_at(world, GRANTED, "link", FOLLOW, &filestat), WASI_SUCCESS);
    assert_int_equal(filestat.filetype, WASI_FILETYPE_REGULAR_FILE);
    assert_int_equal(filestat.size, 4);

    struct host *host = &world->host;
    assert_int_equal(WASI(path_readlink)(host, GRANTED, PATH(world, "link"), buffer, 16, ret),
                     WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 11);
    assert_memory_equal(at(world, buffer), "dir/../file\0\0\0\0", 16);
    memset(at(world, buffer), 0, 16);
    assert_int_equal(WASI(path_readlink)(host, GRANTED, PATH(world, "link"), buffer, 4, ret),
                     WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 4);
    assert_memory_equal(at(world, buffer), "dir/\0\0", 6);
    assert_int_equal(WASI(path_readlink)(host, GRANTED, PATH(world, "link"), buffer, 0, ret),
                     WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 0);
    assert_int_equal(op_readlink(world, "file"), WASI_EINVAL);
    assert_int_equal(op_readlink(world, "dir"), WASI_EINVAL);
    assert_int_equal(op_readlink(world, "missing"), WASI_ENOENT);

    assert_int_equal(symlink_to(world, "loop", "loop"), WASI_SUCCESS);
    assert_int_equal(op_open(world, "loop"), WASI_ELOOP);
    assert_int_equal(op_open_nofollow(world, "loop"), WASI_ELOOP);
    assert_int_equal(op_open(world, "loop/x"), WASI_ELOOP);
    assert_int_equal(symlink_to(world, "dir", "to-dir"), WASI_SUCCESS);
    assert_int_equal(open_at(world, GRANTED, "to-dir", 0, WASI_OFLAG_DIRECTORY, 0, 0, NULL),
                     WASI_ENOTDIR);
    assert_int_equal(op_open_directory(world, "to-dir"), WASI_SUCCESS);
    assert_int_equal(op_open_directory(world, "link"), WASI_ENOTDIR);
}

static void times_of_a_link_and_of_its_target_differ(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    struct wasi_filestat link, file, before;

    symlink_to(world, "file", "link");
    stat_at(world, GRANTED, "file", 0, &before);
    assert_int_equal(WASI(path_filestat_set_times)(host, GRANTED, 0, PATH(world, "link"), 5,
                                                   1234567890123456789, WASI_FST_MTIM),
                     WASI_SUCCESS);
    stat_at(world, GRANTED, "link", 0, &link);
    stat_at(world, GRANTED, "file", 0, &file);
    assert_true(link.mtim == 1234567890123456789);
    assert_true(file.mtim == before.mtim);
    assert_int_equal(WASI(path_filestat_set_times)(host, GRANTED, FOLLOW, PATH(world, "link"), 77,
                                                   5, WASI_FST_ATIM | WASI_FST_MTIM_NOW),
                     WASI_SUCCESS);
    stat_at(world, GRANTED, "file", 0, &file);
    assert_int_equal(file.atim, 77);
    assert_true(file.mtim >= before.mtim);

    static const uint32_t refused[] = {WASI_FST_ATIM | WASI_FST_ATIM_NOW,
                                       WASI_FST_MTIM | WASI_FST_MTIM_NOW, 16, 15, UINT32_MAX};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(
            WASI(path_filestat_set_times)(host, GRANTED, 0, PATH(world, "file"), 1, 1, refused[i]),
            WASI_EINVAL);
    assert_int_equal(WASI(path_filestat_set_times)(host, GRANTED, 2, PATH(world, "file"), 1, 1, 0),
                     WASI_EINVAL);
}

static void a_read_only_directory_is_not_written_to(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t ret = room(world, 64), fd;
    const uint32_t no = WASI_ENOTCAPABLE;

    assert_int_equal(open_at(world, READ_ONLY, "file", 0, 0, WASI_RIGHT_FD_READ, 0, &fd), 0);
    assert_string_equal(read_text(world, fd), "text");
    assert_int_equal(write_text(world, fd, "x"), WASI_EBADF);
    assert_int_equal(WASI(fd_filestat_set_size)(host, fd, 0), no);
    assert_int_equal(WASI(fd_filestat_set_times)(host, fd, 0, 0, WASI_FST_ATIM), no);
    assert_int_equal(WASI(fd_allocate)(host, fd, 0, 9), no);
    assert_int_equal(open_at(world, READ_ONLY, "file", 0, 0, WASI_RIGHT_FD_WRITE, 0, NULL), no);
    assert_int_equal(open_at(world, READ_ONLY, "file", 0, WASI_OFLAG_TRUNC, 0, 0, NULL), no);
    assert_int_equal(open_at(world, READ_ONLY, "new", 0, WASI_OFLAG_CREAT, 0, 0, NULL), no);
    assert_int_equal(WASI(path_create_directory)(host, READ_ONLY, PATH(world, "new")), no);
    assert_int_equal(WASI(path_unlink_file)(host, READ_ONLY, PATH(world, "file")), no);
    assert_int_equal(WASI(path_remove_directory)(host, READ_ONLY, PATH(world, "dir")), no);
    assert_int_equal(WASI(path_symlink)(host, PATH(world, "x"), READ_ONLY, PATH(world, "new")), no);
    assert_int_equal(
        WASI(path_filestat_set_times)(host, READ_ONLY, 0, PATH(world, "file"), 0, 0, 1), no);
    assert_int_equal(WASI(fd_filestat_set_times)(host, READ_ONLY, 0, 0, 1), no);
    /* Nor out of it: a link in a writable directory would be a way in. */
    assert_int_equal(
        WASI(path_link)(host, READ_ONLY, 0, PATH(world, "file"), GRANTED, PATH(world, "y")), no);
    assert_int_equal(
        WASI(path_rename)(host, READ_ONLY, PATH(world, "file"), GRANTED, PATH(world, "y")), no);
    assert_int_equal(
        WASI(path_link)(host, GRANTED, 0, PATH(world, "file"), READ_ONLY, PATH(world, "y")), no);
    assert_int_equal(
        WASI(path_rename)(host, GRANTED, PATH(world, "file"), READ_ONLY, PATH(world, "y")), no);
    /* Nor below it, whatever is asked for. */
    assert_int_equal(open_at(world, READ_ONLY, "dir", 0, WASI_OFLAG_DIRECTORY,
                             EVERY_RIGHT & ~WASI_RIGHT_FD_WRITE, 0, &fd),
                     WASI_SUCCESS);
    assert_int_equal(open_at(world, fd, "new", 0, WASI_OFLAG_CREAT, 0, 0, NULL), no);
    assert_int_equal(WASI(path_create_directory)(host, fd, PATH(world, "new")), no);
    assert_int_equal(WASI(fd_fdstat_set_rights)(host, fd, EVERY_RIGHT, EVERY_RIGHT), no);
    assert_int_equal(stat_at(world, READ_ONLY, "file", 0, NULL), WASI_SUCCESS);
    assert_int_equal(WASI(fd_readdir)(host, fd, ret, 64, 0, ret), WASI_SUCCESS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(escapes_are_refused_to_every_operation),
        TEST(a_last_symlink_is_followed_only_inside),
        TEST(an_opened_directory_is_no_way_out),
        TEST(a_magic_link_is_not_followed),
        TEST(a_directory_swapped_for_a_symlink_leads_nowhere),
        TEST(odd_paths_are_refused),
        TEST(trailing_slashes_and_dots_mean_a_directory),
        TEST(names_are_made_moved_and_removed),
        TEST(links_link_files_and_nothing_else),
        TEST(symlinks_are_made_read_and_looped),
        TEST(times_of_a_link_and_of_its_target_differ),
        TEST(a_read_only_directory_is_not_written_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
