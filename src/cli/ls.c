/* vireo ls: what is deployed. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/manifest.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/table.h"

DEFINE_CLEANUP(struct table, table_free)

/* One function as a row. 0 or -ENOMEM. */
static int row_add(struct table *table, struct json_object *function)
{
    char memory[32], timeout[32];

    manifest_bytes_text((uint64_t)json_number(function, "memory_bytes"), memory, sizeof memory);
    text_duration((unsigned long long)json_number(function, "timeout_ms"), timeout, sizeof timeout);
    const char *const cells[] = {
        json_text(function, "name", "?"),
        json_text(function, "version", ""),
        json_text(function, "safety", "?"),
        json_text(function, "isolation", "?"),
        memory,
        timeout,
        json_text(function, "updated_at", "?"),
        json_text(function, "url", ""),
    };
    return table_row(table, cells);
}

static int table_show(struct json_object *list)
{
    static const char *const headings[] = {"NAME",    "VERSION", "SAFETY", "ISOLATION", "MEMORY",
                                           "TIMEOUT", "UPDATED", "URL",    NULL};
    _cleanup_(table_freep) struct table *table = table_new(headings);
    struct err err = {0};

    for (size_t i = 0; table && i < json_object_array_length(list); i++) {
        if (row_add(table, json_object_array_get_idx(list, i)) < 0) {
            err_set(&err, -ENOMEM, "cannot list the functions");
            return cli_error(&err, NULL);
        }
    }
    if (table)
        table_print(table, stdout);
    return CLI_OK;
}

int cli_ls(int argc, char **argv)
{
    _cleanup_(json_freep) struct json_object *list = NULL;
    int words, exit;

    if (!cli_options(argc, argv, NULL, 0, 0, &words, &exit))
        return exit;
    if (words != 0)
        return cli_usage("ls", "it takes no '%s'", argv[1]);
    bool some =
        admin_list("list the functions", "/system/functions", "name",
                   "no function is deployed\n  try: vireo deploy SRC --name NAME", &list, &exit);
    return some ? table_show(list) : exit;
}
