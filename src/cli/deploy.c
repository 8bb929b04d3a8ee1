/* vireo deploy: packs a source, has the daemon build it, says how to call it. */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/build.h"
#include "cli/cli.h"
#include "cli/deploy.h"
#include "cli/deploy_container.h"
#include "cli/http.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/progress.h"
#include "cli/table.h"

/* Longest line of progress: the last one holds the whole function. */
#define LINE_MAX_BYTES (1u << 20)

/* The answer as it comes: a JSON object a line. */
struct answer_lines {
    struct progress *progress;
    char *line;
    size_t used, capacity;
    struct json_object *last; /* what came last, or NULL */
};

/* One whole line: a stage is shown at once, the outcome is kept. */
static void line_take(struct answer_lines *lines)
{
    struct json_object *object = json_tokener_parse(lines->line);
    const char *stage = json_text(object, "stage", NULL);

    if (stage)
        progress_stage(lines->progress, stage);
    json_free(lines->last);
    lines->last = object;
}

static int on_piece(const char *data, size_t size, void *user)
{
    struct answer_lines *lines = user;

    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n') {
            if (lines->used > 0) {
                lines->line[lines->used] = '\0';
                line_take(lines);
            }
            lines->used = 0;
            continue;
        }
        if (lines->used + 1 >= lines->capacity) {
            size_t capacity = lines->capacity ? lines->capacity * 2 : 4096;
            char *grown = capacity > LINE_MAX_BYTES ? NULL : realloc(lines->line, capacity);
            if (!grown)
                return -1;
            lines->line = grown;
            lines->capacity = capacity;
        }
        lines->line[lines->used++] = data[i];
    }
    return 0;
}

/* Appends "key=value", encoded. 0 or -ENOMEM. */
static int query_add(FILE *query, const char *key, const char *value)
{
    if (!value)
        return 0;
    _cleanup_(freep) char *encoded = http_escape(value);
    if (!encoded)
        return -ENOMEM;
    return fprintf(query, "%s%s=%s", ftell(query) == 0 ? "" : "&", key, encoded) < 0 ? -ENOMEM : 0;
}

struct deploy_options {
    const char *name, *isolation, *memory, *cpus, *timeout, *require, *slack, *talk, *directory;
    struct cli_list params, words;
};

/* The page with everything that the command line sets; malloc'ed, NULL: no memory. */
static char *target_make(const struct deploy_options *options)
{
    const struct {
        const char *key, *value;
    } pairs[] = {
        {"name", options->name},           {"isolation", options->isolation},
        {"memory", options->memory},       {"cpus", options->cpus},
        {"timeout", options->timeout},     {"slack", options->slack},
        {"require", options->require},     {"talk", options->talk},
        {"directory", options->directory},
    };
    _cleanup_(freep) char *query_text = NULL;
    size_t query_size;
    char *target = NULL;
    int r = 0;

    FILE *query = open_memstream(&query_text, &query_size);
    if (!query)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        r |= query_add(query, pairs[i].key, pairs[i].value);
    for (size_t i = 0; i < options->params.count; i++)
        r |= query_add(query, "param", options->params.items[i]);
    for (size_t i = 0; i < options->words.count; i++)
        r |= query_add(query, "word", options->words.items[i]);
    if (fclose(query) != 0 || r != 0)
        return NULL;
    if (asprintf(&target, "/system/functions%s%s", query_size ? "?" : "", query_text) < 0)
        return NULL;
    return target;
}

static void report(struct json_object *function, unsigned long long ms)
{
    _cleanup_(freep) char *own_url = NULL;
    char time_text[32];
    const char *name = json_text(function, "name", "?");
    const char *url = json_text(function, "url", NULL);

    if (cli.json) {
        puts(json_object_to_json_string_ext(function, JSON_C_TO_STRING_PRETTY |
                                                          JSON_C_TO_STRING_NOSLASHESCAPE));
        return;
    }
    if (!url || url[0] == '/') {
        if (asprintf(&own_url, "%s/function/%s", cli.server, name) < 0)
            return;
        url = own_url;
    }
    if (cli.quiet) {
        puts(url);
        return;
    }
    text_duration(ms, time_text, sizeof time_text);
    const char *version = json_text(function, "version", "");
    printf("deployed %s%s%s (%s, a pVM for each %s) in %s\n  %s\n", name, version[0] ? " " : "",
           version, json_text(function, "safety", "?"),
           json_text(function, "isolation", "instance"), time_text, url);
    if (strcmp(json_text(function, "kind", ""), "library") == 0)
        return;
    printf("  try: echo hello | vireo invoke %s\n       curl --data-binary hello %s\n", name, url);
}

static int outcome(struct answer_lines *lines, const struct deploy_upload *upload,
                   unsigned long long ms)
{
    struct json_object *member;
    struct err err = {0};

    if (json_object_is_type(lines->last, json_type_object)) {
        if (json_object_object_get_ex(lines->last, "problem", &member))
            return problem_print_json(upload->verb, upload->name, member);
        if (json_object_object_get_ex(lines->last, "function", &member)) {
            upload->report(member, ms);
            return CLI_OK;
        }
    }
    err_say(&err, -ECONNRESET, "cannot %s '%s': the daemon stopped before it was done",
            upload->verb, upload->name);
    return cli_error(&err, "vireo ls");
}

/* A folder that looks like a container's root, not like a source. */
static bool is_root_folder(const char *path)
{
    char inside[PATH_MAX];

    snprintf(inside, sizeof inside, "%s/vireo.yaml", path);
    if (access(inside, F_OK) == 0)
        return false;
    snprintf(inside, sizeof inside, "%s/bin", path);
    return access(inside, F_OK) == 0;
}

