/* An artifact to a registry: its blobs, its manifest, and what is signed of that. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "dist/http.h"
#include "dist/manifest.h"

#define CHUNK_BYTES (1u << 20)
#define TRIES 4
DEFINE_CLEANUP(struct dist_answer, dist_answer_clear)

/* Where an upload goes on: the registry's Location, which may leave out host or path. */
static int take_location(const struct dist_registry *registry, const struct dist_answer *answer,
                         char url[static DIST_URL_MAX], struct err *err)
{
    CURLU *parts = curl_url();
    char *whole = NULL;
    bool good = parts && answer->location[0] &&
                curl_url_set(parts, CURLUPART_URL, registry->base, 0) == CURLUE_OK &&
                curl_url_set(parts, CURLUPART_URL, answer->location, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_URL, &whole, 0) == CURLUE_OK &&
                strlen(whole) + DIST_DIGEST_TEXT + 16 < DIST_URL_MAX;

    if (good)
        snprintf(url, DIST_URL_MAX, "%s", whole);
    curl_free(whole);
    curl_url_cleanup(parts);
    return good ? 0 : err_say(err, -EIO, "cannot push: the registry names no place for it");
}

/* How much of it the registry has, after a break: "0-1023". */
static int ask_offset(struct dist_registry *registry, char url[static DIST_URL_MAX],
                      size_t *ret_offset, struct err *err)
{
    const struct dist_request request = {.method = "GET", .url = url};
    _cleanup_(dist_answer_clear) struct dist_answer answer = {0};
    unsigned long long end;
    int r = dist_http(registry, &request, &answer, err);

    if (r < 0)
        return r;
    if (answer.status != 204 || sscanf(answer.range, "0-%llu", &end) != 1)
        return dist_http_refused(registry, "push", &answer, err);
    /* Of nothing at all some say "0-0": the first byte is sent again then. */
    *ret_offset = end ? (size_t)end + 1 : 0;
    return answer.location[0] ? take_location(registry, &answer, url, err) : 0;
}

static int send_chunk(struct dist_registry *registry, char url[static DIST_URL_MAX],
                      const uint8_t *data, size_t offset, size_t bytes, struct err *err)
{
    struct dist_request request = {.method = "PATCH",
                                   .url = url,
                                   .content_type = "application/octet-stream",
                                   .body = data + offset,
                                   .body_bytes = bytes};
    _cleanup_(dist_answer_clear) struct dist_answer answer = {0};

    snprintf(request.range, sizeof request.range, "%zu-%zu", offset, offset + bytes - 1);
    int r = dist_http(registry, &request, &answer, err);
    if (r < 0)
        return r;
    if (answer.status != 202)
        return dist_http_refused(registry, "push", &answer, err);
    return take_location(registry, &answer, url, err);
}

/* In pieces: one that breaks off is gone on with where the registry says. */
static int upload(struct dist_registry *registry, const void *data, size_t bytes,
                  char url[static DIST_URL_MAX], struct err *err)
{
    int tries = TRIES;

    for (size_t offset = 0; offset < bytes;) {
        struct err cause = {0};
        size_t piece = bytes - offset < CHUNK_BYTES ? bytes - offset : CHUNK_BYTES;
        int r = send_chunk(registry, url, data, offset, piece, &cause);
        if (r == 0) {
            offset += piece;
            continue;
        }
        if (r != -EIO || --tries == 0 || ask_offset(registry, url, &offset, &cause) < 0) {
            *err = cause;
            return r;
        }
        if (offset > bytes)
            return err_say(err, -EIO, "cannot push: the registry has more than was sent");
    }
    return 0;
}

static int has_blob(struct dist_registry *registry, const char *digest, struct err *err)
{
    char path[DIST_URL_MAX];
    const struct dist_request request = {.method = "HEAD", .url = path};
    _cleanup_(dist_answer_clear) struct dist_answer answer = {0};

    snprintf(path, sizeof path, "/v2/%s/blobs/%s", registry->reference->name, digest);
    int r = dist_http(registry, &request, &answer, err);
    return r < 0 ? r : answer.status == 200;
}

static int push_blob(struct dist_registry *registry, const char *type, const void *data,
                     size_t bytes, struct dist_descriptor *ret_descriptor, struct err *err)
{
    char url[DIST_URL_MAX];
    struct dist_request request = {.method = "POST", .url = url, .body = "", .body_bytes = 0};
    _cleanup_(dist_answer_clear) struct dist_answer answer = {0};

    *ret_descriptor = (struct dist_descriptor){.bytes = bytes};
    snprintf(ret_descriptor->type, sizeof ret_descriptor->type, "%s", type);
    dist_digest(data, bytes, ret_descriptor->digest);
    int r = has_blob(registry, ret_descriptor->digest, err);
    if (r != 0)
        return r < 0 ? r : 0;
    snprintf(url, sizeof url, "/v2/%s/blobs/uploads/", registry->reference->name);
    r = dist_http(registry, &request, &answer, err);
    if (r < 0)
        return r;
    if (answer.status != 202)
        return dist_http_refused(registry, "push", &answer, err);
    r = take_location(registry, &answer, url, err);
    if (r == 0)
        r = upload(registry, data, bytes, url, err);
    if (r < 0)
        return r;
    size_t used = strlen(url);
    snprintf(url + used, sizeof url - used, "%cdigest=%s", strchr(url, '?') ? '&' : '?',
             ret_descriptor->digest);
    request.method = "PUT";
    request.content_type = "application/octet-stream";
    r = dist_http(registry, &request, &answer, err);
    return r < 0 || answer.status == 201 ? r : dist_http_refused(registry, "push", &answer, err);
}

