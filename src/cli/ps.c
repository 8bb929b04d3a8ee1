/* vireo ps: the pVMs that run, and whose children they are. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/table.h"

DEFINE_CLEANUP(struct table, table_free)

/* Deeper members stand in this column. */
#define DEPTH_MAX 16
#define LEAD_BYTES (DEPTH_MAX * sizeof "│  ")

/* For people: three digits of it. */
static void memory_text(unsigned long long bytes, char *text, size_t size)
{
    static const char *const units[] = {"KiB", "MiB", "GiB"};
    double value = (double)bytes / 1024;
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < ARRAY_LEN(units))
        value /= 1024, unit++;
    snprintf(text, size, value < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

/* `lead`: what is drawn in front of its name. */
static int row_add(struct table *table, struct json_object *pvm, const char *lead,
                   const char *branch)
{
    char memory[32], id[64 + LEAD_BYTES];

    memory_text((unsigned long long)json_number(pvm, "memory_bytes"), memory, sizeof memory);
    snprintf(id, sizeof id, "%s%s%s", lead, branch, json_text(pvm, "id", "?"));
    const char *const cells[] = {
        id,
        json_text(pvm, "family", "?"),
        json_text(pvm, "parent", "-"),
        json_text(pvm, "wall", "?"),
        json_text(pvm, "function", "?"),
        json_text(pvm, "version", ""),
        json_text(pvm, "start", "?"),
        memory,
        json_text(pvm, "state", "?"),
    };
    return table_row(table, cells);
}

static bool is_child(struct json_object *pvm, const char *parent)
{
    const char *its = json_text(pvm, "parent", NULL);

    return parent ? its && strcmp(its, parent) == 0 : !its;
}

/* Those whose parent this is, each with its own below it; all of them, for NULL, the roots. */
static int rows_below(struct table *table, struct json_object *list, const char *parent,
                      const char *lead, int depth)
{
    size_t count = json_object_array_length(list), last = 0;
    int r = 0;

    for (size_t i = 0; i < count; i++)
        if (is_child(json_object_array_get_idx(list, i), parent))
            last = i;
    for (size_t i = 0; i < count && r == 0; i++) {
        struct json_object *pvm = json_object_array_get_idx(list, i);
        char below[LEAD_BYTES];
        if (!is_child(pvm, parent))
            continue;
        r = row_add(table, pvm, lead, !parent ? "" : i == last ? "└─ " : "├─ ");
        snprintf(below, sizeof below, "%s%s", lead,
                 !parent || depth >= DEPTH_MAX ? ""
                 : i == last                   ? "   "
                                               : "│  ");
        if (r == 0 && (size_t)depth < count)
            r = rows_below(table, list, json_text(pvm, "id", "?"), below, depth + 1);
    }
    return r;
}

static int rows_plain(struct table *table, struct json_object *list)
{
    int r = 0;

    for (size_t i = 0; i < json_object_array_length(list) && r == 0; i++)
        r = row_add(table, json_object_array_get_idx(list, i), "", "");
    return r;
}

static int table_show(struct json_object *list, bool tree)
{
    static const char *const headings[] = {"PVM",     "FAMILY", "PARENT", "WALL",  "FUNCTION",
                                           "VERSION", "START",  "MEMORY", "STATE", NULL};
    _cleanup_(table_freep) struct table *table = table_new(headings);
    struct err err = {0};

    int r = !table ? -ENOMEM
            : tree ? rows_below(table, list, NULL, "", 0)
                   : rows_plain(table, list);
    if (r < 0) {
        err_set(&err, r, "cannot list the pVMs");
        return cli_error(&err, NULL);
    }
    table_print(table, stdout);
    return CLI_OK;
}

int cli_ps(int argc, char **argv)
{
    _cleanup_(json_freep) struct json_object *list = NULL;
    bool tree = false;
    const struct cli_option options[] = {{.name = "--tree", .flag = &tree}};
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words != 0)
        return cli_usage("ps", "it takes no '%s'", argv[1]);
    bool some = admin_list("list the pVMs", "/system/pvms", "id",
                           "no pVM runs\n  try: vireo invoke NAME", &list, &exit);
    return some ? table_show(list, tree) : exit;
}
