/*
 * WebAssembly modules in OCI registries, as the CNCF's Wasm OCI artifact: a manifest with the
 * config application/vnd.wasm.config.v0+json, the module as its first layer and the function's
 * manifest (vireo.yaml, its policy) as its second. A signature is a manifest that refers to it.
 * Runs as the user, over libcurl. docs/distribution.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define DIST_HOST_MAX 262
#define DIST_NAME_MAX 255
#define DIST_TAG_MAX 128
#define DIST_DIGEST_TEXT 72 /* "sha256:" and 64 digits, with the NUL */

/* ---- reference.c ---- */

struct dist_reference {
    char host[DIST_HOST_MAX + 1]; /* with its port */
    char name[DIST_NAME_MAX + 1];
    char tag[DIST_TAG_MAX + 1]; /* or a digest */
};

/* "HOST[:PORT]/NAME[:TAG]" or "HOST[:PORT]/NAME@sha256:...". -EINVAL says what is wrong. */
int dist_reference_parse(const char *text, struct dist_reference *ret_reference, struct err *err);
/* "localhost", 127.0.0.0/8 and [::1]: reached without TLS. */
bool dist_host_is_local(const char *host);

/* ---- push.c, pull.c ---- */

struct dist_options {
    bool plain_http;    /* not only for this machine's own */
    const char *ca;     /* a file of certificates, or NULL */
    const char *auth;   /* a file as docker's config.json; NULL: the usual places */
    const char *key_id; /* pull: only what this key signed, 64 hexadecimal digits; or NULL */
    /* push: signs a text of `size` bytes; NULL: nothing is signed. */
    void (*sign)(void *key, const char *text, size_t size, uint8_t ret_signature[static 64]);
    void *key;
    const char *signer; /* its id */
    bool library;       /* push: not a module, but what vireo build made of one */
};

/* Pushes a module, or with options->library a library, of `size` bytes, with its policy unless
 * `policy` is NULL. */
int dist_push(const struct dist_reference *reference, const struct dist_options *options,
              const void *module, size_t size, const char *policy,
              char ret_digest[static DIST_DIGEST_TEXT], struct err *err);

struct dist_pulled {
    char digest[DIST_DIGEST_TEXT]; /* of the manifest */
    char *policy;                  /* malloc'ed, the caller's; NULL: it came without */
    bool is_signed;                /* by options.key_id */
    char *path;                    /* of what was written; malloc'ed, the caller's */
};
/*
 * Pulls a module into the file `stem`.wasm, or a library into `stem`.so: ret_pulled->path. What was
 * there of it before (path.part, of a pull that broke off) is gone on with. Nothing is at `path`
 * before all of it is there and its digest is right. -ENOENT; -EACCES: the registry's word;
 * -EKEYREJECTED: not signed by that key; -EBADMSG.
 */
int dist_pull(const struct dist_reference *reference, const struct dist_options *options,
              const char *stem, struct dist_pulled *ret_pulled, struct err *err);
