/* Names of artifacts: the registry's host, the name there, and a tag or digest. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "dist/dist.h"

static bool only(const char *text, size_t bytes, const char *good)
{
    return strspn(text, good) >= bytes;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Parts between slashes that begin and end with a letter or digit. */
static bool name_is_proper(const char *name, size_t bytes)
{
    const char *end = name + bytes;

    if (bytes == 0 || bytes > DIST_NAME_MAX || !only(name, bytes, LOWER "._-/"))
        return false;
    while (name < end) {
        size_t part = strcspn(name, "/");
        if (part > (size_t)(end - name))
            part = (size_t)(end - name);
        if (part == 0 || strchr("._-", name[0]) || strchr("._-", name[part - 1]))
            return false;
        name += part;
        if (name < end && ++name == end)
            return false; /* a slash at the end */
    }
    return true;
}

static bool tag_is_proper(const char *tag)
{
    size_t bytes = strlen(tag);

    if (strncmp(tag, "sha256:", 7) == 0)
        return bytes == DIST_DIGEST_TEXT - 1 && only(tag + 7, 64, "0123456789abcdef");
    return bytes > 0 && bytes <= DIST_TAG_MAX && only(tag, bytes, LOWER UPPER "._-") &&
           tag[0] != '.' && tag[0] != '-';
}

int dist_reference_parse(const char *text, struct dist_reference *ret_reference, struct err *err)
{
    struct dist_reference reference = {0};
    const char *slash = strchr(text, '/');
    size_t host_bytes = slash ? (size_t)(slash - text) : 0;

    if (host_bytes == 0 || host_bytes > DIST_HOST_MAX ||
        !only(text, host_bytes, LOWER UPPER ".-:[]"))
        return err_say(err, -EINVAL, "cannot use '%s': it is no REGISTRY/NAME:TAG", text);
    memcpy(reference.host, text, host_bytes);
    const char *name = slash + 1, *end = strchr(name, '@');
    if (!end)
        end = strchr(name, ':');
    size_t name_bytes = end ? (size_t)(end - name) : strlen(name);
    if (!name_is_proper(name, name_bytes))
        return err_say(err, -EINVAL,
                       "cannot use '%s': a name has small letters, digits and . _ - / between",
                       text);
    memcpy(reference.name, name, name_bytes);
    const char *tag = end ? end + 1 : "latest";
    if (!tag_is_proper(tag) || (end && (*end == '@') != (strncmp(tag, "sha256:", 7) == 0)))
        return err_say(err, -EINVAL, "cannot use '%s': its tag or digest is none", text);
    memcpy(reference.tag, tag, strlen(tag));
    *ret_reference = reference;
    return 0;
}

bool dist_host_is_local(const char *host)
{
    size_t bytes = strcspn(host, ":");

    if (strncmp(host, "[::1]", 5) == 0)
        return host[5] == '\0' || host[5] == ':';
    return (bytes == 9 && strncmp(host, "localhost", 9) == 0) ||
           (strncmp(host, "127.", 4) == 0 && only(host, bytes, "0123456789."));
}
