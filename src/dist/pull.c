/* An artifact from a registry: nothing of it is used before its digest is right. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "dist/http.h"
#include "dist/manifest.h"

#define TRIES 4
#define SIGNATURES_MAX 32
DEFINE_CLEANUP(struct dist_answer, dist_answer_clear)

/* A manifest by tag or digest; what was named by a digest must have it. */
static int get_manifest(struct dist_registry *registry, const char *name,
                        struct dist_answer *answer, char ret_digest[static DIST_DIGEST_TEXT],
                        struct err *err)
{
    char path[DIST_URL_MAX];
    const struct dist_request request = {.method = "GET",
                                         .url = path,
                                         .accept = DIST_MANIFEST_TYPE ", " DIST_INDEX_TYPE
                                                                      ", " DIST_DOCKER_TYPE};

    snprintf(path, sizeof path, "/v2/%s/manifests/%s", registry->reference->name, name);
    int r = dist_http(registry, &request, answer, err);
    if (r < 0)
        return r;
    if (answer->status != 200 || !answer->body)
        return dist_http_refused(registry, "pull", answer, err);
    dist_digest(answer->body, answer->bytes, ret_digest);
    if (strncmp(name, "sha256:", 7) == 0 && strcmp(name, ret_digest) != 0)
        return err_say(err, -EBADMSG, "cannot pull: what the registry gives as %s is %s", name,
                       ret_digest);
    return 0;
}

static int get_small(struct dist_registry *registry, const struct dist_descriptor *wanted,
                     struct dist_answer *answer, struct err *err)
{
    char path[DIST_URL_MAX], digest[DIST_DIGEST_TEXT];
    const struct dist_request request = {.method = "GET", .url = path};

    snprintf(path, sizeof path, "/v2/%s/blobs/%s", registry->reference->name, wanted->digest);
    int r = dist_http(registry, &request, answer, err);
    if (r < 0)
        return r;
    if (answer->status != 200 || !answer->body)
        return dist_http_refused(registry, "pull", answer, err);
    dist_digest(answer->body, answer->bytes, digest);
    if (strcmp(digest, wanted->digest) != 0)
        return err_say(err, -EBADMSG, "cannot pull: what the registry gives as %s is %s",
                       wanted->digest, digest);
    return 0;
}

/* ---- the module: into a file, from where a broken pull left off ---- */

static int check_file(int fd, const struct dist_descriptor *wanted, struct err *err)
{
    crypto_hash_sha256_state state;
    uint8_t buffer[65536], hash[crypto_hash_sha256_BYTES];
    char digest[DIST_DIGEST_TEXT] = "sha256:";
    off_t at = 0;
    ssize_t n;

    crypto_hash_sha256_init(&state);
    while ((n = pread(fd, buffer, sizeof buffer, at)) > 0) {
        crypto_hash_sha256_update(&state, buffer, (size_t)n);
        at += n;
    }
    if (n < 0)
        return err_set(err, -errno, "cannot pull");
    crypto_hash_sha256_final(&state, hash);
    sodium_bin2hex(digest + 7, sizeof digest - 7, hash, sizeof hash);
    if ((uint64_t)at != wanted->bytes || strcmp(digest, wanted->digest) != 0)
        return err_say(err, -EBADMSG, "cannot pull: what the registry gives as %s is %s",
                       wanted->digest, digest);
    return 0;
}

/* One request for what is missing. 1: it broke off, and more is there than before, or may be. */
static int fetch_rest(struct dist_registry *registry, const struct dist_descriptor *wanted, int fd,
                      struct err *err)
{
    char path[DIST_URL_MAX];
    struct dist_request request = {.method = "GET", .url = path, .file_fd = fd};
    _cleanup_(dist_answer_clear) struct dist_answer answer = {0};
    off_t have = lseek(fd, 0, SEEK_END);

