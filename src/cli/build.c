/* vireo build: a source to a signed library, without a daemon. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "pvm/pvm.h"

DEFINE_CLEANUP(struct store, store_close)
DEFINE_CLEANUP(struct sign_key, sign_key_free)

struct names {
    const char *option; /* --name, or NULL */
    const char *source; /* path, for a name when nothing else gives one */
};

/* Makes a directory and those above it; one that is there already is fine. */
static int directories_make(const char *path, mode_t mode, struct err *err)
{
    _cleanup_(freep) char *copy = strdup(path);

    if (!copy)
        return err_set(err, -ENOMEM, "cannot make directory '%s'", path);
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
            return err_set(err, -errno, "cannot make directory '%s'", copy);
        *slash = '/';
    }
    if (mkdir(copy, mode) < 0 && errno != EEXIST)
        return err_set(err, -errno, "cannot make directory '%s'", path);
    return 0;
}

/* "$VARIABLE/vireo", or "$HOME/below/vireo"; malloc'ed. */
static int user_directory(const char *variable, const char *below, char **ret_path, struct err *err)
{
    const char *base = getenv(variable);
    const char *home = getenv("HOME");
    int n;

    /* The XDG specification: a relative path there is to be ignored. */
    if (base && base[0] == '/')
        n = asprintf(ret_path, "%s/vireo", base);
    else if (home && home[0] == '/')
        n = asprintf(ret_path, "%s/%s/vireo", home, below);
    else
        return err_say(err, -EINVAL, "cannot find a place for the key and store: HOME is not set");
    return n < 0 ? err_set(err, -ENOMEM, "cannot find a place for the key and store") : 0;
}

/* The store's directory and the key's path: the machine's for root, else the user's own. */
static int places(char **ret_state, char **ret_key, struct err *err)
{
    _cleanup_(freep) char *state = NULL;
    _cleanup_(freep) char *keys = NULL;
    int r = 0;

    if (geteuid() == 0) {
        state = strdup(cli.state_dir);
        keys = strdup(cli.state_dir);
    } else {
        r = user_directory("XDG_CACHE_HOME", ".cache", &state, err);
        if (r == 0)
            r = user_directory("XDG_CONFIG_HOME", ".config", &keys, err);
    }
    if (r < 0)
        return r;
    if (!state || !keys)
        return err_set(err, -ENOMEM, "cannot find a place for the key and store");
    /* Others may pass through (a build's sandbox has a uid of its own), not list. */
    r = directories_make(state, 0711, err);
    if (r == 0)
        r = directories_make(keys, 0711, err);
    if (r < 0)
        return r;
    if (asprintf(ret_key, "%s/key", keys) < 0)
        return err_set(err, -ENOMEM, "cannot find a place for the key");
    *ret_state = steal_ptr(&state);
    return 0;
}

/* --name, else what vireo.yaml says, else the source's own name made one that is allowed. */
static int override_name(struct manifest *manifest, void *user, struct err *err)
{
    const struct names *names = user;
    char name[NAME_MAX_BYTES + 1];
    size_t used = 0;

    if (names->option)
        return manifest_set_name(manifest, names->option, err);
    if (manifest->name[0] != '\0')
        return 0;

    _cleanup_(freep) char *path = realpath(names->source, NULL);
    if (!path)
        return err_set(err, -errno, "cannot build '%s'", names->source);
    const char *base = strrchr(path, '/') + 1;
    for (; *base && *base != '.' && used < NAME_MAX_BYTES; base++) {
        if (isalnum((unsigned char)*base))
            name[used++] = (char)tolower((unsigned char)*base);
        else if (used > 0)
            name[used++] = '-';
    }
    while (used > 0 && name[used - 1] == '-')
        used--;
    name[used] = '\0';
    if (used == 0)
        return err_say(err, -EINVAL, "cannot build '%s': it needs a name (--name)", names->source);
    return manifest_set_name(manifest, name, err);
}

static void on_stage(const char *stage, void *user)
{
    progress_stage(user, stage);
}

