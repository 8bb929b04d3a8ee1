/* JSON of the OCI image specification, as far as artifacts of WebAssembly have it. */
#include "dist/manifest.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"

#define DEPTH_MAX 16
#define LAYERS_MAX 64

void dist_digest(const void *data, size_t bytes, char ret_digest[static DIST_DIGEST_TEXT])
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, data, bytes);
    memcpy(ret_digest, "sha256:", 7);
    sodium_bin2hex(ret_digest + 7, DIST_DIGEST_TEXT - 7, hash, sizeof hash);
}

static bool digest_is_proper(const char *digest)
{
    return strlen(digest) == DIST_DIGEST_TEXT - 1 && strncmp(digest, "sha256:", 7) == 0 &&
           strspn(digest + 7, "0123456789abcdef") == 64;
}

size_t dist_signed_text(const char *digest, char text[static DIST_SIGNED_MAX])
{
    return (size_t)snprintf(text, DIST_SIGNED_MAX, "vireo artifact v1\n%s\n", digest);
}

/* ---- writing ---- */

static void put_text(struct json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

static struct json_object *descriptor(const struct dist_descriptor *from)
{
    struct json_object *object = json_object_new_object();

    put_text(object, "mediaType", from->type);
    put_text(object, "digest", from->digest);
    json_object_object_add(object, "size", json_object_new_int64((int64_t)from->bytes));
    return object;
}

static char *finish(struct json_object *object)
{
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE);
    char *copy = text ? strdup(text) : NULL;

    json_object_put(object);
    return copy;
}

char *dist_config_text(const char *module_digest, bool library)
{
    struct json_object *object = json_object_new_object(), *layers = json_object_new_array();
    char now[32];
    time_t seconds = time(NULL);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &parts);
    put_text(object, "created", now);
    put_text(object, "architecture", library ? "amd64" : "wasm");
    put_text(object, "os", library ? "linux" : "wasip1");
    json_object_array_add(layers, json_object_new_string(module_digest));
    json_object_object_add(object, "layerDigests", layers);
    return finish(object);
}

static struct json_object *manifest(const struct dist_descriptor *config)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "schemaVersion", json_object_new_int(2));
    put_text(object, "mediaType", DIST_MANIFEST_TYPE);
    json_object_object_add(object, "config", descriptor(config));
    return object;
}

char *dist_manifest_text(const struct dist_descriptor *config, const struct dist_descriptor *module,
                         const struct dist_descriptor *policy)
{
    struct json_object *object = manifest(config), *layers = json_object_new_array();

    json_object_array_add(layers, descriptor(module));
    if (policy)
        json_object_array_add(layers, descriptor(policy));
    json_object_object_add(object, "layers", layers);
    return finish(object);
}

static struct json_object *annotations(const char *signer)
{
    struct json_object *object = json_object_new_object();

    put_text(object, DIST_ANNOTATION_KEY, signer);
    return object;
}

char *dist_signature_text(const struct dist_descriptor *subject,
                          const struct dist_descriptor *signature, const char *signer)
{
    struct dist_descriptor empty = {.type = DIST_EMPTY_TYPE, .bytes = 2};
    struct json_object *layers = json_object_new_array();

    dist_digest("{}", 2, empty.digest);
    struct json_object *object = manifest(&empty);
    put_text(object, "artifactType", DIST_SIGNATURE_TYPE);
    json_object_array_add(layers, descriptor(signature));
    json_object_object_add(object, "layers", layers);
    json_object_object_add(object, "subject", descriptor(subject));
    json_object_object_add(object, "annotations", annotations(signer));
    return finish(object);
}

/* ---- reading ---- */

/* Only objects; at most so deep. */
static struct json_object *parse(const char *text)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    struct json_object *object =
        tokener ? json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1) : NULL;

    if (tokener)
        json_tokener_free(tokener);
    if (!json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        return NULL;
    }
    return object;
}

static const char *text_of(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string))
        return "";
    return json_object_get_string(value);
}

static bool read_descriptor(struct json_object *object, struct dist_descriptor *ret)
{
    struct json_object *size = NULL;
    const char *type = text_of(object, "mediaType"), *digest = text_of(object, "digest");

    if (!digest_is_proper(digest) || !*type || strlen(type) >= sizeof ret->type ||
        !json_object_object_get_ex(object, "size", &size) ||
        !json_object_is_type(size, json_type_int) || json_object_get_int64(size) < 0)
        return false;
    *ret = (struct dist_descriptor){.bytes = (uint64_t)json_object_get_int64(size)};
    snprintf(ret->type, sizeof ret->type, "%s", type);
    snprintf(ret->digest, sizeof ret->digest, "%s", digest);
    return true;
}

static struct json_object *array_of(struct json_object *object, const char *key, size_t *ret_count)
{
    struct json_object *array = NULL;

    *ret_count = 0;
    if (object && json_object_object_get_ex(object, key, &array) &&
        json_object_is_type(array, json_type_array) &&
        json_object_array_length(array) <= LAYERS_MAX)
        *ret_count = json_object_array_length(array);
    return array;
}

