/*
 * The most that an operator lets manifests ask for: a ceiling for any number of a manifest, under
 * the manifest's own name for it, and one for all private folders together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/manifest_internal.h"

static const struct manifest_key *find(const char *name)
{
    for (size_t i = 0; i < manifest_key_count; i++)
        if (manifest_keys[i].value != VALUE_TEXT && strcmp(manifest_keys[i].name, name) == 0)
            return &manifest_keys[i];
    return NULL;
}

static void ceil_at(struct manifest_ceilings *ceilings, size_t at, uint64_t most)
{
    ceilings->given |= UINT64_C(1) << at;
    ceilings->most[at] = most;
}

int manifest_ceilings_set(struct manifest_ceilings *ceilings, const char *name, const char *value,
                          struct err *reason)
{
    uint64_t bytes = 0;

    if (strcmp(name, "tmp") == 0) {
        struct err cause = {0};
        if (value_bytes(value, &bytes, &cause) < 0)
            return err_say(reason, -EINVAL, "tmp '%s': %s", value_show(value).text, cause.message);
        ceil_at(ceilings, MANIFEST_CEILING_TMP, bytes);
        return 0;
    }
    const struct manifest_key *key = find(name);
    if (!key)
        return err_say(reason, -ENOENT, "'%s' is no limit of a manifest", value_show(name).text);
    /* By the manifest's own rules: a ceiling that no manifest can pass or reach is a mistake. */
    _cleanup_(freep) struct manifest *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return err_set(reason, -ENOMEM, "cannot set a limit");
    int r = manifest_key_set(key, scratch, value, reason);
    if (r < 0)
        return r;
    uint64_t most = manifest_key_get(key, scratch);
    if (most > 0 || !key->zero) /* else "no limit", which is none */
        ceil_at(ceilings, (size_t)(key - manifest_keys), most);
    return 0;
}

static int beyond(const struct manifest *manifest, const char *name, const char *asked,
                  const char *most, struct err *err)
{
    return err_say(
        err, -EPERM,
        "cannot grant '%s' the limit %s: %s: the operator's allow_grants have %s at most",
        manifest->name, name, asked, most);
}

static int tmp_hold(const struct manifest_ceilings *ceilings, const struct manifest *manifest,
                    struct err *err)
{
    uint64_t most = ceilings->most[MANIFEST_CEILING_TMP], bytes = 0;
    char asked[32], allowed[32];

    for (uint32_t i = 0; i < manifest->file_count; i++) {
        if (!manifest->files[i].host[0] &&
            __builtin_add_overflow(bytes, manifest->files[i].size_bytes, &bytes))
            bytes = UINT64_MAX;
    }
    if (bytes <= most)
        return 0;
    value_bytes_text(bytes, "", asked, sizeof asked);
    value_bytes_text(most, "", allowed, sizeof allowed);
    return beyond(manifest, "tmp", asked, allowed, err);
}

int manifest_ceilings_hold(const struct manifest_ceilings *ceilings,
                           const struct manifest *manifest, struct err *err)
{
    for (size_t i = 0; i < manifest_key_count; i++) {
        const struct manifest_key *key = &manifest_keys[i];
        char asked[32], most[32];
        if (!(ceilings->given & UINT64_C(1) << i))
            continue;
        uint64_t number = manifest_key_get(key, manifest);
        if (number <= ceilings->most[i])
            continue;
        manifest_key_text(key, number, asked, sizeof asked);
        manifest_key_text(key, ceilings->most[i], most, sizeof most);
        return beyond(manifest, key->name, asked, most, err);
    }
    if (ceilings->given & UINT64_C(1) << MANIFEST_CEILING_TMP)
        return tmp_hold(ceilings, manifest, err);
    return 0;
}

void manifest_ceilings_fill(const struct manifest_ceilings *ceilings, struct manifest *manifest)
{
    for (size_t i = 0; i < manifest_key_count; i++) {
        const struct manifest_key *key = &manifest_keys[i];
        if ((ceilings->given & UINT64_C(1) << i) && key->zero &&
            manifest_key_get(key, manifest) == 0)
            manifest_key_put(key, manifest, ceilings->most[i]);
    }
}
