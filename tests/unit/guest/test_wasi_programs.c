/*
 * Whole programs (tests/data/wasi), translated and linked as a function is, say what node's WASI
 * says. Each runs in a process of its own, with real streams and a granted directory.
 */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "guest/library.h"
#include "guest/linker.h"
#include "guest/wasi.h"
#include "guest/wasm_runtime.h"
#include "library_file.h"

#define DATA TEST_DATA "/wasi/"
#define OUTPUT_MAX (1 << 20)

static void enter_start(void *argument)
{
    struct host *host = argument;

    library_face(host->library)->start(host->instance);
}

/* In the child: streams, directory, run, end with the guest's status (99: a trap). */
static _Noreturn void run(const char *name, const char *directory, int output)
{
    const char *const args[] = {name, "one", "two words", ""};
    const char *const env[] = {"GREETING=hello", "EMPTY="};
    struct wasi_directory granted = {.fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC),
                                     .path = "/granted",
                                     .writable = true};
    struct wasi_options options = {args, 4, env, 2, &granted, 1, .real_stdio = true};
    struct host host = {.memory_pages_max = 256};
    struct err err = {0};

    struct library *library = library_of(name);
    if (dup2(open(DATA "input.txt", O_RDONLY | O_CLOEXEC), 0) < 0 || dup2(output, 1) < 0 ||
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2) < 0 || granted.fd < 0 ||
        wasi_new(&options, &host.wasi, &err) < 0 || wasm_instance_open(library, &host, &err) < 0)
        _exit(98);
    switch (wasm_enter(&host, enter_start, &host)) {
    case HOST_RETURNED:
        _exit(0);
    case HOST_EXITED:
        _exit((int)host.exit_status);
    default:
        _exit(99);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void program_says(const char *name, int wanted_status)
{
    char directory[] = "/tmp/vireo-wasi-XXXXXX", path[512];
    struct err err = {0};
    _cleanup_(freep) char *wanted = NULL;
    _cleanup_(freep) char *said = calloc(1, OUTPUT_MAX + 1);
    size_t wanted_size;
    int output[2], status;

    snprintf(path, sizeof path, "%s%s.out", DATA, name);
    if (fd_read_file(AT_FDCWD, path, OUTPUT_MAX, &wanted, &wanted_size, &err) < 0)
        fail_msg("%s", err.message);
    assert_non_null(mkdtemp(directory));
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        run(name, directory, output[1]);
    close(output[1]);
    ssize_t said_size = fd_read_full(output[0], said, OUTPUT_MAX);
    close(output[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    assert_true(WIFEXITED(status));
    if ((size_t)said_size != wanted_size || memcmp(said, wanted, wanted_size) != 0)
        fail_msg("%s said:\n%s", name, said);
    assert_int_equal(WEXITSTATUS(status), wanted_status);
}

#define PROGRAM(name, status)             \
    static void name##_runs(void **state) \
    {                                     \
        (void)state;                      \
        program_says(#name, status);      \
    }

PROGRAM(arguments, 42)
PROGRAM(streams, 0)
PROGRAM(files, 0)
PROGRAM(directories, 0)
PROGRAM(clocks, 0)
PROGRAM(polling, 0)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_runs), cmocka_unit_test(streams_runs),
        cmocka_unit_test(files_runs),     cmocka_unit_test(directories_runs),
        cmocka_unit_test(clocks_runs),    cmocka_unit_test(polling_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
