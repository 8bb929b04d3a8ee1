/* The world of the tests of WASI, and the three functions that the rest of the guest gives it. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wasi_world.h"

static struct world *current;

void host_leave(struct host *host, enum host_exit exit)
{
    host->exit = exit;
    longjmp(current->leave, 1);
}

int call_answer(struct guest_call *call, const void *data, size_t bytes)
{
    if (bytes > call->answer_max - call->answer_bytes)
        return -EFBIG;
    memcpy(call->answer + call->answer_bytes, data, bytes);
    call->answer_bytes += (uint32_t)bytes;
    return 0;
}

void call_log(struct guest_call *call, const void *data, size_t bytes)
{
    (void)call;
    if (bytes > sizeof current->log - current->log_bytes)
        bytes = sizeof current->log - current->log_bytes;
    memcpy(current->log + current->log_bytes, data, bytes);
    current->log_bytes += bytes;
}

static int setup(void **state, bool real)
{
    struct world *world = calloc(1, sizeof *world);
    char path[128];

    strcpy(world->top, "/tmp/vireo-wasi-XXXXXX");
    if (!mkdtemp(world->top))
        return -1;
    host_directory(world, "granted");
    host_directory(world, "outside");
    host_file(world, "outside/secret", "secret");
    snprintf(path, sizeof path, "%s/granted", world->top);
    world->granted_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    world->memory = (wasm_rt_memory_t){
        .data = calloc(1, MEMORY_BYTES), .pages = MEMORY_BYTES >> 16, .size = MEMORY_BYTES};
    world->next = 64;
    world->args[0] = "program", world->args[1] = "", world->args[2] = "an argument";
    world->env[0] = "HOME=/granted", world->env[1] = "EMPTY=";
    world->directories[0] = (struct wasi_directory){world->granted_fd, "/granted", true};
    world->directories[1] = (struct wasi_directory){world->granted_fd, "/read-only", false};
    struct wasi_options options = {
        .args = world->args,
        .arg_count = 3,
        .env = world->env,
        .env_count = 2,
        .directories = world->directories,
        .directory_count = 2,
        .real_stdio = real,
    };
    if (wasi_new(&options, &world->host.wasi, NULL) < 0)
        return -1;
    world->call.answer = world->answer;
    world->call.answer_max = sizeof world->answer;
    world->host.memory = &world->memory;
    world->host.call = real ? NULL : &world->call;
    current = world;
    *state = world;
    return 0;
}

int world_setup(void **state)
{
    return setup(state, false);
}

int world_setup_real(void **state)
{
    return setup(state, true);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int world_teardown(void **state)
{
    struct world *world = *state;

    wasi_free(world->host.wasi);
    close(world->granted_fd);
    nftw(world->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(world->memory.data);
    free(world);
    return 0;
}

uint32_t room(struct world *world, size_t bytes)
{
    uint32_t address = (world->next + 7) & ~7u;

    assert_true(address + bytes <= MEMORY_BYTES);
    world->next = address + (uint32_t)bytes;
    memset(world->memory.data + address, 0, bytes);
    return address;
}

uint32_t put(struct world *world, const void *data, size_t bytes)
{
    uint32_t address = room(world, bytes);

    memcpy(world->memory.data + address, data, bytes);
    return address;
}

void *at(struct world *world, uint32_t address)
{
    return world->memory.data + address;
}

uint32_t load32(struct world *world, uint32_t address)
{
    uint32_t value;

    memcpy(&value, at(world, address), sizeof value);
    return value;
}

uint64_t load64(struct world *world, uint32_t address)
{
    uint64_t value;

    memcpy(&value, at(world, address), sizeof value);
    return value;
}

uint32_t open_at(struct world *world, uint32_t fd, const char *path, uint32_t lookup,
                 uint32_t oflags, uint64_t rights, uint32_t fdflags, uint32_t *ret_fd)
{
    uint32_t mark = world->next;
    uint32_t text = put(world, path, strlen(path));
    uint32_t ret = room(world, 4);
    uint32_t error = WASI(path_open)(&world->host, fd, lookup, text, (uint32_t)strlen(path), oflags,
                                     rights, EVERY_RIGHT, fdflags, ret);

    if (!error && ret_fd)
        *ret_fd = load32(world, ret);
    else if (!error)
        WASI(fd_close)(&world->host, load32(world, ret));
    world->next = mark;
    return error;
}

uint32_t open_ok(struct world *world, const char *path, uint32_t oflags, uint64_t rights)
{
    uint32_t fd = 0;

    assert_int_equal(open_at(world, GRANTED, path, 0, oflags, rights, 0, &fd), WASI_SUCCESS);
    assert_true(fd > READ_ONLY);
    return fd;
}

uint32_t write_text(struct world *world, uint32_t fd, const char *text)
{
    struct wasi_iovec iovec = {put(world, text, strlen(text)), (uint32_t)strlen(text)};
    uint32_t list = put(world, &iovec, sizeof iovec);
    uint32_t ret = room(world, 4);
    uint32_t error = WASI(fd_write)(&world->host, fd, list, 1, ret);

    if (!error)
        assert_int_equal(load32(world, ret), strlen(text));
    return error;
}

const char *read_text(struct world *world, uint32_t fd)
{
    struct wasi_iovec iovec = {room(world, 65), 64};
    uint32_t list = put(world, &iovec, sizeof iovec);
    uint32_t ret = room(world, 4);

    assert_int_equal(WASI(fd_read)(&world->host, fd, list, 1, ret), WASI_SUCCESS);
    assert_true(load32(world, ret) <= 64);
    return at(world, iovec.buffer);
}

uint32_t stat_at(struct world *world, uint32_t fd, const char *path, uint32_t lookup,
                 struct wasi_filestat *ret_filestat)
{
    uint32_t text = put(world, path, strlen(path));
    uint32_t ret = room(world, sizeof *ret_filestat);
    uint32_t error =
        WASI(path_filestat_get)(&world->host, fd, lookup, text, (uint32_t)strlen(path), ret);

    if (!error && ret_filestat)
        memcpy(ret_filestat, at(world, ret), sizeof *ret_filestat);
    return error;
}

struct wasi_fdstat fdstat_of(struct world *world, uint32_t fd)
{
    uint32_t ret = room(world, sizeof(struct wasi_fdstat));
    struct wasi_fdstat fdstat;

    assert_int_equal(WASI(fd_fdstat_get)(&world->host, fd, ret), WASI_SUCCESS);
    memcpy(&fdstat, at(world, ret), sizeof fdstat);
    return fdstat;
}

static const char *host_path(struct world *world, const char *path)
{
    static char full[256];

    snprintf(full, sizeof full, "%s/%s", world->top, path);
    return full;
}

void host_file(struct world *world, const char *path, const char *text)
{
    FILE *file = fopen(host_path(world, path), "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

void host_directory(struct world *world, const char *path)
{
    assert_int_equal(mkdir(host_path(world, path), 0755), 0);
}

void host_symlink(struct world *world, const char *target, const char *path)
{
    assert_int_equal(symlink(target, host_path(world, path)), 0);
}

void assert_outside_untouched(struct world *world)
{
    char text[16] = "";
    struct stat st;

    FILE *file = fopen(host_path(world, "outside/secret"), "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "secret");
    assert_int_equal(stat(host_path(world, "outside"), &st), 0);
    assert_int_equal(st.st_nlink, 2); /* no directory was made or lost in it */
    assert_int_equal(stat(host_path(world, "outside/secret"), &st), 0);
    assert_int_equal(st.st_nlink, 1);
}
