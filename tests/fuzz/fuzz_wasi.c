/*
 * WASI's paths: calls on a real tree with links that lead out of it. After each call, what it
 * opened lies below the granted directory, and what lies outside is as it was. The guest's memory
 * ends where a sanitizer sees a byte too far.
 */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <sys/stat.h>

#include "base/err.h"
#include "fuzz.h"
#include "guest/call.h"
#include "guest/host.h"
#include "guest/wasi.h"
#include "guest/wasi_functions.h"
#include "guest/wasi_internal.h"

#define MEMORY_BYTES (16u << 10)
#define GRANTED 3u
#define READ_ONLY 4u
#define EVERY_RIGHT ((UINT64_C(1) << 30) - 1)
#define STEPS_MAX 24

static char top[64], granted[80], real_granted[256];
static struct stat outside_before, secret_before;
static jmp_buf left;

/* What the rest of the guest gives to WASI. */
void host_leave(struct host *host, enum host_exit exit)
{
    host->exit = exit;
    longjmp(left, 1);
}

int call_answer(struct guest_call *call, const void *data, size_t bytes)
{
    (void)call, (void)data;
    return bytes > 4096 ? -EFBIG : 0;
}

void call_log(struct guest_call *call, const void *data, size_t bytes)
{
    (void)call, (void)data, (void)bytes;
}

static const char *below(const char *path)
{
    static char full[160];

    snprintf(full, sizeof full, "%s/%s", top, path);
    return full;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type;
    return ftw->level == 0 ? 0 : remove(path);
}

