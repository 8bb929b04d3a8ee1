/* runtime and imports: a function that an interpreter runs, and what it may not ask for. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/manifest_internal.h"
#include "build/manifest_reader.h"

static const char *const runtimes[] = {
    [MANIFEST_RUNTIME_NONE] = "none",
    [MANIFEST_RUNTIME_PYTHON] = "python",
};

const char *manifest_runtime_name(enum manifest_runtime runtime)
{
    return runtimes[runtime];
}

int manifest_set_runtime(struct manifest *manifest, const char *value, struct err *reason)
{
    for (size_t i = 0; i < ARRAY_LEN(runtimes); i++) {
        if (strcmp(runtimes[i], value) != 0)
            continue;
        manifest->runtime = (enum manifest_runtime)i;
        return 0;
    }
    return err_say(reason, -EINVAL, "it is none or python");
}

/* "a.b.c" of at least one part, each a name. Stops at `end` or NUL; NULL when it is none. */
static const char *dotted(const char *text, char end)
{
    for (;;) {
        size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789_");
        if (length == 0 || (text[0] >= '0' && text[0] <= '9'))
            return NULL;
        text += length;
        if (*text == end || *text == '\0')
            return text;
        if (*text++ != '.')
            return NULL;
    }
}

bool manifest_entry_is_of_module(const char *text)
{
    const char *colon = dotted(text, ':');

    if (!colon || *colon != ':')
        return false;
    const char *end = dotted(colon + 1, '\0');
    return end && *end == '\0';
}

int manifest_add_import(struct manifest *manifest, const char *name, struct err *reason)
{
    struct value_shown shown = value_show(name);
    const char *end = dotted(name, '\0');

    if (manifest->import_count == IMPORTS_MAX)
        return err_say(reason, -EINVAL, "there are more than %d imports", IMPORTS_MAX);
    if (!end || *end != '\0' || strlen(name) > IMPORT_MAX_BYTES)
        return err_say(reason, -EINVAL, "import '%s': it is no name of a module", shown.text);
    for (uint32_t i = 0; i < manifest->import_count; i++)
        if (strcmp(manifest->imports[i], name) == 0)
            return err_say(reason, -EINVAL, "import '%s': it is there twice", shown.text);
    strcpy(manifest->imports[manifest->import_count++], name);
    return 0;
}

int manifest_runtime_check(const struct manifest *manifest, struct err *err)
{
    const struct {
        bool asked;
        const char *key;
    } absent[] = {
        {manifest->listen_count > 0, "grants: listen"},
        {manifest->connect_count > 0, "grants: connect"},
        {manifest->queue_count > 0, "grants: queue"},
        {manifest->exec_count > 0, "grants: exec"},
        {manifest->fork, "grants: fork"},
        {manifest->ipc, "grants: ipc"},
        {manifest->link, "grants: link"},
        {manifest->bpf.given, "grants: bpf"},
        {manifest->dependency_count > 0, "dependencies"},
        {manifest->recycle != MANIFEST_RECYCLE_NONE, "recycle"},
        {manifest->update.slack_bytes > 0, "update: slack"},
        {manifest->http_cgi, "http: cgi"},
        {manifest->source_count > 0, "sources"},
    };

    if (manifest->runtime == MANIFEST_RUNTIME_NONE) {
        if (manifest->import_count > 0)
            return err_say(err, -EINVAL, "imports are for a function with a runtime: python");
        if (strchr(manifest->entry, ':') || strchr(manifest->entry, '.'))
            return err_say(err, -EINVAL, "entry '%s': it is not the name of a C function",
                           value_show(manifest->entry).text);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        if (absent[i].asked)
            return err_say(err, -EINVAL, "runtime %s does not go with %s",
                           manifest_runtime_name(manifest->runtime), absent[i].key);
    if (manifest->entry[0] && !manifest_entry_is_of_module(manifest->entry))
        return err_say(err, -EINVAL, "entry '%s': of runtime %s it is module:function",
                       value_show(manifest->entry).text, manifest_runtime_name(manifest->runtime));
    return 0;
}

void manifest_runtime_format(FILE *out, const struct manifest *manifest)
{
    if (manifest->runtime == MANIFEST_RUNTIME_NONE)
        return;
    fprintf(out, "runtime: %s\n", manifest_runtime_name(manifest->runtime));
    if (manifest->import_count > 0)
        fprintf(out, "imports:\n");
    for (uint32_t i = 0; i < manifest->import_count; i++) {
        fprintf(out, "  - ");
        manifest_format_quoted(out, manifest->imports[i]);
        fputc('\n', out);
    }
}
