/* Inside dist: manifests of artifacts and of what refers to them, as JSON (manifest.c). */
#pragma once

#include "dist/dist.h"

#define DIST_MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define DIST_INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define DIST_DOCKER_TYPE "application/vnd.docker.distribution.manifest.v2+json"
#define DIST_CONFIG_TYPE "application/vnd.wasm.config.v0+json"
#define DIST_MODULE_TYPE "application/wasm"
/* A translated library, signed as vireo build signs. */
#define DIST_LIBRARY_CONFIG_TYPE "application/vnd.vireo.library.config.v1+json"
#define DIST_LIBRARY_TYPE "application/vnd.vireo.library.v1"
#define DIST_POLICY_TYPE "application/vnd.vireo.policy.v1+yaml"
#define DIST_SIGNATURE_TYPE "application/vnd.vireo.signature.v1"
#define DIST_EMPTY_TYPE "application/vnd.oci.empty.v1+json"
#define DIST_ANNOTATION_KEY "dev.vireo.signer"

/* A piece of content: what kind, which bytes, how many. */
struct dist_descriptor {
    char type[128];
    char digest[DIST_DIGEST_TEXT];
    uint64_t bytes;
};

void dist_digest(const void *data, size_t bytes, char ret_digest[static DIST_DIGEST_TEXT]);

/* malloc'ed JSON text; NULL: no memory. */
char *dist_config_text(const char *module_digest, bool library);
char *dist_manifest_text(const struct dist_descriptor *config, const struct dist_descriptor *module,
                         const struct dist_descriptor *policy);
/* A manifest of a signature, which refers to `subject`. */
char *dist_signature_text(const struct dist_descriptor *subject,
                          const struct dist_descriptor *signature, const char *signer);
/* The index `old` (or NULL) with one more signature in it; for registries without referrers. */
char *dist_index_text(const char *old, const struct dist_descriptor *signature, const char *signer);

/* What a manifest has; or, of an index, the manifest in it that is WebAssembly's. -EBADMSG. */
struct dist_manifest {
    bool is_index;
    struct dist_descriptor chosen; /* of an index */
    struct dist_descriptor module, policy;
    bool has_policy, is_library;
};
int dist_manifest_read(const char *text, struct dist_manifest *ret_manifest, struct err *err);
/* The signatures that an index lists: at most `room`. */
size_t dist_index_read(const char *text, struct dist_descriptor *signatures, size_t room);
/* A signature's manifest: whom it is about, where its bytes are, whose it is. */
int dist_signature_read(const char *text, struct dist_descriptor *ret_subject,
                        struct dist_descriptor *ret_signature, struct err *err);

/* What is signed: these words and the digest of the artifact's manifest, nothing else. */
#define DIST_SIGNED_MAX 128
size_t dist_signed_text(const char *digest, char text[static DIST_SIGNED_MAX]);
