/* How a failure reaches the user: one line, a next step, an exit code. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/printable.h"
#include "cli/cli.h"

static const struct {
    int error;
    enum cli_exit exit;
} exit_of_errno[] = {
    {EINVAL, CLI_USAGE},
    {ENOEXEC, CLI_USAGE},
    {ENOTDIR, CLI_USAGE},
    {EISDIR, CLI_USAGE},
    {ELOOP, CLI_USAGE},
    {ENAMETOOLONG, CLI_USAGE},
    {EEXIST, CLI_USAGE},
    {ENOENT, CLI_NOT_FOUND},
    {EPERM, CLI_REFUSED},
    {EACCES, CLI_REFUSED},
    {EBADMSG, CLI_REFUSED},
    {EKEYREJECTED, CLI_REFUSED},
    {EROFS, CLI_REFUSED},
    {ETIME, CLI_LIMIT},
    {ETIMEDOUT, CLI_LIMIT},
    {ENOMEM, CLI_LIMIT},
    {EFBIG, CLI_LIMIT},
    {E2BIG, CLI_LIMIT},
    {ENOSPC, CLI_LIMIT},
    {EDQUOT, CLI_LIMIT},
    {EMFILE, CLI_LIMIT},
    {ENFILE, CLI_LIMIT},
    {EAGAIN, CLI_LIMIT},
    {ECONNREFUSED, CLI_UNREACHABLE},
    {ECONNRESET, CLI_UNREACHABLE},
    {EHOSTUNREACH, CLI_UNREACHABLE},
    {ENETUNREACH, CLI_UNREACHABLE},
    {EPIPE, CLI_UNREACHABLE},
    {ENOTRECOVERABLE, CLI_BUG},
};

int cli_exit_code(int negative_errno)
{
    if (negative_errno == 0)
        return CLI_OK;
    for (size_t i = 0; i < ARRAY_LEN(exit_of_errno); i++)
        if (exit_of_errno[i].error == -negative_errno)
            return exit_of_errno[i].exit;
    return CLI_FAILED;
}

int cli_each(int count, char **names, int (*one)(const char *name, const void *user),
             const void *user)
{
    int first = CLI_OK;

    for (int i = 0; i < count && first != CLI_UNREACHABLE; i++) {
        int exit = one(names[i], user);
        if (first == CLI_OK)
            first = exit;
    }
    return first;
}

int cli_error(const struct err *err, const char *next)
{
    char line[2 * sizeof err->message];

    /* One line, whatever the name has in it that it speaks of. */
    int bytes = (int)printable(line, sizeof line, err->message, strlen(err->message));
    fprintf(stderr, "vireo: %.*s\n", bytes, line);
    if (next)
        fprintf(stderr, "  try: %s\n", next);
    /* A failure is never success, even if whoever failed forgot to say how. */
    return err->code == 0 ? CLI_BUG : cli_exit_code(err->code);
}
