/* vireo push, vireo pull: WebAssembly modules, and libraries made of them, in OCI registries. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "build/build.h"
#include "build/manifest.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "dist/dist.h"

#define POLICY_NAME "vireo.yaml"
static const char wasm_magic[4] = {0, 'a', 's', 'm'};

DEFINE_CLEANUP(struct sign_key, sign_key_free)

static void sign(void *key, const char *text, size_t size, uint8_t ret_signature[static 64])
{
    (void)sign_text(key, text, size, ret_signature);
}

static void closedirp(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

/* The one module, or library, of a folder. */
static int find_module(const char *folder, char path[static PATH_MAX], struct err *err)
{
    _cleanup_(closedirp) DIR *directory = opendir(folder);
    const struct dirent *entry;
    int count = 0;

    if (!directory)
        return err_set(err, -errno, "cannot read folder '%s'", folder);
    while ((entry = readdir(directory))) {
        if ((ends_with(entry->d_name, ".wasm") || ends_with(entry->d_name, ".so")) && ++count == 1)
            snprintf(path, PATH_MAX, "%s/%s", folder, entry->d_name);
    }
    return count == 1
               ? 0
               : err_say(
                     err, -EINVAL,
                     "cannot push '%s': it has %d modules and libraries (*.wasm, *.so), not one",
                     folder, count);
}

static int read_module(const char *path, char **ret_module, size_t *ret_size, bool *ret_library,
                       struct err *err)
{
    struct library_note note;
    struct err reason = {0};

    *ret_library = ends_with(path, ".so");
    int r = fd_read_file(AT_FDCWD, path, *ret_library ? LIBRARY_MAX_BYTES : WASM_MAX_BYTES,
                         ret_module, ret_size, err);
    if (r < 0)
        return r;
    if (!*ret_library)
        return *ret_size < 8 || memcmp(*ret_module, wasm_magic, sizeof wasm_magic) != 0
                   ? err_say(err, -EINVAL, "cannot push '%s': it is no WebAssembly module", path)
                   : 0;
    /* Whether its signature is to be trusted is for who runs it to say. */
    if (*ret_size <= LIBRARY_TRAILER_BYTES ||
        library_check(*ret_module, *ret_size - LIBRARY_TRAILER_BYTES, &note, &reason) < 0)
        return err_say(err, -EINVAL, "cannot push '%s': it is no library that vireo build made%s%s",
                       path, reason.message[0] ? ": " : "", reason.message);
    return 0;
}

/* A module and its policy: of a folder, or a file and what --policy names. */
static int read_source(const char *source, const char *policy_path, char **ret_module,
                       size_t *ret_size, bool *ret_library, char **ret_policy, struct err *err)
{
    char module_path[PATH_MAX], beside[PATH_MAX];
    static struct manifest manifest; /* large, and only looked at */
    struct stat file;
    size_t size;
    int r = stat(source, &file) < 0 ? err_set(err, -errno, "cannot push '%s'", source) : 0;

    if (r < 0)
        return r;
    snprintf(module_path, sizeof module_path, "%s", source);
    if (S_ISDIR(file.st_mode)) {
        r = find_module(source, module_path, err);
        snprintf(beside, sizeof beside, "%s/" POLICY_NAME, source);
        if (!policy_path && access(beside, F_OK) == 0)
            policy_path = beside;
    }
    if (r == 0)
        r = read_module(module_path, ret_module, ret_size, ret_library, err);
    if (r == 0 && policy_path)
        r = fd_read_file(AT_FDCWD, policy_path, MANIFEST_MAX_BYTES, ret_policy, &size, err);
    if (r == 0 && *ret_policy)
        r = manifest_parse(*ret_policy, size, policy_path, &manifest, err);
    return r;
}