    if (have < 0)
        return err_set(err, -errno, "cannot pull");
    if ((uint64_t)have >= wanted->bytes &&
        (have = 0, ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET)))
        return err_set(err, -errno, "cannot pull");
    snprintf(path, sizeof path, "/v2/%s/blobs/%s", registry->reference->name, wanted->digest);
    if (have > 0)
        snprintf(request.range, sizeof request.range, "bytes=%lld-", (long long)have);
    request.file_max = wanted->bytes - (uint64_t)have;
    int r = dist_http(registry, &request, &answer, err);
    bool whole = answer.status == 200 && have > 0;
    /* It sends all of it again, or says that there is no such part. */
    if (whole || answer.status == 416 || r == -EFBIG) {
        *err = (struct err){0};
        return ftruncate(fd, 0) < 0 ? err_set(err, -errno, "cannot pull") : 1;
    }
    if (r == -EIO && (answer.status == 200 || answer.status == 206 || answer.status == 0))
        return 1;
    if (r == 0 && answer.status != 200 && answer.status != 206)
        return dist_http_refused(registry, "pull", &answer, err);
    return r;
}

/* What is missing, and a look at the whole. -EBADMSG: it is not what was wanted. */
static int fetch_whole(struct dist_registry *registry, const struct dist_descriptor *wanted, int fd,
                       struct err *err)
{
    struct stat file;
    int r = 1;

    if (fstat(fd, &file) == 0 && (uint64_t)file.st_size == wanted->bytes)
        r = 0; /* all there, but not looked at */
    for (int i = 0; i < TRIES && r == 1; i++) {
        *err = (struct err){0};
        r = fetch_rest(registry, wanted, fd, err);
    }
    if (r == 1)
        return err->code ? err->code
                         : err_say(err, -EIO,
                                   "cannot pull: the registry breaks off; what is there "
                                   "is kept for the next time");
    return r == 0 ? check_file(fd, wanted, err) : r;
}

static int fetch_module(struct dist_registry *registry, const struct dist_descriptor *wanted,
                        int fd, const char *part, struct err *err)
{
    struct stat file;
    bool gone_on_with = fstat(fd, &file) == 0 && file.st_size > 0;
    int r = fetch_whole(registry, wanted, fd, err);

    /* The part was of what had the name before: from the beginning, then. */
    if (r == -EBADMSG && gone_on_with) {
        *err = (struct err){0};
        r = ftruncate(fd, 0) < 0 ? err_set(err, -errno, "cannot write '%s'", part)
                                 : fetch_whole(registry, wanted, fd, err);
    }
    if (r == -EBADMSG)
        (void)unlink(part);
    return r;
}

static int pull_module(struct dist_registry *registry, const struct dist_descriptor *wanted,
                       const char *path, struct err *err)
{
    char part[4096];

    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part)
        return err_set(err, -ENAMETOOLONG, "cannot pull");
    _cleanup_(closep) int fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return err_set(err, -errno, "cannot write '%s'", part);
    int r = fetch_module(registry, wanted, fd, part, err);
    if (r < 0)
        return r;
    if (fsync(fd) < 0 || rename(part, path) < 0)
        return err_set(err, -errno, "cannot write '%s'", path);
    return 0;
}

/* ---- signatures ---- */

/* The list of what refers to it: the registry's own, or the index by the digest's tag. */
static int get_referrers(struct dist_registry *registry, const char *digest,
                         struct dist_answer *answer, struct err *err)
{
    char path[DIST_URL_MAX];
    const struct dist_request request = {.method = "GET", .url = path, .accept = DIST_INDEX_TYPE};

    snprintf(path, sizeof path, "/v2/%s/referrers/%s", registry->reference->name, digest);
    int r = dist_http(registry, &request, answer, err);
    if (r < 0 || answer->status == 200)
        return r;
    snprintf(path, sizeof path, "/v2/%s/manifests/sha256-%s", registry->reference->name,
             digest + 7);
    return dist_http(registry, &request, answer, err);
}

/* Whether this signature is of that manifest, by that key. */
static bool is_good(struct dist_registry *registry, const struct dist_descriptor *manifest,
                    const char *digest, const uint8_t key[static crypto_sign_PUBLICKEYBYTES])
{
    _cleanup_(dist_answer_clear) struct dist_answer answer = {0};
    _cleanup_(dist_answer_clear) struct dist_answer bytes = {0};
    struct dist_descriptor subject, signature;
    char any[DIST_DIGEST_TEXT], words[DIST_SIGNED_MAX];
    struct err err = {0};

    if (get_manifest(registry, manifest->digest, &answer, any, &err) < 0 ||
        dist_signature_read(answer.body, &subject, &signature, &err) < 0 ||
        strcmp(subject.digest, digest) != 0 || get_small(registry, &signature, &bytes, &err) < 0 ||
        bytes.bytes != crypto_sign_BYTES)
        return false;
    return crypto_sign_verify_detached((const uint8_t *)bytes.body, (const uint8_t *)words,
                                       dist_signed_text(digest, words), key) == 0;
}