static void report(const struct build_result *result, const struct sign_key *key,
                   const char *output, unsigned long long ms)
{
    char signer[BUILD_HASH_TEXT], size[32], time_text[32];

    sign_key_id(key, signer);
    if (cli.json) {
        _cleanup_(json_freep) struct json_object *object = json_object_new_object();
        json_object_object_add(object, "name", json_object_new_string(result->note.name));
        json_object_object_add(object, "version", json_object_new_string(result->note.version));
        json_object_object_add(object, "safety", json_object_new_string(result->note.safety));
        json_object_object_add(object, "kind", json_object_new_string(result->note.kind));
        json_object_object_add(object, "library", json_object_new_string(result->library_hash));
        json_object_object_add(object, "source", json_object_new_string(result->input_hash));
        json_object_object_add(object, "signed_by", json_object_new_string(signer));
        json_object_object_add(object, "size_bytes", json_object_new_uint64(result->size));
        json_object_object_add(object, "from_store", json_object_new_boolean(result->from_store));
        puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
                                                        JSON_C_TO_STRING_NOSLASHESCAPE));
        return;
    }
    if (cli.quiet)
        return;
    text_duration(ms, time_text, sizeof time_text);
    snprintf(size, sizeof size, "%zu KiB", (result->size + 1023) / 1024);
    printf("built %s: %s %s, %s, %s, %s\n", output, result->note.name, result->note.version,
           result->note.safety, size, result->from_store ? "from the store" : time_text);
    if (cli.verbose)
        fprintf(stderr, "library %s\nsource  %s\nsigned  %s\n", result->library_hash,
                result->input_hash, signer);
}

/* Who the sandboxes run as: root takes a uid that nobody else has, a user stays in a namespace. */
static int identity(struct build_options *options, int *ret_lock, struct err *err)
{
    options->rootless = geteuid() != 0;
    if (options->rootless)
        return 0;
    return pvm_uid_take(&options->uid, ret_lock, err);
}

static int build(const char *source, const char *output, const char *name, bool plain_progress,
                 struct err *err)
{
    struct timespec from, to;
    struct build_options options = {0};
    struct build_result result = {0};
    struct names names = {.option = name, .source = source};
    _cleanup_(freep) void *tar = NULL;
    _cleanup_(freep) char *state = NULL;
    _cleanup_(freep) char *key_path = NULL;
    _cleanup_(freep) char *builder = cli_program_path("vireo-build");
    _cleanup_(closep) int uid_lock = -1;
    _cleanup_(sign_key_freep) struct sign_key *key = NULL;
    _cleanup_(store_closep) struct store *store = NULL;
    size_t tar_size;

    clock_gettime(CLOCK_MONOTONIC, &from);
    if (!builder)
        return err_set(err, -ENOMEM, "cannot build '%s'", source);
    *strrchr(builder, '/') = '\0';
    int r = source_pack(source, &tar, &tar_size, err);
    if (r == 0)
        r = places(&state, &key_path, err);
    if (r == 0)
        r = sign_key_open(key_path, &key, err);
    if (r == 0)
        r = store_open(state, &store, err);
    if (r == 0)
        r = identity(&options, &uid_lock, err);
    if (r < 0)
        return r;

    options.program_dir = builder;
    options.state_dir = state;
    options.cgroup_name = "";
    options.progress = on_stage;
    struct progress *progress = progress_new(cli.verbose || plain_progress, cli.quiet);
    options.progress_user = progress;
    r = build_run(&options, tar, tar_size, override_name, &names, store, key, &result, err);
    progress_free(progress, r < 0);
    if (r == 0)
        r = fd_write_file_atomic(AT_FDCWD, output, result.library, result.size, 0644, err);
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (r == 0)
        report(&result, key, output,
               (unsigned long long)((to.tv_sec - from.tv_sec) * 1000 +
                                    (to.tv_nsec - from.tv_nsec) / 1000000));
    build_result_clear(&result);
    return r;
}

int cli_build(int argc, char **argv)
{
    const char *output = NULL;
    const char *name = NULL;
    bool plain_progress = false;
    const struct cli_option options[] = {
        {.name = "--out", .letter = 'o', .text = &output},
        {.name = "--name", .text = &name},
        {.name = "--progress", .flag = &plain_progress},
    };
    struct err err = {0};
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words != 1)
        return cli_usage("build", words == 0 ? "it needs a source" : "one source at a time");
    if (!output)
        return cli_usage("build", "it needs -o LIB, the file to write");
    if (build(argv[1], output, name, plain_progress, &err) < 0)
        return cli_error(&err, NULL);
    return CLI_OK;
}
