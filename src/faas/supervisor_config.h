/* What the operator has configured, by options and vireo.conf, and what it allows manifests. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "allow/allow.h"
#include "allow/audit.h"
#include "base/endpoint.h"
#include "base/limits.h"
#include "build/build.h"
#include "pvm/pvm.h"

struct err;

/*
 * Forks of one template have one layout: it is replaced by one with a fresh layout after so many
 * starts or so long, whichever comes first, at the next start.
 */
#define TEMPLATE_STARTS 65536u
#define TEMPLATE_STARTS_MAX 1000000000u
#define TEMPLATE_SECONDS 600u
#define TEMPLATE_SECONDS_MAX 31536000u

/* Patterns of one layer, and of functions that messages may go to. */
#define ALLOW_PATTERNS 64

struct supervisor_config {
    const char *listen; /* ADDR:PORT */
    const char *state_dir;
    const char *admin_listen, *admin_token_file; /* NULL: none */
    const char *config_file;
    const char *program_dir;
    bool log_calls;            /* a line of the log for each call */
    int journal_fd;            /* with log_format() LOG_JOURNAL, else -1 */
    uid_t allow_uid;           /* may administer besides root */
    char allow_files[16][256]; /* host directories that manifests may name (allow_grants: files:) */
    unsigned allow_files_count;
    char allow_secrets[16][256]; /* directories whose files may be variables (secrets:) */
    unsigned allow_secrets_count;
    struct endpoint_rule allow_listen[32]; /* addresses that manifests may listen on (listen:) */
    unsigned allow_listen_count;
    /* Where manifests may connect to (connect:), and as the operator wrote it. */
    struct endpoint_rule allow_connect[64];
    char allow_connect_text[64][ENDPOINT_MAX_BYTES + 1];
    unsigned allow_connect_count;
    struct sign_trust trust;                /* whose native code is taken (keys: trusted:) */
    struct manifest_ceilings ceilings;      /* of what manifests may ask for (limits:) */
    bool allow_fork, allow_ipc, allow_link; /* whether manifests may ask for these at all */
    /* Whom they may send messages to (queue:), and which functions may name a layer: names, or
     * beginnings of names with '*' behind. */
    char allow_queue[ALLOW_PATTERNS][NAME_MAX_BYTES + 2];
    unsigned allow_queue_count;
    char allow_exec[ALLOW_PATTERNS][NAME_MAX_BYTES + 2];
    unsigned allow_exec_count;
    char allow_layers[ALLOW_LAYERS][ALLOW_PATTERNS][NAME_MAX_BYTES + 2];
    unsigned allow_layers_count[ALLOW_LAYERS];
    struct audit_rules votes;
    struct bpf_policy allow_bpf; /* the most that manifests may ask for */
    uint64_t platform_bytes;     /* of each function's keys, tables and messages, each */
    uint32_t platform_queue;     /* messages of one function that wait */
    char redis[ENDPOINT_MAX_BYTES + 1], redis_password[256]; /* "": none */
    char container_runtime[256]; /* that makes functions' containers; "": ours does */
    uint32_t container_spares;   /* generic containers that are kept ready; by rate: at most */
    bool container_spares_by_rate;
    uint32_t template_starts, template_seconds; /* 0: TEMPLATE_STARTS, TEMPLATE_SECONDS */
    /* Of each function's output: bytes that are kept, and that may come a second (0: all). */
    uint64_t log_ring, log_rate;
};

static inline const char *config_runtime(const struct supervisor_config *config)
{
    return config->container_runtime[0] ? config->container_runtime : NULL;
}
int supervisor_config_read(struct supervisor_config *config, struct err *err);
/* -EPERM naming the limit or grant of a settled manifest that the operator's allow_grants does not
 * have. The files of secrets are secrets_check()'s. */
int supervisor_config_allows(const struct supervisor_config *config,
                             const struct manifest *manifest, struct err *err);
