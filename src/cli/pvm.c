/* vireo kill, fork, wait: what is done to one pVM, or to several one after another. */
#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/problem.h"

/* One request about one pVM; the daemon's object is the caller's. An exit code. */
static int ask(const char *method, const char *verb, const char *name, const char *rest,
               struct json_object **ret_answer)
{
    _cleanup_(freep) char *target = pvm_target(name, rest);
    struct err err = {0};

    if (!target) {
        err_set(&err, -ENOMEM, "cannot %s '%s'", verb, name);
        return cli_error(&err, NULL);
    }
    return admin_ask(method, verb, name, target, ret_answer);
}

static void print_json(struct json_object *object)
{
    puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
}

/* ---- kill ---- */

/* 9, KILL, SIGKILL, kill. 0: none. */
static int signal_number(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (*text >= '0' && *text <= '9' && *end == '\0')
        return number >= 1 && number <= 64 ? (int)number : 0;
    if (strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    for (int i = 1; i <= 64; i++) {
        const char *name = sigabbrev_np(i);
        if (name && strcasecmp(name, text) == 0)
            return i;
    }
    return 0;
}

static int kill_one(const char *name, const void *rest)
{
    _cleanup_(json_freep) struct json_object *answer = NULL;

    int exit = ask("DELETE", "kill", name, rest, &answer);
    if (exit == CLI_OK && cli.json)
        print_json(answer);
    return exit;
}

int cli_kill(int argc, char **argv)
{
    const char *signal = "KILL";
    const struct cli_option options[] = {{.name = "--signal", .letter = 's', .text = &signal}};
    char rest[32];
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words == 0)
        return cli_usage("kill", "it needs a pVM, as vireo ps shows it");
    int number = signal_number(signal);
    if (number == 0)
        return cli_usage("kill", "'%s' is no signal", signal);
    snprintf(rest, sizeof rest, "?signal=%d", number);
    return cli_each(words, argv + 1, kill_one, rest);
}

/* ---- fork ---- */

int cli_fork(int argc, char **argv)
{
    _cleanup_(json_freep) struct json_object *answer = NULL;
    int words, exit;

    if (!cli_options(argc, argv, NULL, 0, 0, &words, &exit))
        return exit;
    if (words != 1)
        return cli_usage("fork",
                         words == 0 ? "it needs a pVM, as vireo ps shows it" : "one pVM at a time");
    exit = ask("POST", "fork", argv[1], "/fork", &answer);
    if (exit != CLI_OK)
        return exit;
    if (cli.json)
        print_json(answer);
    else
        puts(json_text(answer, "id", "?"));
    return CLI_OK;
}

/* ---- wait ---- */

static int wait_one(const char *name, const void *user)
{
    _cleanup_(json_freep) struct json_object *answer = NULL;
    int signal;

    (void)user;
    int exit = ask("GET", "wait for", name, "/wait", &answer);
    if (exit != CLI_OK)
        return exit;
    struct json_object *status = NULL;
    bool known = json_object_object_get_ex(answer, "exit_status", &status);
    if (cli.json)
        print_json(answer);
    else if (known)
        printf("%s: exit status %d\n", name, json_object_get_int(status));
    else if ((signal = (int)json_number(answer, "signal")) > 0)
        printf("%s: signal %d (SIG%s)\n", name, signal,
               sigabbrev_np(signal) ? sigabbrev_np(signal) : "?");
    else
        printf("%s: ended; this kernel does not tell how\n", name);
    return known && json_object_get_int(status) == 0 ? CLI_OK : CLI_FAILED;
}

int cli_wait(int argc, char **argv)
{
    int words, exit;

    if (!cli_options(argc, argv, NULL, 0, 0, &words, &exit))
        return exit;
    if (words == 0)
        return cli_usage("wait", "it needs a pVM, as vireo ps shows it");
    return cli_each(words, argv + 1, wait_one, NULL);
}
