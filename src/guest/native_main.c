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
#include "guest/update_point.h"
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
    struct host *host = wasm_frame_current()->host;
    const struct wasi *wasi = host->wasi;

    /* The version before was left in a call of the host's; what it has set in its environment is
     * the new one's. */
    native_calls_set(0);
    if (Z_vireoZ_updates(host) == 0)
        native_environment(wasi);
    size_t count = take(wasi->options.args, wasi->options.arg_count, arguments, RUN_ARGS_MAX);
    if (native_stdout && native_isatty(1))
        setvbuf(native_stdout, NULL, _IOLBF, 0);
    native_exit(program((int)count, arguments, environ));
}

/* System calls: those of an update, when one has come. Then it does not return. */
int32_t native_update_point(void)
{
    struct host *host = native_enter();

    return (int32_t)native_leave(host, host ? (long)Z_vireoZ_update_point(host) : 0);
}

uint32_t native_updates(void)
{
    struct wasm_frame *frame = wasm_frame_current();

    return frame ? Z_vireoZ_updates(frame->host) : 0;
}
