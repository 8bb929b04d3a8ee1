/* Directories are read whole, in pieces of any size, and again from any cookie. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wasi_world.h"

#define ENTRIES_MAX 1200

struct seen {
    uint64_t next, ino;
    uint8_t type;
    char name[256];
};
static struct seen seen[ENTRIES_MAX];

/* Reads on from `cookie` as a C library does; returns how many entries there were. */
static size_t list(struct world *world, uint32_t fd, uint64_t cookie, uint32_t size)
{
    uint32_t mark = world->next;
    uint32_t buffer = room(world, size), ret = room(world, 4);
    size_t count = 0;

    for (;;) {
        memset(at(world, buffer), 0xee, size);
        assert_int_equal(WASI(fd_readdir)(&world->host, fd, buffer, size, cookie, ret),
                         WASI_SUCCESS);
        uint32_t used = load32(world, ret), offset = 0;
        assert_true(used <= size);
        for (uint32_t i = used; i < size; i++)
            assert_int_equal(*(uint8_t *)at(world, buffer + i), 0xee);
        while (used - offset >= sizeof(struct wasi_dirent)) {
            struct wasi_dirent entry;
            memcpy(&entry, at(world, buffer + offset), sizeof entry);
            if (used - offset - sizeof entry < entry.name_bytes)
                break;
            assert_true(count < ENTRIES_MAX);
            seen[count] = (struct seen){entry.next, entry.ino, entry.type, ""};
            memcpy(seen[count].name, at(world, buffer + offset + (uint32_t)sizeof entry),
                   entry.name_bytes);
            assert_int_equal(strlen(seen[count].name), entry.name_bytes);
            cookie = entry.next;
            offset += (uint32_t)sizeof entry + entry.name_bytes;
            count++;
        }
        if (used < size)
            break;
        assert_true(offset > 0); /* a buffer too small for one entry is the caller's mistake */
    }
    world->next = mark;
    return count;
}

static void fill(struct world *world, int count)
{
    char name[64];

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "granted/file.%d", i);
        host_file(world, name, "");
    }
}

static void an_empty_directory_has_dot_and_dot_dot(void **state)
{
    struct world *world = *state;
    struct wasi_filestat filestat;

    stat_at(world, GRANTED, ".", 0, &filestat);
    assert_int_equal(list(world, GRANTED, 0, 256), 2);
    assert_string_equal(seen[0].name, ".");
    assert_string_equal(seen[1].name, "..");
    assert_int_equal(seen[0].type, WASI_FILETYPE_DIRECTORY);
    assert_int_equal(seen[1].type, WASI_FILETYPE_DIRECTORY);
    assert_int_equal(seen[0].ino, filestat.ino);
    assert_int_equal(seen[1].ino, filestat.ino); /* what is above is not told */
}

static void entries_say_type_and_number(void **state)
{
    struct world *world = *state;
    struct wasi_filestat filestat;

    host_file(world, "granted/file", "");
    host_directory(world, "granted/directory");
    host_symlink(world, "/nowhere", "granted/link");
    assert_int_equal(list(world, GRANTED, 0, 4096), 5);
    for (size_t i = 2; i < 5; i++) {
        assert_int_equal(stat_at(world, GRANTED, seen[i].name, 0, &filestat), WASI_SUCCESS);
        assert_int_equal(seen[i].ino, filestat.ino);
        assert_int_equal(seen[i].type, filestat.filetype);
    }
}

static void every_buffer_size_sees_every_entry_once(void **state)
{
    struct world *world = *state;
    static const uint32_t sizes[] = {40, 64, 100, 255, 256, 1000, 4096, 65536};
    static char found[1000];
    int number;

    fill(world, 1000);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(found, 0, sizeof found);
        assert_int_equal(list(world, GRANTED, 0, sizes[i]), 1002);
        for (size_t j = 2; j < 1002; j++) {
            assert_int_equal(sscanf(seen[j].name, "file.%d", &number), 1);
            assert_int_equal(found[number]++, 0);
        }
    }
}

