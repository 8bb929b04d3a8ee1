/* What native code asks of what it is linked with, in its library: fixed fields, as the note. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/note_demands.h"
#include "build/version.h"

#define LAYOUT 1
#define FLAG_LINK 1u

struct head {
    uint32_t layout, flags, loader, count;
    char application[NAME_MAX_BYTES + 1];
    char versions[VERSION_RANGE_MAX_BYTES + 1];
    char signer[72];
} __attribute__((packed));

struct row {
    char name[NAME_MAX_BYTES + 1];
    char versions[VERSION_RANGE_MAX_BYTES + 1];
    char signer[72];
} __attribute__((packed));

static_assert(sizeof(struct head) == 216 && sizeof(struct row) == 200, "docs/library.md says so");
static_assert(sizeof(struct head) + DEPENDENCIES_MAX * sizeof(struct row) <= NOTE_DEMANDS_MAX_BYTES,
              "all fit");

static bool name_is_proper(const char *name, size_t size)
{
    return note_text_is_proper(name, size, "-");
}

static bool range_is_proper(const char *range, size_t size)
{
    return note_text_is_proper(range, size, " ,.-+_<>=!*") && version_range_check(range, NULL) == 0;
}

static bool signer_is_proper(const char *signer, size_t size)
{
    size_t length = strnlen(signer, size);

    return note_text_is_proper(signer, size, "") &&
           (length == 0 || (length == 64 && strspn(signer, "0123456789abcdef") == 64));
}

static bool is_proper(const struct head *head, const struct row *rows)
{
    if (head->layout != LAYOUT || (head->flags & ~FLAG_LINK) ||
        head->loader > MANIFEST_LOADER_BLANK || head->count > DEPENDENCIES_MAX ||
        !name_is_proper(head->application, sizeof head->application) ||
        !range_is_proper(head->versions, sizeof head->versions) ||
        !signer_is_proper(head->signer, sizeof head->signer))
        return false;
    for (uint32_t i = 0; i < head->count; i++)
        if (!rows[i].name[0] || !name_is_proper(rows[i].name, sizeof rows[i].name) ||
            !range_is_proper(rows[i].versions, sizeof rows[i].versions) ||
            !signer_is_proper(rows[i].signer, sizeof rows[i].signer))
            return false;
    return true;
}

ssize_t note_demands_put(const struct library_demands *demands,
                         uint8_t bytes[static NOTE_DEMANDS_MAX_BYTES], struct err *err)
{
    struct row rows[DEPENDENCIES_MAX] = {0};
    struct head head = {
        .layout = LAYOUT,
        .flags = demands->link ? FLAG_LINK : 0,
        .loader = demands->library.loader,
        .count = demands->dependency_count,
    };

    memcpy(head.application, demands->application, sizeof head.application);
    memcpy(head.versions, demands->library.versions, sizeof head.versions);
    memcpy(head.signer, demands->library.signer, sizeof demands->library.signer);
    for (uint32_t i = 0; i < head.count && i < DEPENDENCIES_MAX; i++) {
        const struct manifest_dependency *dependency = &demands->dependencies[i];
        memcpy(rows[i].name, dependency->name, sizeof rows[i].name);
        memcpy(rows[i].versions, dependency->versions, sizeof rows[i].versions);
        memcpy(rows[i].signer, dependency->signer, sizeof dependency->signer);
    }
    if (!is_proper(&head, rows))
        return err_say(err, -EINVAL, "cannot write a library's note: what it asks for is improper");
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + sizeof head, rows, head.count * sizeof *rows);
    return (ssize_t)(sizeof head + head.count * sizeof *rows);
}

int note_demands_take(const void *bytes, size_t size, struct library_demands *ret_demands,
                      struct err *err)
{
    struct library_demands demands = {.given = true};
    struct row rows[DEPENDENCIES_MAX] = {0};
    struct head head = {0};

    if (size >= sizeof head)
        memcpy(&head, bytes, sizeof head);
    if (head.count > DEPENDENCIES_MAX || size != sizeof head + head.count * sizeof *rows)
        return err_say(err, -ENOEXEC, "cannot use a library's note: its demands have a bad size");
    memcpy(rows, (const uint8_t *)bytes + sizeof head, head.count * sizeof *rows);
    if (!is_proper(&head, rows))
        return err_say(err, -ENOEXEC, "cannot use a library's note: its demands are improper");
    demands.link = (head.flags & FLAG_LINK) != 0;
    demands.library.loader = (enum manifest_loader)head.loader;
    memcpy(demands.application, head.application, sizeof demands.application);
    memcpy(demands.library.versions, head.versions, sizeof demands.library.versions);
    memcpy(demands.library.signer, head.signer, sizeof demands.library.signer);
    demands.dependency_count = head.count;
    for (uint32_t i = 0; i < head.count; i++) {
        struct manifest_dependency *dependency = &demands.dependencies[i];
        memcpy(dependency->name, rows[i].name, sizeof dependency->name);
        memcpy(dependency->versions, rows[i].versions, sizeof dependency->versions);
        memcpy(dependency->signer, rows[i].signer, sizeof dependency->signer);
    }
    *ret_demands = demands;
    return 0;
}

void library_demands_of(const struct manifest *manifest, struct library_demands *ret_demands)
{
    struct library_demands demands = {.link = manifest->link, .library = manifest->library};

    memcpy(demands.application, manifest->application, sizeof demands.application);
    demands.dependency_count = manifest->dependency_count;
    for (uint32_t i = 0; i < manifest->dependency_count; i++) {
        demands.dependencies[i] = manifest->dependencies[i];
        memset(demands.dependencies[i].hash, 0, sizeof demands.dependencies[i].hash);
    }
    demands.given = demands.link || demands.application[0] || demands.dependency_count > 0 ||
                    demands.library.signer[0] || demands.library.versions[0] ||
                    demands.library.loader != MANIFEST_LOADER_ANY;
    *ret_demands = demands;
}

void library_demands_take(const struct library_demands *demands, struct manifest *manifest)
{
    if (!demands->given)
        return;
    manifest->link = demands->link;
    manifest->library = demands->library;
    memcpy(manifest->application, demands->application, sizeof manifest->application);
    memcpy(manifest->dependencies, demands->dependencies, sizeof manifest->dependencies);
    manifest->dependency_count = demands->dependency_count;
}

bool library_demands_equal(const struct library_demands *one, const struct library_demands *other)
{
    uint8_t bytes[NOTE_DEMANDS_MAX_BYTES], other_bytes[NOTE_DEMANDS_MAX_BYTES];

    if (!one->given || !other->given)
        return one->given == other->given;
    ssize_t size = note_demands_put(one, bytes, NULL);
    return size > 0 && note_demands_put(other, other_bytes, NULL) == size &&
           memcmp(bytes, other_bytes, (size_t)size) == 0;
}
