/* A build by the command line itself, without a daemon: for `vireo build` and `vireo run`. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/symbol_map.h"
#include "cli/cli.h"
#include "cli/local_build.h"
#include "cli/progress.h"
#include "pvm/pvm.h"

DEFINE_CLEANUP(struct store, store_close)
DEFINE_CLEANUP(struct sign_key, sign_key_free)

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

/* Made, unless it is there, and ours to write. Others may pass through (a build's sandbox has a uid
 * of its own), not list. */
static int directory_use(const char *path, struct err *err)
{
    int r = directories_make(path, 0711, err);

    if (r == 0 && access(path, W_OK | X_OK) < 0)
        r = err_set(err, -errno, "cannot write in directory '%s'", path);
    return r;
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
    r = directory_use(state, err);
    if (r == 0)
        r = directory_use(keys, err);
    if (r < 0)
        return r;
    if (asprintf(ret_key, "%s/key", keys) < 0)
        return err_set(err, -ENOMEM, "cannot find a place for the key");
    *ret_state = steal_ptr(&state);
    return 0;
}

/* A place for this once, which nobody else can enter. */
static int temporary_places(char **ret_state, char **ret_key, struct err *err)
{
    const char *base = getenv("TMPDIR");
    _cleanup_(freep) char *state = NULL;
    _cleanup_(freep) char *key = NULL;

    if (!base || base[0] != '/')
        base = "/tmp";
    if (asprintf(&state, "%s/vireo-XXXXXX", base) < 0) {
        state = NULL;
        return err_set(err, -ENOMEM, "cannot make a temporary directory");
    }
    if (!mkdtemp(state))
        return err_set(err, -errno, "cannot make a temporary directory in '%s'", base);
    if (asprintf(&key, "%s/key", state) < 0) {
        key = NULL;
        rmdir(state);
        return err_set(err, -ENOMEM, "cannot make a temporary directory");
    }
    *ret_state = steal_ptr(&state);
    *ret_key = steal_ptr(&key);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    remove(path);
    return 0; /* what can't be removed must not keep the rest */
}

/* Links are removed, not followed. NULL is fine. */
static void temporary_remove(char *path)
{
    if (path)
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    free(path);
}

DEFINE_CLEANUP(char, temporary_remove)

/* --name, else what vireo.yaml says, else the source's own name made one that is allowed. */
static int set_name(struct manifest *manifest, const struct local_build_options *options,
                    struct err *err)
{
    char name[NAME_MAX_BYTES + 1];
    size_t used = 0;

    if (options->name)
        return manifest_set_name(manifest, options->name, err);
    if (manifest->name[0] != '\0')
        return 0;

    _cleanup_(freep) char *path = realpath(options->source, NULL);
    if (!path)
        return err_set(err, -errno, "cannot build '%s'", options->source);
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
        return err_say(err, -EINVAL, "cannot build '%s': it needs a name (--name)",
                       options->source);
    return manifest_set_name(manifest, name, err);
}

static int override(struct manifest *manifest, void *user, struct err *err)
{
    const struct local_build_options *options = user;
    int r = set_name(manifest, options, err);

    if (r == 0 && options->override)
        r = options->override(manifest, options->user, err);
    return r;
}

static void on_stage(const char *stage, void *user)
{
    progress_stage(user, stage);
}

int local_build_identity(struct build_options *options, int *ret_lock, struct err *err)
{
    options->rootless = geteuid() != 0;
    if (options->rootless)
        return 0;
    return pvm_uid_take(&options->uid, ret_lock, err);
}

int local_build_open(struct local_build *ret_local, struct err *err)
{
    _cleanup_(freep) char *state = NULL;
    _cleanup_(freep) char *key_path = NULL;
    _cleanup_(sign_key_freep) struct sign_key *key = NULL;
    _cleanup_(store_closep) struct store *store = NULL;

    _cleanup_(temporary_removep) char *temporary = NULL;
    struct err reason = {0};

    int r = places(&state, &key_path, &reason);
    if (r < 0 && geteuid() == 0)
        return err_say(err, r, "%s", reason.message);
    if (r < 0) {
        r = temporary_places(&state, &key_path, err);
        if (r < 0)
            return r;
        temporary = strdup(state);
        if (!temporary) {
            rmdir(state);
            return err_set(err, -ENOMEM, "cannot make a temporary directory");
        }
        if (!cli.quiet)
            fprintf(stderr,
                    "vireo: %s: building in a temporary directory, with a key for this once\n",
                    reason.message);
    }
    r = sign_key_open(key_path, &key, err);
    if (r == 0)
        r = store_open(state, &store, err);
    if (r < 0)
        return r;
    *ret_local = (struct local_build){.state_dir = steal_ptr(&state),
                                      .temporary = steal_ptr(&temporary),
                                      .key = steal_ptr(&key),
                                      .store = steal_ptr(&store)};
    return 0;
}

void local_build_close(struct local_build *local)
{
    build_result_clear(&local->result);
    store_close(local->store);
    sign_key_free(local->key);
    free(local->state_dir);
    temporary_remove(local->temporary);
    *local = (struct local_build){0};
}

/* The symbol map of a library's file. *ret_file is the caller's, and has the map in it. */
static int read_map(const char *path, char **ret_file, struct build_options *options,
                    struct err *err)
{
    struct symbol_map map;
    size_t size;

    int r = fd_read_file(AT_FDCWD, path, LIBRARY_MAX_BYTES, ret_file, &size, err);
    if (r < 0)
        return r;
    r = size > LIBRARY_TRAILER_BYTES
            ? symbol_map_of(*ret_file, size - LIBRARY_TRAILER_BYTES, &map, err)
            : -ENOENT;
    if (r == -ENOENT || (r == 0 && map.header->native))
        return err_say(
            err, -EINVAL,
            "cannot build against '%s': it has no symbol map: it is no C source that was "
            "built with slack for updates",
            path);
    if (r == 0) {
        options->base_map = map.header;
        options->base_map_size = map.header->bytes;
    }
    return r;
}

int local_build(struct local_build *local, const struct local_build_options *wanted,
                struct err *err)
{
    struct build_options options = {0};
    _cleanup_(freep) void *tar = NULL;
    _cleanup_(freep) char *against = NULL;
    _cleanup_(freep) char *builder = cli_program_path("vireo-build");
    _cleanup_(closep) int uid_lock = -1;
    size_t tar_size;

    if (!builder)
        return err_set(err, -ENOMEM, "cannot build '%s'", wanted->source);
    *strrchr(builder, '/') = '\0';
    int r = source_pack(wanted->source, &tar, &tar_size, err);
    if (r == 0 && wanted->against)
        r = read_map(wanted->against, &against, &options, err);
    if (r == 0)
        r = local_build_identity(&options, &uid_lock, err);
    if (r < 0)
        return r;

    options.program_dir = builder;
    options.state_dir = local->state_dir;
    char group[64] = "";
    if (!options.rootless)
        snprintf(group, sizeof group, "vireo/build-%d", (int)getpid());
    options.cgroup_name = group;
    options.native = wanted->native;
    options.ladder = wanted->ladder;
    options.require = wanted->require;
    options.quick = wanted->quick;
    options.trust = wanted->trust;
    options.stop_fd = wanted->stop_fd;
    options.progress = on_stage;
    struct progress *progress =
        progress_new(cli.verbose || wanted->plain_progress, cli.quiet || wanted->quiet);
    options.progress_user = progress;
    r = build_run(&options, tar, tar_size, override, (void *)(uintptr_t)wanted, local->store,
                  local->key, &local->result, err);
    progress_free(progress, r < 0);
    return r;
}
