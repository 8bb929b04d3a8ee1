/* vireo vk: the virtual kernels of pVMs and containers that run: shown, changed, explained. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/http.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/table.h"
#include "cli/vk_container.h"
#include "cli/vk_learn.h"

DEFINE_CLEANUP(struct table, table_free)

#define VERB "vk"

/* The page of a pVM's virtual kernel with up to two parameters of the question; malloc'ed. */
static char *target_of(const char *pvm, const char *first, const char *first_value,
                       const char *second, const char *second_value)
{
    _cleanup_(freep) char *one = NULL, *two = NULL, *rest = NULL;

    one = first ? http_escape(first_value) : NULL;
    two = second ? http_escape(second_value) : NULL;
    if ((first && !one) || (second && !two))
        return NULL;
    int n = first && second
                ? asprintf(&rest, "/vk?param=%s%%3D%s&param=%s%%3D%s", first, one, second, two)
            : first ? asprintf(&rest, "/vk?param=%s%%3D%s", first, one)
                    : asprintf(&rest, "/vk");
    if (n < 0) {
        rest = NULL;
        return NULL;
    }
    return pvm_target(pvm, rest);
}

static int no_memory(void)
{
    struct err err = {0};

    err_set(&err, -ENOMEM, "cannot ask for a virtual kernel");
    return cli_error(&err, NULL);
}