static void lines_clear(struct answer_lines *lines)
{
    json_free(lines->last);
    free(lines->line);
    lines->last = NULL;
    lines->line = NULL;
    lines->used = lines->capacity = 0;
}

static void on_wait(void *user)
{
    struct answer_lines *lines = user;

    progress_stage(lines->progress, "wait for other deploys");
    lines_clear(lines);
}

int deploy_upload(const struct deploy_upload *upload)
{
    static const char *const headers[] = {"Content-Type: application/x-tar",
                                          "Accept: application/x-ndjson"};
    _cleanup_(freep) void *tar = NULL;
    struct answer_lines lines = {0};
    struct http_answer answer = {0};
    struct err err = {0};
    size_t tar_size;

    if (!upload->target) {
        err_set(&err, -ENOMEM, "cannot %s '%s'", upload->verb, upload->source);
        return cli_error(&err, NULL);
    }
    int packed =
        upload->container
            ? source_pack_image(upload->container->root,
                                upload->container->manifest[0] ? upload->container->manifest : NULL,
                                &tar, &tar_size, &err)
            : source_pack(upload->source, &tar, &tar_size, &err);
    if (packed < 0)
        return cli_error(&err, !upload->container && is_root_folder(upload->source)
                                   ? "vireo deploy ROOTFS --name NAME -- CMD..., for a root file "
                                     "system: docs/containers.md"
                                   : NULL);
    struct http_request request = {
        .method = "POST",
        .target = upload->target,
        .headers = headers,
        .header_count = ARRAY_LEN(headers),
        .body = tar,
        .body_size = tar_size,
        .has_body = true,
        .piece = on_piece,
        .user = &lines,
    };
    lines.progress = progress_new(cli.verbose, cli.quiet);
    int r = admin_send(&request, on_wait, &lines, &answer, &err);
    /* A last line without its newline counts too. */
    if (r == 0 && lines.used > 0)
        on_piece("\n", 1, &lines);
    struct json_object *problem = NULL;
    bool failed = r < 0 || answer.status != 200 ||
                  (lines.last && json_object_object_get_ex(lines.last, "problem", &problem));
    progress_free(lines.progress, failed);

    int exit;
    if (r < 0)
        exit = problem_unreachable(&err);
    else if (answer.status != 200)
        exit = problem_print(upload->verb, upload->name, &answer);
    else
        exit = outcome(&lines, upload, (unsigned long long)answer.total_us / 1000);
    http_answer_clear(&answer);
    lines_clear(&lines);
    return exit;
}

/* Where "--" stands: what is behind it is a container's command; argc: nowhere. */
static int find_command(int argc, char **argv)
{
    int at = 1;

    while (at < argc && strcmp(argv[at], "--") != 0)
        at++;
    return at;
}

/* What the bundle says and the command line does not. */
static int take_bundle(struct deploy_options *options, const struct container_source *source)
{
    struct cli_list params = source->params;

    if (options->words.count == 0)
        options->words = source->words;
    if (!options->directory && source->directory[0])
        options->directory = source->directory;
    for (size_t i = 0; i < options->params.count; i++) {
        if (params.count == CLI_LIST_MAX)
            return cli_usage("deploy", "there are more than %d variables", CLI_LIST_MAX);
        params.items[params.count++] = options->params.items[i];
    }
    options->params = params;
    return CLI_OK;
}

int cli_deploy(int argc, char **argv)
{
    struct container_source source __attribute__((cleanup(container_source_clear))) = {0};
    int command = find_command(argc, argv);
    struct deploy_options deploy_options = {0};
    const struct cli_option options[] = {
        {.name = "--name", .text = &deploy_options.name},
        {.name = "--isolation", .text = &deploy_options.isolation},
        {.name = "--memory", .text = &deploy_options.memory},
        {.name = "--cpus", .text = &deploy_options.cpus},
        {.name = "--timeout", .text = &deploy_options.timeout},
        {.name = "--slack", .text = &deploy_options.slack},
        {.name = "--require", .text = &deploy_options.require},
        {.name = "--talk", .text = &deploy_options.talk},
        {.name = "--param", .list = &deploy_options.params},
    };
    struct err err = {0};
    int words, exit;

    for (int i = command + 1; i < argc; i++) {
        if (deploy_options.words.count == CLI_LIST_MAX)
            return cli_usage("deploy", "the command has more than %d words", CLI_LIST_MAX);
        deploy_options.words.items[deploy_options.words.count++] = argv[i];
    }
    if (command < argc && command == argc - 1)
        return cli_usage("deploy", "there is no command behind '--'");
    argv[command] = NULL;
    if (!cli_options(command, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words != 1)
        return cli_usage("deploy", words == 0 ? "it needs a source" : "one source at a time");
    for (size_t i = 0; i < deploy_options.params.count; i++) {
        const char *pair = deploy_options.params.items[i];
        if (!strchr(pair, '=') || pair[0] == '=')
            return cli_usage("deploy", "'--param %s': it must be NAME=VALUE", pair);
    }
    /* A shell variable that is not set: the manifest's name would be another function's. */
    if (deploy_options.name && !*deploy_options.name)
        return cli_usage("deploy", "'--name' is empty");
    int found = container_source_find(argv[1], deploy_options.words.count > 0, &source, &err);
    if (found < 0)
        return cli_error(&err, NULL);
    exit = found ? take_bundle(&deploy_options, &source) : CLI_OK;
    if (exit != CLI_OK)
        return exit;
    _cleanup_(freep) char *target = target_make(&deploy_options);
    const struct deploy_upload upload = {
        .verb = "deploy",
        .source = argv[1],
        .container = found ? &source : NULL,
        .name = deploy_options.name ? deploy_options.name : argv[1],
        .target = target,
        .report = report,
    };
    return deploy_upload(&upload);
}