static void make_file(const char *path, const char *words)
{
    int fd = open(below(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    CHECK(fd >= 0 && write(fd, words, strlen(words)) == (ssize_t)strlen(words));
    close(fd);
}

static void remove_top(void)
{
    nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    rmdir(top);
}

/* In memory: the tree is made anew for every input. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    strcpy(top, "/dev/shm/vireo-fuzz-XXXXXX");
    CHECK(mkdtemp(top));
    atexit(remove_top);
    CHECK(mkdir(below("granted"), 0755) == 0 && mkdir(below("outside"), 0755) == 0);
    make_file("outside/secret", "secret");
    snprintf(granted, sizeof granted, "%s/granted", top);
    CHECK(realpath(granted, real_granted));
    CHECK(stat(below("outside"), &outside_before) == 0);
    CHECK(stat(below("outside/secret"), &secret_before) == 0);
    return 0;
}

static void tree_make(void)
{
    nftw(granted, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    CHECK(mkdir(below("granted/d"), 0755) == 0 && mkdir(below("granted/d/e"), 0755) == 0);
    make_file("granted/f", "words");
    CHECK(symlink("../outside", below("granted/out")) == 0);
    CHECK(symlink(below("outside"), below("granted/abs")) == 0);
    CHECK(symlink("d/../..", below("granted/up")) == 0);
    CHECK(symlink("/proc/self/root", below("granted/magic")) == 0);
    CHECK(symlink("../../outside/secret", below("granted/d/s")) == 0);
    CHECK(symlink("d", below("granted/in")) == 0);
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_nlink == b->st_nlink && a->st_size == b->st_size && a->st_mode == b->st_mode &&
           memcmp(&a->st_mtim, &b->st_mtim, sizeof a->st_mtim) == 0 &&
           memcmp(&a->st_ctim, &b->st_ctim, sizeof a->st_ctim) == 0;
}

static void outside_is_untouched(void)
{
    struct stat st;

    CHECK(stat(below("outside"), &st) == 0 && same(&st, &outside_before));
    CHECK(stat(below("outside/secret"), &st) == 0 && same(&st, &secret_before));
}

/* Whatever was opened lies in the granted directory, or did before it was removed. */
static void opened_is_below(const struct wasi *wasi)
{
    size_t bytes = strlen(real_granted);
    char link[64], path[4300];

    for (uint32_t i = 0; i < wasi->fd_end; i++) {
        const struct wasi_fd *entry = &wasi->fds[i];
        if (entry->kind != WASI_FILE && entry->kind != WASI_DIRECTORY)
            continue;
        snprintf(link, sizeof link, "/proc/self/fd/%d", entry->fd);
        ssize_t n = readlink(link, path, sizeof path - 1);
        CHECK(n > 0);
        path[n] = '\0';
        CHECK(strncmp(path, real_granted, bytes) == 0 && (path[bytes] == '/' || !path[bytes]));
    }
}

/* A path of the input's bytes, or one of those that mean something here; its length. */
static uint32_t take_path(struct input *input, struct host *host, uint32_t address)
{
    static const char *const names[] = {
        "d",
        "d/e",
        "f",
        "out",
        "abs",
        "up",
        "magic",
        "d/s",
        "in",
        ".",
        "..",
        "../outside",
        "out/secret",
        "abs/secret",
        "up/outside",
        "in/../..",
        "d/./../../outside/secret",
        "n",
        "d/n",
        "in/e/../../f",
        "magic/tmp",
        "f/",
        "d/",
        "//",
        "/etc",
        "out/",
        "n/n",
        "d/e/n",
    };
    uint8_t which = (uint8_t)take(input, 1);
    char *to = (char *)host->memory->data + address;
    size_t bytes;

    if (which < sizeof names / sizeof *names) {
        strcpy(to, names[which]);
        return (uint32_t)strlen(names[which]);
    }
    const uint8_t *from = take_bytes(input, which % 40u, &bytes);
    memcpy(to, from, bytes);
    return (uint32_t)bytes;
}

#define FIRST_PATH 1024u
#define SECOND_PATH 2048u
#define RESULT 4096u

static void open_path(struct input *input, struct host *host, uint32_t fd, uint32_t bytes)
{
    uint32_t lookup = (uint32_t)take(input, 1) % 2;
    uint32_t oflags = (uint32_t)take(input, 1) & WASI_OFLAGS_ALL;
    uint64_t rights = take(input, 1) % 2 ? EVERY_RIGHT : take(input, 4);

    WASI(path_open)(host, fd, lookup, FIRST_PATH, bytes, oflags, rights, EVERY_RIGHT, 0, RESULT);
}

static void one_step(struct input *input, struct host *host)
{
    uint8_t what = (uint8_t)take(input, 1);
    uint32_t fd = (uint32_t)take(input, 1) % 12;
    uint32_t other_fd = GRANTED + (uint32_t)take(input, 1) % 6;
    uint32_t bytes = take_path(input, host, FIRST_PATH), other_bytes;

    switch (what % 16) {
    case 0:
    case 1:
    case 2:
        open_path(input, host, fd, bytes);
        return;
    case 3:
        WASI(path_create_directory)(host, fd, FIRST_PATH, bytes);
        return;
    case 4:
        WASI(path_filestat_get)(host, fd, what >> 7, FIRST_PATH, bytes, RESULT);
        return;
    case 5:
        WASI(path_filestat_set_times)(host, fd, what >> 7, FIRST_PATH, bytes, 1, 1, 5);
        return;
    case 6:
        other_bytes = take_path(input, host, SECOND_PATH);
        WASI(path_link)(host, fd, what >> 7, FIRST_PATH, bytes, other_fd, SECOND_PATH, other_bytes);
        return;
    case 7:
        WASI(path_readlink)(host, fd, FIRST_PATH, bytes, RESULT, 1024, RESULT - 8);
        return;
    case 8:
        WASI(path_remove_directory)(host, fd, FIRST_PATH, bytes);
        return;
    case 9:
        other_bytes = take_path(input, host, SECOND_PATH);
        WASI(path_rename)(host, fd, FIRST_PATH, bytes, other_fd, SECOND_PATH, other_bytes);
        return;
    case 10:
        other_bytes = take_path(input, host, SECOND_PATH);
        WASI(path_symlink)(host, FIRST_PATH, bytes, other_fd, SECOND_PATH, other_bytes);
        return;
    case 11:
        WASI(path_unlink_file)(host, fd, FIRST_PATH, bytes);
        return;
    case 12:
        WASI(fd_readdir)(host, fd, RESULT, 4096, take(input, 1), RESULT - 8);
        return;
    case 13: {
        const struct wasi_iovec iovec = {FIRST_PATH, bytes};
        memcpy(host->memory->data + SECOND_PATH, &iovec, sizeof iovec);
        WASI(fd_write)(host, fd, SECOND_PATH, 1, RESULT);
        return;
    }
    case 14:
        WASI(fd_renumber)(host, fd, other_fd);
        return;
    default:
        WASI(fd_close)(host, fd);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    static struct guest_call call;
    wasm_rt_memory_t memory = {.data = malloc(MEMORY_BYTES), .size = MEMORY_BYTES};
    struct host host = {.memory = &memory, .call = &call};
    struct err err = {0};

    CHECK(memory.data);
    memset(memory.data, 0, MEMORY_BYTES);
    tree_make();
    int free_before = lowest_free_fd();
    int fd = open(granted, O_PATH | O_DIRECTORY | O_CLOEXEC);
    CHECK(fd >= 0);
    const struct wasi_directory directories[] = {{fd, "/granted", true}, {fd, "/read-only", false}};
    struct wasi_options options = {.directories = directories, .directory_count = 2};
    CHECK(wasi_new(&options, &host.wasi, &err) == 0);

    for (int i = 0; i < STEPS_MAX && input.left > 0; i++) {
        if (setjmp(left) == 0)
            one_step(&input, &host);
        opened_is_below(host.wasi);
        outside_is_untouched();
    }
    wasi_free(host.wasi);
    close(fd);
    CHECK(lowest_free_fd() == free_before);
    free(memory.data);
    return 0;
}
