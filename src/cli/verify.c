/* vireo verify: is a function proved safe, and if not, what is open? */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "build/build.h"
#include "cli/cli.h"
#include "cli/local_build.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/verify_report.h"

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), wanted = strlen(suffix);

    return length > wanted && strcmp(name + length - wanted, suffix) == 0;
}

static void on_diagnostics(const char *text, void *user)
{
    (void)user;
    fputs(text, stderr);
}

static bool is_ir(const char *path)
{
    return ends_with(path, ".bc") || ends_with(path, ".ll");
}

static int read_input(const char *path, struct build_verify_input *input, void **ret_bytes,
                      struct err *err)
{
    if (ends_with(path, ".so") || ends_with(path, ".py"))
        return err_say(err, -EINVAL, "cannot verify '%s': it is %s, and what is proved is C", path,
                       ends_with(path, ".so") ? "a library" : "Python");
    input->ir = is_ir(path);
    int r = input->ir ? fd_read_file(AT_FDCWD, path, SOURCE_MAX_BYTES, (char **)ret_bytes,
                                     &input->size, err)
                      : source_pack(path, ret_bytes, &input->size, err);
    if (r == 0)
        input->bytes = *ret_bytes;
    return r;
}

static int verify(const char *path, const char *entry, char **ret_json, struct err *err)
{
    struct build_verify_input input = {.name = path, .entry = entry ? entry : ""};
    struct build_options options = {0};
    _cleanup_(freep) void *bytes = NULL;
    _cleanup_(freep) char *program = cli_program_path("vireo-verify");
    _cleanup_(closep) int uid_lock = -1;
    char group[64] = "";

    if (!program)
        return err_set(err, -ENOMEM, "cannot verify '%s'", path);
    *strrchr(program, '/') = '\0';
    int r = read_input(path, &input, &bytes, err);
    if (r == 0)
        r = local_build_identity(&options, &uid_lock, err);
    if (r < 0)
        return r;
    if (!options.rootless)
        snprintf(group, sizeof group, "vireo/verify-%d", (int)getpid());
    options.cgroup_name = group;
    options.program_dir = program;
    if (!cli.quiet)
        options.diagnostics = on_diagnostics;
    return build_verify(&options, &input, ret_json, err);
}

static struct json_object *verdict_new(const char *verdict, const char *reason)
{
    struct json_object *report = json_object_new_object();

    json_object_object_add(report, "verdict", json_object_new_string(verdict));
    json_object_object_add(report, "reason", json_object_new_string(reason));
    return report;
}

/* A limit, or the verifier's death, is a verdict too: nothing is proved. */
static struct json_object *verdict_of_error(const struct err *err)
{
    static const struct {
        int error;
        const char *verdict, *reason;
    } verdicts[] = {
        {-ETIME, "not proved", "the verifier's time ran out"},
        {-ENOMEM, "not proved", "the verifier's memory ran out"},
        {-EFBIG, "not proved", "a result of the verifier grew too large"},
        {-EPROTO, "bad input",
         "LLVM or the verifier broke on it: it is damaged, or a fault of theirs"},
    };

    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
        if (verdicts[i].error == err->code)
            return verdict_new(verdicts[i].verdict, verdicts[i].reason);
    return NULL;
}

static int exit_of(struct json_object *report)
{
    struct json_object *verdict;
    const char *text = json_object_object_get_ex(report, "verdict", &verdict)
                           ? json_object_get_string(verdict)
                           : "";

    if (strcmp(text, "proved") == 0)
        return CLI_OK;
    return strcmp(text, "not proved") == 0 ? CLI_FAILED : CLI_USAGE;
}

int cli_verify(int argc, char **argv)
{
    const char *entry = NULL;
    bool annotate = false;
    const struct cli_option options[] = {
        {.name = "--entry", .text = &entry},
        {.name = "--annotate", .flag = &annotate},
    };
    struct err err = {0};
    _cleanup_(freep) char *json = NULL;
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words != 1)
        return cli_usage("verify", words == 0 ? "it needs a source" : "one source at a time");
    const char *path = argv[1];
    int r = verify(path, entry, &json, &err);
    _cleanup_(json_freep) struct json_object *report =
        r < 0 ? verdict_of_error(&err) : json_tokener_parse(json);
    if (!report && r < 0) {
        exit = cli_error(&err, NULL) == CLI_NOT_FOUND ? CLI_NOT_FOUND : CLI_USAGE;
        if (!cli.json)
            return exit;
        /* For machines a source that does not compile, or is not there, has a verdict, too. */
        report = verdict_new("bad input", err.message);
    } else {
        exit = exit_of(report);
    }
    if (!report)
        return CLI_BUG;
    if (cli.json)
        puts(json_object_to_json_string_ext(report, JSON_C_TO_STRING_PRETTY |
                                                        JSON_C_TO_STRING_NOSLASHESCAPE));
    else if (annotate && exit != CLI_USAGE)
        verify_report_annotate(report, path, is_ir(path));
    if (!cli.json && !cli.quiet)
        verify_report_print(report, path);
    return exit;
}
