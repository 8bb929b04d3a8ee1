/* The tables of system calls, as text. */
#include "allow/allow.h"
#include "base/cleanup.h"
#include "build/manifest.h"
#include "guest/template.h"
#include "pvm/pvm.h"

struct entry {
    const char *name;
    uint32_t grants;
};

static const struct entry entries[] = {
#define SYSCALL(name, grants, rule) {#name, grants},
#include "guest/syscalls.h"
#undef SYSCALL
};

size_t pvm_syscalls(uint32_t grant, const char **ret_names, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(entries) && count < max; i++) {
        uint32_t grants = entries[i].grants;
        bool base = grants == 0 || (grants == GUEST_GRANT_CODE && grant == 0);
        if (grant == 0 || grant == PVM_SYSCALLS_PROVED ? base : (grants & grant) != 0)
            ret_names[count++] = entries[i].name;
    }
    return count;
}

uint32_t pvm_grants(const struct manifest *manifest)
{
    return (manifest->file_count ? GUEST_GRANT_FILES : 0) |
           (manifest_connects(manifest) ? GUEST_GRANT_CONNECT : 0) |
           (manifest->fork ? GUEST_GRANT_FORK : 0) | (manifest->ipc ? GUEST_GRANT_IPC : 0) |
           (manifest->layers & ALLOW_BIT(ALLOW_PLATFORM) ? GUEST_GRANT_PLATFORM : 0) |
           (manifest->link ? GUEST_GRANT_LINK : 0) |
           /* A server has standard streams: its output is the log. */
           (manifest->listen_count ? GUEST_GRANT_LISTEN | GUEST_GRANT_STDIO : 0);
}
