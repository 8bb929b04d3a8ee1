/* A process confines itself to directories. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/landlock.h"

/* Newer than Debian 12's headers; the kernel's ABI says which it has. */
#define ACCESS_FS_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define ACCESS_FS_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define ACCESS_NET_ALL 3ULL              /* ABI 4: bind and connect of TCP */
#define SCOPE_ALL 3ULL                   /* ABI 6: abstract UNIX sockets, signals */

struct ruleset_attributes {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

/* The rights that this kernel's Landlock knows, of those that we know. */
static struct ruleset_attributes rights_of(int abi, bool network)
{
    struct ruleset_attributes rights = {.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1};

    if (abi >= 2)
        rights.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        rights.handled_access_fs |= ACCESS_FS_TRUNCATE;
    if (abi >= 4 && !network)
        rights.handled_access_net = ACCESS_NET_ALL;
    if (abi >= 5)
        rights.handled_access_fs |= ACCESS_FS_IOCTL_DEV;
    if (abi >= 6)
        rights.scoped = SCOPE_ALL;
    return rights;
}

int landlock_version(void)
{
    long abi = syscall(__NR_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi < 0 ? -errno : (int)abi;
}

int landlock_files(const struct landlock_directory *directories, size_t count, bool network)
{
    const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    const uint64_t never = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                           LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                           LANDLOCK_ACCESS_FS_MAKE_FIFO | ACCESS_FS_IOCTL_DEV;
    int abi = landlock_version();

    if (abi < 0)
        return abi == -ENOSYS || abi == -EOPNOTSUPP ? 0 : abi;
    struct ruleset_attributes rights = rights_of(abi, network);
    /* Older kernels take a shorter structure, and longer ones only if the rest is zero. */
    _cleanup_(closep) int ruleset =
        (int)syscall(__NR_landlock_create_ruleset, &rights, sizeof rights, 0);
    if (ruleset < 0)
        return -errno;
    for (size_t i = 0; i < count; i++) {
        struct landlock_path_beneath_attr rule = {
            .allowed_access = directories[i].writable ? rights.handled_access_fs & ~never : reading,
            .parent_fd = directories[i].fd,
        };
        if (syscall(__NR_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
            return -errno;
    }
    return syscall(__NR_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}