static void say(const char *done, const char *text, const char *digest, const char *place,
                const char *signer)
{
    if (cli.json) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "reference", json_object_new_string(text));
        json_object_object_add(object, "digest", json_object_new_string(digest));
        if (place)
            json_object_object_add(object, "module", json_object_new_string(place));
        if (signer)
            json_object_object_add(object, "signed_by", json_object_new_string(signer));
        puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
                                                        JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(object);
    } else if (!cli.quiet) {
        printf("%s %s %s%s%s%s%s\n", done, text, digest, place ? ": " : "", place ? place : "",
               signer ? ", signed by " : "", signer ? signer : "");
    }
}

int cli_push(int argc, char **argv)
{
    const char *key_path = NULL, *policy_path = NULL;
    struct dist_options dist = {0};
    const struct cli_option options[] = {{.name = "--sign", .text = &key_path},
                                         {.name = "--policy", .text = &policy_path},
                                         {.name = "--ca", .text = &dist.ca},
                                         {.name = "--auth-file", .text = &dist.auth},
                                         {.name = "--plain-http", .flag = &dist.plain_http}};
    _cleanup_(sign_key_freep) struct sign_key *key = NULL;
    _cleanup_(freep) char *module = NULL, *policy = NULL;
    char signer[BUILD_HASH_TEXT], digest[DIST_DIGEST_TEXT];
    struct dist_reference reference;
    struct err err = {0};
    size_t size = 0;
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words < 1 || words > 2)
        return cli_usage("push", "it needs REGISTRY/NAME:TAG and a module or folder");
    int r = dist_reference_parse(argv[1], &reference, &err);
    if (r == 0)
        r = read_source(words == 2 ? argv[2] : ".", policy_path, &module, &size, &dist.library,
                        &policy, &err);
    if (r == 0 && key_path) {
        r = sign_key_open(key_path, &key, &err);
        if (r == 0)
            sign_key_id(key, signer);
        dist.sign = sign;
        dist.key = key;
        dist.signer = signer;
    }
    if (r == 0)
        r = dist_push(&reference, &dist, module, size, policy, digest, &err);
    if (r < 0)
        return cli_error(&err, NULL);
    say("pushed", argv[1], digest, NULL, dist.signer);
    return CLI_OK;
}

/* ---- pull ---- */

/* "a/b/name" is called name. */
static const char *last_of(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash ? slash + 1 : name;
}

static int write_policy(const char *folder, const char *text, struct err *err)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/" POLICY_NAME, folder);
    return fd_write_file_atomic(AT_FDCWD, path, text, strlen(text), 0644, err);
}

int cli_pull(int argc, char **argv)
{
    const char *folder = NULL;
    struct dist_options dist = {0};
    const struct cli_option options[] = {{.name = "--out", .letter = 'o', .text = &folder},
                                         {.name = "--key", .text = &dist.key_id},
                                         {.name = "--ca", .text = &dist.ca},
                                         {.name = "--auth-file", .text = &dist.auth},
                                         {.name = "--json", .flag = &cli.json},
                                         {.name = "--plain-http", .flag = &dist.plain_http}};
    struct dist_reference reference;
    struct dist_pulled pulled;
    struct err err = {0};
    char path[PATH_MAX];
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words != 1)
        return cli_usage("pull", "it needs REGISTRY/NAME:TAG");
    int r = dist_reference_parse(argv[1], &reference, &err);
    if (r < 0)
        return cli_error(&err, NULL);
    const char *name = last_of(reference.name);
    folder = folder ? folder : name;
    if (mkdir(folder, 0755) < 0 && errno != EEXIST) {
        err_set(&err, -errno, "cannot make folder '%s'", folder);
        return cli_error(&err, NULL);
    }
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path) {
        err_set(&err, -ENAMETOOLONG, "cannot pull into '%.100s'", folder);
        return cli_error(&err, NULL);
    }
    r = dist_pull(&reference, &dist, path, &pulled, &err);
    if (r == 0 && pulled.policy)
        r = write_policy(folder, pulled.policy, &err);
    if (r < 0) {
        (void)rmdir(folder); /* when nothing is in it */
        return cli_error(&err, NULL);
    }
    say("pulled", argv[1], pulled.digest, pulled.path, pulled.is_signed ? dist.key_id : NULL);
    free(pulled.policy);
    free(pulled.path);
    return CLI_OK;
}
