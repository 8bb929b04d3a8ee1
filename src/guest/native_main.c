/*
 * A program of native code: main() with the arguments, environment and streams that a translated
 * command has. Its variables are this process's, so that an instance runs one call of it.
 */
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "guest/cgi.h"
#include "guest/native.h"
#include "guest/native_posix.h"
#include "guest/native_stdio.h"
#include "guest/wasi_internal.h"
#include "guest/wasm_internal.h"

/* The longer of a call's and a manifest's. */
#define VARIABLES_MAX (CGI_VARIABLES_MAX + GRANT_ENV_MAX)

static char *arguments[RUN_ARGS_MAX + 1];
static char *variables[VARIABLES_MAX + 1];

/* Texts are lent: the code may write to them, as on UNIX. */
static size_t take(const char *const *texts, size_t count, char **to, size_t max)
{
    size_t n = count < max ? count : max;

    for (size_t i = 0; i < n; i++)
        to[i] = (char *)(uintptr_t)texts[i];
    to[n] = NULL;
    return n;
}

void native_environment(const struct wasi *wasi)
{
    take(wasi->options.env, wasi->options.env_count, variables, VARIABLES_MAX);
    environ = variables;
}

void native_main(int (*program)(int count, char **args, char **env))
{
    const struct wasi *wasi = wasm_frame_current()->host->wasi;

    /* The version before was left in a call of the host's. */
    native_calls_set(0);
    native_environment(wasi);
    size_t count = take(wasi->options.args, wasi->options.arg_count, arguments, RUN_ARGS_MAX);
    if (native_stdout && native_isatty(1))
        setvbuf(native_stdout, NULL, _IOLBF, 0);
    native_exit(program((int)count, arguments, environ));
}