static void print_json(struct json_object *object)
{
    puts(json_object_to_json_string_ext(object,
                                        JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* ---- get and set ---- */

static struct json_object *member(struct json_object *object, const char *key)
{
    struct json_object *found = NULL;

    json_object_object_get_ex(object, key, &found);
    return found;
}

static bool is_true(struct json_object *object, const char *key)
{
    return json_object_get_boolean(member(object, key));
}

static void print_adaptive(struct json_object *adaptive)
{
    if (!adaptive)
        return;
    printf("adaptive: %s now, %.0f %% of the CPUs, %.0f switches/s, %lld changes\n",
           json_text(adaptive, "policy", "?"),
           json_object_get_double(member(adaptive, "use_percent")),
           json_object_get_double(member(adaptive, "switches_per_second")),
           json_number(adaptive, "decisions"));
}

static int print_keys(struct json_object *answer)
{
    static const char *const headings[] = {"KEY", "VALUE", "SET BY", "CHANGED", NULL};
    _cleanup_(table_freep) struct table *table = table_new(headings);

    if (!table)
        return no_memory();
    json_object_object_foreach(member(answer, "keys"), key, value)
    {
        const char *const cells[] = {key, json_text(value, "value", "?"),
                                     is_true(value, "said") ? "its configuration or vk set"
                                                            : "default",
                                     is_true(value, "live") ? "while it runs" : "at its start"};
        if (table_row(table, cells) < 0)
            return no_memory();
    }
    table_print(table, stdout);
    print_adaptive(member(answer, "adaptive"));
    return CLI_OK;
}

/* One key's value alone, for scripts. */
static int print_key(struct json_object *answer, const char *pvm, const char *name)
{
    struct json_object *key = member(member(answer, "keys"), name);
    struct err err = {0};

    if (!key) {
        err_say(&err, -ENOENT, "cannot show '%s' of '%s': there is no such key", name, pvm);
        return cli_error(&err, "vireo vk get PVM, which shows all");
    }
    if (cli.json)
        print_json(key);
    else
        puts(json_text(key, "value", "?"));
    return CLI_OK;
}

static int ask_get(const char *name, struct json_object **ret_answer)
{
    if (vk_is_container(name))
        return vk_container_ask((const char *const[]){"get", name, NULL}, ret_answer);
    _cleanup_(freep) char *target = target_of(name, NULL, NULL, NULL, NULL);
    return target ? admin_ask("GET", "show the virtual kernel of", name, target, ret_answer)
                  : no_memory();
}

static int vk_get(int words, char **argv)
{
    _cleanup_(json_freep) struct json_object *answer = NULL;

    if (words < 1 || words > 2)
        return cli_usage(VERB, "get needs a pVM or container, and may have a key");
    int exit = ask_get(argv[0], &answer);
    if (exit != CLI_OK)
        return exit;
    if (words == 2)
        return print_key(answer, argv[0], argv[1]);
    if (cli.json) {
        print_json(answer);
        return CLI_OK;
    }
    return print_keys(answer);
}

static int ask_set(char **argv, struct json_object **ret_answer)
{
    if (vk_is_container(argv[0]))
        return vk_container_ask((const char *const[]){"set", argv[0], argv[1], argv[2], NULL},
                                ret_answer);
    _cleanup_(freep) char *target = target_of(argv[0], "key", argv[1], "value", argv[2]);
    return target ? admin_ask("POST", "change", argv[0], target, ret_answer) : no_memory();
}

static int vk_set(int words, char **argv)
{
    _cleanup_(json_freep) struct json_object *answer = NULL;

    if (words != 3)
        return cli_usage(VERB, "set needs a pVM or container, a key and a value");
    int exit = ask_set(argv, &answer);
    if (exit == CLI_OK && cli.json)
        print_json(answer);
    return exit;
}

/* ---- ls ---- */

/* "syscalls.profile=strict, sched.policy=fifo": what was said of it; three calls at most. */
static void summary(struct json_object *keys, char *text, size_t size)
{
    unsigned calls = 0;
    size_t used = 0;

    text[0] = '\0';
    json_object_object_foreach(keys, key, value)
    {
        if (!is_true(value, "said"))
            continue;
        if (strncmp(key, "syscalls.calls.", 15) == 0) {
            calls++;
            continue;
        }
        int n = snprintf(text + used, size - used, "%s%s=%s", used ? ", " : "", key,
                         json_text(value, "value", "?"));
        if (n < 0 || (size_t)n >= size - used)
            return;
        used += (size_t)n;
    }
    if (calls > 0)
        snprintf(text + used, size - used, "%s%u system calls of its own", used ? ", " : "", calls);
}

/* Whether there is a daemon to ask; a machine may have containers alone. */
static bool has_daemon(void)
{
    _cleanup_(freep) char *socket = NULL;

    return asprintf(&socket, "%s/admin.sock", cli.state_dir) >= 0 && access(socket, F_OK) == 0;
}

static int ask_ls(struct json_object **ret_list)
{
    struct json_object *pvms = NULL;
    int exit = vk_container_ask((const char *const[]){"ls", NULL}, ret_list);

    if (exit != CLI_OK)
        return exit;
    if (!has_daemon() && json_object_array_length(*ret_list) > 0)
        return CLI_OK;
    exit = admin_get("list virtual kernels", NULL, "/system/vk", &pvms);
    for (size_t i = 0; pvms && i < json_object_array_length(pvms); i++)
        json_object_array_add(*ret_list, json_object_get(json_object_array_get_idx(pvms, i)));
    json_object_put(pvms);
    return exit;
}

static int vk_ls(int words, char **argv)
{
    static const char *const headings[] = {"NAME", "FUNCTION", "WALL", "VIRTUAL KERNEL", NULL};
    _cleanup_(json_freep) struct json_object *list = NULL;

    if (words > 0)
        return cli_usage(VERB, "ls takes no '%s'", argv[0]);
    int exit = ask_ls(&list);
    if (exit != CLI_OK)
        return exit;
    if (cli.json) {
        print_json(list);
        return CLI_OK;
    }
    _cleanup_(table_freep) struct table *table = table_new(headings);
    if (!table)
        return no_memory();
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *vk = json_object_array_get_idx(list, i);
        char text[200];
        summary(member(vk, "keys"), text, sizeof text);
        const char *const cells[] = {json_text(vk, "id", "?"), json_text(vk, "function", ""),
                                     json_text(vk, "wall", "?"), text[0] ? text : "as its wall"};
        if (table_row(table, cells) < 0)
            return no_memory();
    }
    table_print(table, stdout);
    return CLI_OK;
}

/* ---- explain ---- */

static int ask_explain(const char *name, const char *call, const char *arguments,
                       struct json_object **ret_answer)
{
    if (vk_is_container(name))
        return vk_container_ask((const char *const[]){"explain", name, call, arguments, NULL},
                                ret_answer);
    _cleanup_(freep) char *target =
        target_of(name, "explain", call, arguments ? "arguments" : NULL, arguments);
    return target ? admin_ask("GET", "explain a system call of", name, target, ret_answer)
                  : no_memory();
}

static int vk_explain(int words, char **argv)
{
    _cleanup_(json_freep) struct json_object *answer = NULL;
    char arguments[256] = "";
    size_t used = 0;

    if (words < 2 || words > 8)
        return cli_usage(
            VERB, "explain needs a pVM or container, a system call, and up to six arguments");
    for (int i = 2; i < words; i++) {
        int n =
            snprintf(arguments + used, sizeof arguments - used, "%s%s", i > 2 ? "," : "", argv[i]);
        if (n < 0 || (size_t)n >= sizeof arguments - used)
            return cli_usage(VERB, "the arguments are too long");
        used += (size_t)n;
    }
    int exit = ask_explain(argv[0], argv[1], words > 2 ? arguments : NULL, &answer);
    if (exit != CLI_OK)
        return exit;
    if (cli.json) {
        print_json(answer);
        return CLI_OK;
    }
    if (words > 2)
        printf("%s with these arguments: %s\n", json_text(answer, "call", "?"),
               json_text(answer, "verdict", "?"));
    printf("%s (%lld): %s\n", json_text(answer, "call", "?"), json_number(answer, "number"),
           json_text(answer, "rules", "?"));
    printf("  the wall:           %s\n", json_text(answer, "wall", "?"));
    printf("  its virtual kernel: %s (%s)\n", json_text(answer, "own", "native"),
           json_text(answer, "own_from", "?"));
    puts("  the stricter of the two holds");
    return CLI_OK;
}

/* ---- log ---- */

/* The lines of pVMs; *ret_known: whether the daemon knows such a function or pVM. */
static int ask_pvm_log(const char *of, struct json_object **ret_lines, bool *ret_known)
{
    _cleanup_(json_freep) struct json_object *answer = NULL;
    _cleanup_(freep) char *name = http_escape(of), *target = NULL;

    if (!name || asprintf(&target, "/system/vk?param=log%%3D%s", name) < 0)
        return no_memory();
    int exit = admin_get("show kernel logs", NULL, target, &answer);
    if (exit == CLI_OK) {
        *ret_known = is_true(answer, "known");
        *ret_lines = json_object_get(member(answer, "lines"));
    }
    return exit;
}

/* Of one pVM, function or container, or of all. */
static int ask_log(const char *of, struct json_object **ret_list)
{
    struct json_object *lines = NULL;
    bool known = false;
    const bool maybe_pvm = !of || !vk_is_container(of);

    int exit =
        (of && maybe_pvm) || has_daemon() ? ask_pvm_log(of ? of : "", &lines, &known) : CLI_OK;
    if (exit == CLI_OK && of && known) {
        *ret_list = lines;
        return CLI_OK;
    }
    if (exit == CLI_OK && of && maybe_pvm) {
        struct err err = {0};
        err_say(&err, -ENOENT, "cannot show the kernel log of '%s': there is no such pVM", of);
        exit = cli_error(&err, "vireo vk log NAME, for a function's pVMs that have ended");
    }
    if (exit == CLI_OK)
        exit = vk_container_ask((const char *const[]){"log", of, NULL}, ret_list);
    for (size_t i = 0; exit == CLI_OK && lines && i < json_object_array_length(lines); i++)
        json_object_array_add(*ret_list, json_object_get(json_object_array_get_idx(lines, i)));
    json_object_put(lines);
    return exit;
}

/* Texts are harmless already: they were made so when they were kept. */
static int vk_log(int words, char **argv)
{
    _cleanup_(json_freep) struct json_object *list = NULL;

    if (words > 1)
        return cli_usage(VERB, "log takes one pVM, function or container");
    int exit = ask_log(words > 0 ? argv[0] : NULL, &list);
    if (exit != CLI_OK)
        return exit;
    if (cli.json) {
        print_json(list);
        return CLI_OK;
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *line = json_object_array_get_idx(list, i);
        long long time_us = json_number(line, "time_us");
        const char *function = json_text(line, "function", "");
        printf("[%5lld.%06lld] %s%s%s %s: %s\n", time_us / 1000000, time_us % 1000000,
               json_text(line, "id", "?"), *function ? " " : "", function,
               json_text(line, "from", "?"), json_text(line, "text", ""));
    }
    return CLI_OK;
}

/* ---- the verb ---- */

int cli_vk(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int words, char **argv);
    } words_of[] = {
        {"get", vk_get}, {"set", vk_set}, {"ls", vk_ls}, {"explain", vk_explain}, {"log", vk_log}};
    int words, exit;

    /* What follows belongs to the run. */
    if (argc > 1 && strcmp(argv[1], "learn") == 0)
        return vk_learn(argc - 1, argv + 1);
    if (!cli_options(argc, argv, NULL, 0, 0, &words, &exit))
        return exit;
    if (words == 0)
        return cli_usage(VERB, "it needs get, set, ls, explain, log or learn");
    for (size_t i = 0; i < ARRAY_LEN(words_of); i++)
        if (strcmp(words_of[i].name, argv[1]) == 0)
            return words_of[i].run(words - 1, argv + 2);
    return cli_usage(VERB, "there is no '%s': get, set, ls, explain, log and learn are", argv[1]);
}
