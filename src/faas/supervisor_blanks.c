/* What the templates of functions with recycle: are made of: the wall that they need, and the blank
 * that stands behind it already. */
#include <sodium.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "build/manifest.h"
#include "cgroup/cgroup.h"
#include "faas/supervisor.h"
#include "faas/supervisor_secrets.h"
#include "pvm/pvm.h"

static void hash_text(crypto_hash_sha256_state *state, const char *text)
{
    crypto_hash_sha256_update(state, (const uint8_t *)text, strlen(text) + 1);
}

/* What one function may alone: its uid owns what it writes to the machine, its secrets are its own,
 * its sockets are one server's. */
static bool is_own_wall(const struct manifest *manifest)
{
    bool own = manifest->listen_count > 0;

    for (uint32_t i = 0; i < manifest->env_count; i++)
        own |= manifest->env[i].file[0] != '\0';
    for (uint32_t i = 0; i < manifest->file_count; i++)
        own |= manifest->files[i].host[0] && manifest->files[i].writable;
    return own;
}

/* Of a wall that is one function's: whose, and what the blank has of it. Another secret, or another
 * socket at the same address, is another wall. */
static void hash_own(crypto_hash_sha256_state *state, const struct pvm_template_options *options,
                     const struct secrets *secrets)
{
    const struct manifest *manifest = options->manifest;
    struct stat status;

    hash_text(state, options->function);
    crypto_hash_sha256_update(state, (const uint8_t *)&options->uid, sizeof options->uid);
    for (uint32_t i = 0; i < manifest->env_count; i++) {
        hash_text(state, manifest->env[i].name);
        hash_text(state, manifest->env[i].value);
        hash_text(state, manifest->env[i].file);
    }
    if (secrets)
        crypto_hash_sha256_update(state, (const uint8_t *)secrets->stamps, sizeof secrets->stamps);
    for (uint32_t i = 0; i < manifest->listen_count; i++) {
        const ino_t socket = fstat(options->listeners[i], &status) == 0 ? status.st_ino : 0;
        crypto_hash_sha256_update(state, (const uint8_t *)&socket, sizeof socket);
    }
}

/* All that the wall of an instance is made of, and whose it is, as one hash: who has the same
 * shares a blank. */
static void wall_hash(const struct pvm_template_options *options, const struct secrets *secrets,
                      uint8_t ret_wall[PVM_WALL_BYTES])
{
    const struct manifest *manifest = options->manifest;
    const uint32_t grants = pvm_grants(manifest, options->bounds);
    const uint32_t isolation =
        (uint32_t)manifest->isolation << 2 | (uint32_t)options->quick << 1 | options->live;
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    hash_text(&state, manifest_application(manifest));
    crypto_hash_sha256_update(&state, (const uint8_t *)&grants, sizeof grants);
    crypto_hash_sha256_update(&state, (const uint8_t *)&isolation, sizeof isolation);
    crypto_hash_sha256_update(&state, (const uint8_t *)&manifest->limits, sizeof manifest->limits);
    crypto_hash_sha256_update(&state, (const uint8_t *)&manifest->vkernel,
                              sizeof manifest->vkernel);
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        const struct manifest_file *file = &manifest->files[i];
        const uint64_t numbers[] = {file->size_bytes, file->writable};
        hash_text(&state, file->path);
        hash_text(&state, file->host);
        crypto_hash_sha256_update(&state, (const uint8_t *)numbers, sizeof numbers);
    }
    if (options->own_wall)
        hash_own(&state, options, secrets);
    crypto_hash_sha256_final(&state, ret_wall);
}

static void blank_group_done(struct cgroup *group, void *user)
{
    struct supervisor *supervisor = user;

    cgroup_pool_put(supervisor->pool, group, true);
}

int blank_open(struct supervisor *supervisor, struct pvm_template_options *options,
               const struct secrets *secrets, struct pvm_template **ret_pvm, struct err *err)
{
    const uint32_t seconds = supervisor->config.template_seconds
                                 ? supervisor->config.template_seconds
                                 : TEMPLATE_SECONDS;
    uint8_t wall[PVM_WALL_BYTES];

    options->own_wall = is_own_wall(options->manifest);
    wall_hash(options, secrets, wall);
    options->group_done = blank_group_done;
    options->user = supervisor;
    options->reuse = options->manifest->recycle == MANIFEST_RECYCLE_REUSE;
    return pvm_template_blank(options, wall, (int64_t)seconds * 1000000000, ret_pvm, err);
}