static void a_cookie_stays_good_while_entries_go(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    static struct seen first[ENTRIES_MAX];

    fill(world, 100);
    assert_int_equal(list(world, GRANTED, 0, 4096), 102);
    memcpy(first, seen, sizeof seen);
    for (size_t from = 0; from < 102; from += 7) {
        assert_int_equal(list(world, GRANTED, first[from].next, 4096), 101 - from);
        for (size_t i = 0; i < 101 - from; i++)
            assert_string_equal(seen[i].name, first[from + 1 + i].name);
    }
    /* What was listed is removed; what was not is still there. */
    for (size_t i = 2; i < 50; i++)
        assert_int_equal(WASI(path_unlink_file)(host, GRANTED, PATH(world, first[i].name)), 0);
    assert_int_equal(list(world, GRANTED, first[49].next, 4096), 52);
    assert_string_equal(seen[0].name, first[50].name);
    assert_int_equal(list(world, GRANTED, 0, 4096), 54);
}

static void two_descriptors_do_not_share_a_position(void **state)
{
    struct world *world = *state;
    uint32_t fd;

    fill(world, 10);
    assert_int_equal(open_at(world, GRANTED, ".", 0, 0, WASI_RIGHT_FD_READDIR, 0, &fd), 0);
    assert_int_equal(list(world, GRANTED, 0, 64), 12);
    uint64_t middle = seen[5].next;
    assert_int_equal(list(world, fd, 0, 64), 12);
    assert_int_equal(list(world, READ_ONLY, middle, 64), 6);
    assert_int_equal(list(world, fd, 0, 64), 12);
}

static void a_removed_directory_is_empty(void **state)
{
    struct world *world = *state;
    uint32_t fd;

    host_directory(world, "granted/directory");
    assert_int_equal(open_at(world, GRANTED, "directory", 0, 0, WASI_RIGHT_FD_READDIR, 0, &fd), 0);
    assert_int_equal(WASI(path_remove_directory)(&world->host, GRANTED, PATH(world, "directory")),
                     0);
    assert_int_equal(list(world, fd, 0, 256), 2);
}

static void odd_requests_are_refused(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t buffer = room(world, 256), ret = room(world, 4), fd;

    host_file(world, "granted/file", "");
    assert_int_equal(open_at(world, GRANTED, "file", 0, 0, EVERY_RIGHT, 0, &fd), 0);
    assert_int_equal(WASI(fd_readdir)(host, fd, buffer, 256, 0, ret), WASI_ENOTDIR);
    assert_int_equal(WASI(fd_readdir)(host, 1, buffer, 256, 0, ret), WASI_ENOTDIR);
    assert_int_equal(WASI(fd_readdir)(host, 99, buffer, 256, 0, ret), WASI_EBADF);
    assert_int_equal(WASI(fd_readdir)(host, GRANTED, buffer, 256, UINT64_MAX, ret), WASI_EINVAL);
    assert_int_equal(WASI(fd_readdir)(host, GRANTED, buffer, 256, (UINT64_C(1) << 63) + 2, ret),
                     WASI_EINVAL);
    assert_int_equal(WASI(fd_readdir)(host, GRANTED, MEMORY_BYTES - 255, 256, 0, ret), WASI_EFAULT);
    assert_int_equal(WASI(fd_readdir)(host, GRANTED, buffer, UINT32_MAX, 0, ret), WASI_EFAULT);
    assert_int_equal(WASI(fd_readdir)(host, GRANTED, buffer, 256, 0, MEMORY_BYTES - 3),
                     WASI_EFAULT);
    assert_int_equal(WASI(fd_readdir)(host, GRANTED, buffer, 0, 0, ret), WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 0);
    assert_int_equal(WASI(fd_readdir)(host, GRANTED, buffer, 25, 0, ret), WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 25);
    assert_int_equal(WASI(fd_readdir)(host, GRANTED, buffer, 10, 0, ret), WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_directory_has_dot_and_dot_dot),
        TEST(entries_say_type_and_number),
        TEST(every_buffer_size_sees_every_entry_once),
        TEST(a_cookie_stays_good_while_entries_go),
        TEST(two_descriptors_do_not_share_a_position),
        TEST(a_removed_directory_is_empty),
        TEST(odd_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
