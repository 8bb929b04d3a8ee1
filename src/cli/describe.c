/* vireo describe: all that is known of one function, for people or as JSON. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/manifest.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/table.h"
#include "cli/verify_report.h"

/* Where lists of names wrap. */
#define LINE_COLUMNS 88
#define LABEL_COLUMNS 14     /* names, and the gap behind them */
#define LABEL_COLUMNS_MAX 32 /* of the longest that others are lined up with */

/* Text from the daemon, which may hold a tenant's words, as one printable piece. */
static void text_print(const char *text)
{
    _cleanup_(freep) char *safe = strdup(text);

    if (!safe)
        return;
    text_make_printable(safe, strlen(safe), 0);
    fputs(safe, stdout);
}

/* Several lines, each indented. */
static void lines_print(const char *text, int indent)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        char *line = strndup(text, length);
        printf("%*s", indent, "");
        if (line)
            text_print(line);
        putchar('\n');
        free(line);
        text += length + (text[length] == '\n');
    }
}

/* Names, wrapped, all lines beginning at `column`; the cursor is there already. */
static void names_print(struct json_object *list, int column)
{
    int at = column;

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(list, i));
        int width = name ? (int)strlen(name) : 0;
        if (i > 0 && at + 1 + width > LINE_COLUMNS) {
            printf("\n%*s", column, "");
            at = column;
        } else if (i > 0) {
            putchar(' ');
            at++;
        }
        text_print(name ? name : "-");
        at += width;
    }
    putchar('\n');
}

/* Where the values begin, so that the longest name among them has room. */
static int value_column(struct json_object *object)
{
    int column = LABEL_COLUMNS;

    json_object_object_foreach(object, key, value)
    {
        int width = (int)strlen(key) + 1;
        (void)value;
        if (width > column && width <= LABEL_COLUMNS_MAX)
            column = width;
    }
    return column;
}

/* Any value behind its name, `column` from there: the daemon may tell more than this version knows
 * of. */
static void member_print(const char *key, struct json_object *value, int indent, int column)
{
    struct json_object *first =
        json_object_is_type(value, json_type_array) ? json_object_array_get_idx(value, 0) : NULL;
    int gap = column > (int)strlen(key) ? column - (int)strlen(key) : 1;

    printf("%*s", indent, "");
    text_print(key);
    if (json_object_is_type(value, json_type_object)) {
        int inner_column = value_column(value);
        printf(":\n");
        json_object_object_foreach(value, inner_key, inner)
        {
            member_print(inner_key, inner, indent + 2, inner_column);
        }
    } else if (first && !json_object_is_type(first, json_type_object)) {
        printf("%*s", gap, "");
        names_print(value, indent + column);
    } else if (json_object_is_type(value, json_type_array)) {
        if (first)
            printf(":\n");
        else
            printf("%*snone\n", gap, "");
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            const char *text = json_object_to_json_string_ext(json_object_array_get_idx(value, i),
                                                              JSON_C_TO_STRING_PLAIN);
            lines_print(text, indent + 2);
        }
    } else {
        const char *text = json_object_get_string(value);
        if (text && strchr(text, '\n')) {
            printf(":\n");
            lines_print(text, indent + 2);
        } else {
            printf("%*s", gap, "");
            text_print(text ? text : "-");
            putchar('\n');
        }
    }
}

static void line_print(const char *label, const char *value)
{
    printf("%-*s", LABEL_COLUMNS, label);
    text_print(value);
    putchar('\n');
}

/* The fields that are shown in words of their own, above the rest. */
static const char *const headed[] = {
    "name",      "version",      "safety",     "rung",       "ladder", "kind",
    "isolation", "memory_bytes", "cpu_millis", "timeout_ms", "report",
};

/* Which rungs were tried: "proved: refused: copy.c:4: it may read outside 'in'". */
static void ladder_print(struct json_object *function)
{
    struct json_object *steps;
    const char *label = "ladder";

    if (!json_object_object_get_ex(function, "ladder", &steps) ||
        !json_object_is_type(steps, json_type_array))
        return;
    for (size_t i = 0; i < json_object_array_length(steps); i++) {
        struct json_object *step = json_object_array_get_idx(steps, i);
        const char *reason = json_text(step, "reason", "");
        char line[600];
        snprintf(line, sizeof line, "%s: %s%s%s", json_text(step, "rung", "?"),
                 json_text(step, "outcome", "?"), *reason ? ": " : "", reason);
        line_print(label, line);
        label = "";
    }
}

static void head_print(struct json_object *function)
{
    char text[64];
    const char *safety = json_text(function, "safety", "?");

    line_print("name", json_text(function, "name", "?"));
    line_print("version", json_text(function, "version", ""));
    line_print("safety", strcmp(safety, "sfi") == 0      ? "sfi (translated from WebAssembly)"
                         : strcmp(safety, "proved") == 0 ? "proved (by the static verifier)"
                         : strcmp(safety, "native") == 0 ? "native (its signer answers for it)"
                                                         : safety);
    ladder_print(function);
    line_print("kind", json_text(function, "kind", "?"));
    line_print("isolation", json_text(function, "isolation", "?"));
    manifest_bytes_text((uint64_t)json_number(function, "memory_bytes"), text, sizeof text);
    line_print("memory", text);
    long long cpu = json_number(function, "cpu_millis");
    if (cpu > 0)
        snprintf(text, sizeof text, "%lld.%03lld", cpu / 1000, cpu % 1000);
    line_print("cpus", cpu > 0 ? text : "no limit");
    text_duration((unsigned long long)json_number(function, "timeout_ms"), text, sizeof text);
    line_print("timeout", text);
}

static bool is_headed(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(headed); i++)
        if (strcmp(headed[i], key) == 0)
            return true;
    return false;
}

/* What the verifier said of it when it was deployed. */
static int report_print(struct json_object *function, const char *name)
{
    const char *text = json_text(function, "report", "");
    _cleanup_(json_freep) struct json_object *report = *text ? json_tokener_parse(text) : NULL;

    if (!report) {
        struct err err = {0};
        err_say(&err, -ENODATA, "cannot describe '%s': it is not proved, so there is no report",
                name);
        return cli_error(&err, NULL);
    }
    if (cli.json)
        fputs(text, stdout);
    else
        verify_report_print(report, name);
    return CLI_OK;
}

int cli_describe(int argc, char **argv)
{
    _cleanup_(json_freep) struct json_object *function = NULL;
    bool report = false;
    const struct cli_option options[] = {{.name = "--report", .flag = &report}};
    struct err err = {0};
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words != 1)
        return cli_usage("describe",
                         words == 0 ? "it needs a function's name" : "one function at a time");
    _cleanup_(freep) char *target = function_target(argv[1], "");
    if (!target) {
        err_set(&err, -ENOMEM, "cannot describe '%s'", argv[1]);
        return cli_error(&err, NULL);
    }
    exit = admin_get("describe", argv[1], target, &function);
    if (exit != CLI_OK)
        return exit;
    if (report)
        return report_print(function, argv[1]);
    if (cli.json) {
        puts(json_object_to_json_string_ext(function, JSON_C_TO_STRING_PRETTY |
                                                          JSON_C_TO_STRING_NOSLASHESCAPE));
        return CLI_OK;
    }
    head_print(function);
    json_object_object_foreach(function, key, value)
    {
        if (!is_headed(key))
            member_print(key, value, 0, LABEL_COLUMNS);
    }
    return CLI_OK;
}