/* A manifest by its tag, or by its digest where `tag` is NULL. */
static int push_manifest(struct dist_registry *registry, const char *type, const char *text,
                         const char *tag, struct dist_descriptor *ret_descriptor,
                         bool *ret_has_subject, struct err *err)
{
    char path[DIST_URL_MAX];
    const struct dist_request request = {.method = "PUT",
                                         .url = path,
                                         .content_type = type,
                                         .body = text,
                                         .body_bytes = strlen(text)};
    _cleanup_(dist_answer_clear) struct dist_answer answer = {0};

    *ret_descriptor = (struct dist_descriptor){.bytes = strlen(text)};
    snprintf(ret_descriptor->type, sizeof ret_descriptor->type, "%s", type);
    dist_digest(text, strlen(text), ret_descriptor->digest);
    snprintf(path, sizeof path, "/v2/%s/manifests/%s", registry->reference->name,
             tag ? tag : ret_descriptor->digest);
    int r = dist_http(registry, &request, &answer, err);
    if (r < 0)
        return r;
    *ret_has_subject = answer.has_subject;
    return answer.status == 201 ? 0 : dist_http_refused(registry, "push", &answer, err);
}

/* Registries without the referrers' list have an index by a tag that is the subject's digest. */
static int push_index(struct dist_registry *registry, const struct dist_descriptor *subject,
                      const struct dist_descriptor *signature, const char *signer, struct err *err)
{
    char path[DIST_URL_MAX], tag[DIST_DIGEST_TEXT];
    const struct dist_request request = {.method = "GET", .url = path, .accept = DIST_INDEX_TYPE};
    _cleanup_(dist_answer_clear) struct dist_answer answer = {0};
    struct dist_descriptor index;
    bool any;

    snprintf(tag, sizeof tag, "sha256-%s", subject->digest + 7);
    snprintf(path, sizeof path, "/v2/%s/manifests/%s", registry->reference->name, tag);
    int r = dist_http(registry, &request, &answer, err);
    if (r < 0)
        return r;
    _cleanup_(freep) char *text =
        dist_index_text(answer.status == 200 ? answer.body : NULL, signature, signer);
    return text ? push_manifest(registry, DIST_INDEX_TYPE, text, tag, &index, &any, err)
                : err_set(err, -ENOMEM, "cannot push");
}

static int push_signature(struct dist_registry *registry, const struct dist_descriptor *subject,
                          struct err *err)
{
    const struct dist_options *options = registry->options;
    struct dist_descriptor empty, layer, manifest;
    char words[DIST_SIGNED_MAX];
    uint8_t signature[64];
    bool has_subject;

    options->sign(options->key, words, dist_signed_text(subject->digest, words), signature);
    int r = push_blob(registry, DIST_EMPTY_TYPE, "{}", 2, &empty, err);
    if (r == 0)
        r = push_blob(registry, DIST_SIGNATURE_TYPE, signature, sizeof signature, &layer, err);
    if (r < 0)
        return r;
    _cleanup_(freep) char *text = dist_signature_text(subject, &layer, options->signer);
    if (!text)
        return err_set(err, -ENOMEM, "cannot push");
    r = push_manifest(registry, DIST_MANIFEST_TYPE, text, NULL, &manifest, &has_subject, err);
    return r < 0 || has_subject ? r
                                : push_index(registry, subject, &manifest, options->signer, err);
}

static int push(struct dist_registry *registry, const void *module, size_t size, const char *policy,
                char *ret_digest, struct err *err)
{
    struct dist_descriptor of_module, of_policy, of_config, manifest;
    bool any;
    const bool library = registry->options->library;
    int r = push_blob(registry, library ? DIST_LIBRARY_TYPE : DIST_MODULE_TYPE, module, size,
                      &of_module, err);

    if (r == 0 && policy)
        r = push_blob(registry, DIST_POLICY_TYPE, policy, strlen(policy), &of_policy, err);
    if (r < 0)
        return r;
    _cleanup_(freep) char *config = dist_config_text(of_module.digest, library);
    if (!config)
        return err_set(err, -ENOMEM, "cannot push");
    r = push_blob(registry, library ? DIST_LIBRARY_CONFIG_TYPE : DIST_CONFIG_TYPE, config,
                  strlen(config), &of_config, err);
    if (r < 0)
        return r;
    _cleanup_(freep) char *text =
        dist_manifest_text(&of_config, &of_module, policy ? &of_policy : NULL);
    if (!text)
        return err_set(err, -ENOMEM, "cannot push");
    r = push_manifest(registry, DIST_MANIFEST_TYPE, text, registry->reference->tag, &manifest, &any,
                      err);
    if (r == 0 && registry->options->sign)
        r = push_signature(registry, &manifest, err);
    if (r == 0)
        memcpy(ret_digest, manifest.digest, DIST_DIGEST_TEXT);
    return r;
}

int dist_push(const struct dist_reference *reference, const struct dist_options *options,
              const void *module, size_t size, const char *policy,
              char ret_digest[static DIST_DIGEST_TEXT], struct err *err)
{
    struct dist_registry registry;

    if (strncmp(reference->tag, "sha256:", 7) == 0)
        return err_say(err, -EINVAL, "cannot push to a digest: name a tag");
    int r = dist_registry_open(reference, options, &registry, err);
    if (r == 0)
        r = push(&registry, module, size, policy, ret_digest, err);
    dist_registry_close(&registry);
    return r;
}