static int read_key(const char *id, uint8_t ret_key[static crypto_sign_PUBLICKEYBYTES],
                    struct err *err)
{
    uint8_t key[crypto_sign_PUBLICKEYBYTES];
    size_t bytes;

    if (sodium_hex2bin(key, sizeof key, id, strlen(id), NULL, &bytes, NULL) != 0 ||
        bytes != sizeof key || strlen(id) != 2 * sizeof key)
        return err_say(err, -EINVAL, "cannot use key '%s': it is 64 hexadecimal digits", id);
    memcpy(ret_key, key, sizeof key);
    return 0;
}

static int check_signature(struct dist_registry *registry, const char *digest,
                           const uint8_t key[static crypto_sign_PUBLICKEYBYTES], struct err *err)
{
    _cleanup_(dist_answer_clear) struct dist_answer answer = {0};
    struct dist_descriptor signatures[SIGNATURES_MAX];
    size_t count = 0;

    int r = get_referrers(registry, digest, &answer, err);
    if (r < 0)
        return r;
    if (answer.status == 200 && answer.body)
        count = dist_index_read(answer.body, signatures, SIGNATURES_MAX);
    for (size_t i = 0; i < count; i++)
        if (is_good(registry, &signatures[i], digest, key))
            return 0;
    return err_say(err, -EKEYREJECTED, "cannot pull: %s is not signed by key %s", digest,
                   registry->options->key_id);
}

static int pull(struct dist_registry *registry, const char *stem, struct dist_pulled *pulled,
                struct err *err)
{
    _cleanup_(dist_answer_clear) struct dist_answer answer = {0};
    uint8_t key[crypto_sign_PUBLICKEYBYTES] = {0};
    struct dist_manifest manifest;
    const char *key_id = registry->options->key_id;
    int r = key_id ? read_key(key_id, key, err) : 0;

    if (r == 0)
        r = get_manifest(registry, registry->reference->tag, &answer, pulled->digest, err);
    if (r == 0)
        r = dist_manifest_read(answer.body, &manifest, err);
    if (r == 0 && manifest.is_index) {
        char chosen[DIST_DIGEST_TEXT];
        memcpy(chosen, manifest.chosen.digest, sizeof chosen);
        r = get_manifest(registry, chosen, &answer, pulled->digest, err);
        if (r == 0)
            r = dist_manifest_read(answer.body, &manifest, err);
        if (r == 0 && manifest.is_index)
            r = err_say(err, -EBADMSG, "cannot pull: an index of indexes");
    }
    if (r == 0 && key_id) {
        r = check_signature(registry, pulled->digest, key, err);
        pulled->is_signed = r == 0;
    }
    if (r == 0 && manifest.has_policy) {
        r = get_small(registry, &manifest.policy, &answer, err);
        if (r == 0 && strlen(answer.body) != answer.bytes)
            r = err_say(err, -EBADMSG, "cannot pull: its policy is no text");
        if (r == 0)
            pulled->policy = steal_ptr(&answer.body);
    }
    if (r == 0 && asprintf(&pulled->path, "%s%s", stem, manifest.is_library ? ".so" : ".wasm") < 0)
        r = err_set(err, -ENOMEM, "cannot pull to '%s'", stem);
    return r < 0 ? r : pull_module(registry, &manifest.module, pulled->path, err);
}

int dist_pull(const struct dist_reference *reference, const struct dist_options *options,
              const char *stem, struct dist_pulled *ret_pulled, struct err *err)
{
    struct dist_pulled pulled = {0};
    struct dist_registry registry;

    if (sodium_init() < 0)
        return err_set(err, -EIO, "cannot pull");
    int r = dist_registry_open(reference, options, &registry, err);
    if (r == 0)
        r = pull(&registry, stem, &pulled, err);
    dist_registry_close(&registry);
    if (r < 0) {
        free(pulled.policy);
        free(pulled.path);
        return r;
    }
    *ret_pulled = pulled;
    return 0;
}
