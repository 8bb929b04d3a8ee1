/*
 * A module: wasm_check() and wasm_rewrite(). What the check accepts, the rewriter rewrites; what it
 * makes is accepted with the same facts, and comes out of it unchanged. In a sample that is bounded
 * by time, wabt's own validator sees both: what it accepted before, it accepts after; and it finds
 * nothing wrong with what our check accepted but what is left to it.
 */
#include <errno.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "base/err.h"
#include "base/fd.h"
#include "build/build.h"
#include "fuzz.h"

extern char **environ;

/* One sample in so many seconds at the most: a process takes longer than 500 inputs. */
#define SAMPLE_SECONDS 0.25

/* Runs the validator over the bytes. Its message, of at most `size` bytes, is NUL-terminated. */
static bool wabt_accepts(const void *module, size_t size, char *message, size_t message_size)
{
    char path[32];
    pid_t pid;
    int status;
    int in = memfd_create("module", 0), out = memfd_create("message", 0);

    CHECK(in >= 0 && out >= 0 && fd_write_full(in, module, size) == 0);
    snprintf(path, sizeof path, "/dev/fd/%d", in);
    char *argv[] = {(char[]){"wasm-validate"}, (char[]){"--ignore-custom-section-errors"}, path,
                    NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, out, 2);
    CHECK(posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    while (waitpid(pid, &status, 0) < 0)
        CHECK(errno == EINTR);
    ssize_t n = pread(out, message, message_size - 1, 0);
    message[n > 0 ? n : 0] = '\0';
    close(in);
    close(out);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status) == 0;
}

/*
 * What build.h leaves to wasm2c in its sandbox: types of values, and the operands of instructions
 * and of constant expressions. Nothing of a module's structure is among it.
 */
static bool is_left_to_wabt(const char *message)
{
    static const char *const words[] = {
        "type mismatch",
        "alignment must not be larger than natural alignment",
        "variable out of range",
        "invalid depth",
        "is not declared in any elem sections",
        "accessing stack depth",
        "start function must",
        "labels have inconsistent types",
        "else expression without matching if",
        "OnElseExpr callback failed",
        "on immutable global",
        "invalid data segment index",
        "requires data count section",
        "in passive element segment",
        "after element expression",
        "initializer expression can only reference",
        "initializer expression cannot reference",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(message, words[i]))
            return true;
    return false;
}

static void sample(const uint8_t *module, size_t size, const void *rewritten, size_t rewritten_size)
{
    static struct timespec last;
    static char message[4096], again[4096];
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((double)(now.tv_sec - last.tv_sec) + (double)(now.tv_nsec - last.tv_nsec) / 1e9 <
        SAMPLE_SECONDS)
        return;
    bool before = wabt_accepts(module, size, message, sizeof message);
    bool after = wabt_accepts(rewritten, rewritten_size, again, sizeof again);
    if (!before && !is_left_to_wabt(message))
        fputs(message, stderr);
    CHECK(before || is_left_to_wabt(message));
    if (before && !after)
        fputs(again, stderr);
    CHECK(!before || after);
    clock_gettime(CLOCK_MONOTONIC, &last);
}

/* The same bytes as a module that is linked with others: what of that is accepted can be rewritten
 * and bound. */
static void as_linked(const uint8_t *module, size_t size)
{
    struct wasm_links links = {0};
    struct wasm_facts facts = {0};
    struct err err = {0};
    void *rewritten = NULL;
    size_t rewritten_size;
    char *source = NULL;

    if (wasm_check_linked(module, size, "module", &links, &facts, &err) == 0) {
        CHECK(wasm_rewrite_linked(module, size, &facts, &links, "module", &rewritten,
                                  &rewritten_size, &err) == 0);
        CHECK(wasm_links_source(&links, &source, &err) == 0);
    }
    free(rewritten);
    free(source);
    wasm_links_clear(&links);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wasm_facts facts = {0}, again = {0};
    struct err err = {0};
    void *rewritten, *twice;
    size_t rewritten_size, twice_size;
    uint8_t *module = malloc(size ? size : 1);

    CHECK(module);
    if (size)
        memcpy(module, data, size);
    as_linked(module, size);
    int r = wasm_check(module, size, "module", &facts, &err);
    if (r < 0) {
        CHECK((r == -EINVAL || r == -EFBIG) && strncmp(err.message, "cannot ", 7) == 0);
        CHECK(wasm_rewrite(module, size, &facts, "module", &rewritten, &rewritten_size, NULL) < 0 ||
              (free(rewritten), true));
        free(module);
        return 0;
    }
    CHECK(wasm_rewrite(module, size, &facts, "module", &rewritten, &rewritten_size, &err) == 0);
    CHECK(wasm_check(rewritten, rewritten_size, "rewritten", &again, &err) == 0);
    CHECK(memcmp(&facts, &again, sizeof facts) == 0);
    CHECK(wasm_rewrite(rewritten, rewritten_size, &again, "rewritten", &twice, &twice_size, &err) ==
          0);
    CHECK(twice_size == rewritten_size && memcmp(twice, rewritten, twice_size) == 0);
    sample(module, size, rewritten, rewritten_size);
    free(twice);
    free(rewritten);
    free(module);
    return 0;
}