char *dist_index_text(const char *old, const struct dist_descriptor *signature, const char *signer)
{
    struct json_object *before = old ? parse(old) : NULL, *object = json_object_new_object();
    struct json_object *manifests = json_object_new_array();
    size_t count;
    struct json_object *kept = array_of(before, "manifests", &count);

    for (size_t i = 0; i < count && i < LAYERS_MAX - 1; i++) {
        struct json_object *entry = json_object_array_get_idx(kept, i);
        if (strcmp(text_of(entry, "digest"), signature->digest) != 0)
            json_object_array_add(manifests, json_object_get(entry));
    }
    struct json_object *added = descriptor(signature);
    put_text(added, "artifactType", DIST_SIGNATURE_TYPE);
    json_object_object_add(added, "annotations", annotations(signer));
    json_object_array_add(manifests, added);
    json_object_object_add(object, "schemaVersion", json_object_new_int(2));
    put_text(object, "mediaType", DIST_INDEX_TYPE);
    json_object_object_add(object, "manifests", manifests);
    json_object_put(before);
    return finish(object);
}

/* Today's type, and those of wasm-to-oci, of wasm-bpf's ecli, and of older oci-distribution. */
static bool is_module(const char *type)
{
    static const char *const types[] = {DIST_MODULE_TYPE,
                                        "application/vnd.wasm.content.layer.v1+wasm",
                                        "application/vnd.module.wasm.content.layer.v1+wasm"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i], type) == 0)
            return true;
    return false;
}

static int read_layers(struct json_object *object, struct dist_manifest *manifest, struct err *err)
{
    size_t count, modules = 0;
    struct json_object *layers = array_of(object, "layers", &count);

    for (size_t i = 0; i < count; i++) {
        struct dist_descriptor layer;
        if (!read_descriptor(json_object_array_get_idx(layers, i), &layer))
            return err_say(err, -EBADMSG, "cannot read artifact: layer %zu is none", i);
        bool library = strcmp(layer.type, DIST_LIBRARY_TYPE) == 0;
        if (library || is_module(layer.type)) {
            modules++;
            manifest->module = layer;
            manifest->is_library = library;
        } else if (strcmp(layer.type, DIST_POLICY_TYPE) == 0 && !manifest->has_policy) {
            manifest->has_policy = true;
            manifest->policy = layer;
        }
    }
    if (modules != 1)
        return err_say(err, -EBADMSG,
                       "cannot read artifact: it has %zu layers that are WebAssembly modules or "
                       "libraries",
                       modules);
    if (manifest->module.bytes == 0 ||
        manifest->module.bytes > (manifest->is_library ? LIBRARY_MAX_BYTES : WASM_MAX_BYTES) ||
        manifest->policy.bytes > MANIFEST_MAX_BYTES)
        return err_say(err, -EFBIG, "cannot read artifact: its module or policy is too large");
    return 0;
}

/* The first that is of WebAssembly; of one entry that one. */
static int choose(struct json_object *object, struct dist_manifest *manifest, struct err *err)
{
    size_t count;
    struct json_object *manifests = array_of(object, "manifests", &count);

    for (size_t i = 0; i < count; i++) {
        struct json_object *entry = json_object_array_get_idx(manifests, i), *platform = NULL;
        if (json_object_is_type(entry, json_type_object))
            json_object_object_get_ex(entry, "platform", &platform);
        bool wasm = strcmp(text_of(platform, "architecture"), "wasm") == 0;
        if ((wasm || count == 1) && read_descriptor(entry, &manifest->chosen)) {
            manifest->is_index = true;
            return 0;
        }
    }
    return err_say(err, -EBADMSG, "cannot read artifact: its index has nothing for WebAssembly");
}

int dist_manifest_read(const char *text, struct dist_manifest *ret_manifest, struct err *err)
{
    struct json_object *object = parse(text), *any = NULL;
    struct dist_manifest manifest = {0};
    int r;

    if (!object)
        return err_say(err, -EBADMSG, "cannot read artifact: its manifest is no JSON object");
    r = json_object_object_get_ex(object, "manifests", &any) ? choose(object, &manifest, err)
                                                             : read_layers(object, &manifest, err);
    json_object_put(object);
    if (r == 0)
        *ret_manifest = manifest;
    return r;
}

size_t dist_index_read(const char *text, struct dist_descriptor *signatures, size_t room)
{
    struct json_object *object = parse(text);
    size_t count, found = 0;
    struct json_object *manifests = array_of(object, "manifests", &count);

    for (size_t i = 0; i < count && found < room; i++) {
        struct json_object *entry = json_object_array_get_idx(manifests, i);
        if (strcmp(text_of(entry, "artifactType"), DIST_SIGNATURE_TYPE) == 0 &&
            read_descriptor(entry, &signatures[found]))
            found++;
    }
    json_object_put(object);
    return found;
}

int dist_signature_read(const char *text, struct dist_descriptor *ret_subject,
                        struct dist_descriptor *ret_signature, struct err *err)
{
    struct json_object *object = parse(text), *subject = NULL;
    size_t count;
    struct json_object *layers = array_of(object, "layers", &count);
    bool good = object && count == 1 && json_object_object_get_ex(object, "subject", &subject) &&
                read_descriptor(subject, ret_subject) &&
                read_descriptor(json_object_array_get_idx(layers, 0), ret_signature) &&
                ret_signature->bytes == crypto_sign_BYTES;

    json_object_put(object);
    return good ? 0 : err_say(err, -EBADMSG, "cannot read signature: its manifest is none");
}
