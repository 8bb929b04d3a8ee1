/* Asking the OCI runtime about a container's virtual kernel. */
#include "cli/vk_container.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "cli/cli.h"

/* Of all containers of a machine, with every key. */
#define ANSWER_MAX_BYTES (16u << 20)
#define WORDS_MAX 8

bool vk_is_container(const char *name)
{
    return name[strspn(name, "0123456789.")] != '\0';
}

/* All that comes, to its end; NULL with errno. */
static char *read_answer(int fd)
{
    _cleanup_(freep) char *text = malloc(ANSWER_MAX_BYTES + 1);
    ssize_t n = text ? fd_read_full(fd, text, ANSWER_MAX_BYTES) : -ENOMEM;

    if (n < 0) {
        errno = (int)-n;
        return NULL;
    }
    text[n] = '\0';
    return steal_ptr(&text);
}

static int spawn_runtime(const char *const *words, pid_t *ret_pid, int *ret_fd)
{
    _cleanup_(freep) char *path = cli_program_path("vireo-runtime");
    const char *argv[WORDS_MAX + 3] = {"vireo-runtime", "vk"};
    posix_spawn_file_actions_t actions;
    int ends[2];

    for (size_t i = 0; words[i] && i < WORDS_MAX; i++)
        argv[i + 2] = words[i];
    if (!path)
        return -ENOMEM;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    int r = -posix_spawn(ret_pid, path, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (r < 0)
        close(ends[0]);
    else
        *ret_fd = ends[0];
    return r;
}

int vk_container_ask(const char *const *words, struct json_object **ret_answer)
{
    _cleanup_(closep) int fd = -1;
    struct err err = {0};
    int status = 0;
    pid_t pid;

    int r = spawn_runtime(words, &pid, &fd);
    if (r < 0) {
        err_set(&err, r, "cannot run 'vireo-runtime'");
        return cli_error(&err, NULL);
    }
    _cleanup_(freep) char *text = read_answer(fd);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status))
        return CLI_BUG;
    if (WEXITSTATUS(status) == CLI_NOT_FOUND)
        fprintf(stderr,
                "  try: vireo ps, for the numbers of pVMs; a container has its engine's id\n");
    if (WEXITSTATUS(status) != 0)
        return WEXITSTATUS(status);
    *ret_answer = text ? json_tokener_parse(text) : NULL;
    if (*ret_answer)
        return CLI_OK;
    err_say(&err, -EBADMSG, "cannot read the answer of 'vireo-runtime'");
    return cli_error(&err, NULL);
}
