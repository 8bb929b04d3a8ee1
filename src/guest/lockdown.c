/* The parts of the process wall that a process puts round itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "guest/lockdown.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

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

int lockdown_no_new_code(void)
{
    if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0 && errno != EINVAL)
        return -errno;
    return 0;
}

int lockdown_speculation(void)
{
    static const int features[] = {PR_SPEC_STORE_BYPASS, PR_SPEC_INDIRECT_BRANCH};

    for (size_t i = 0; i < ARRAY_LEN(features); i++) {
        /* ENODEV, ENXIO, EINVAL: not affected, no control, or fixed by the administrator; EPERM:
         * already disabled for good. */
        if (prctl(PR_SET_SPECULATION_CTRL, features[i], PR_SPEC_FORCE_DISABLE, 0, 0) < 0 &&
            errno != ENODEV && errno != ENXIO && errno != EINVAL && errno != EPERM)
            return -errno;
    }
    return 0;
}

int lockdown_not_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

int lockdown_capabilities(uint64_t keep)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)keep, .permitted = (uint32_t)keep},
        {.effective = (uint32_t)(keep >> 32), .permitted = (uint32_t)(keep >> 32)},
    };

    /* The bounding set needs no loop of 41 calls: nothing here executes a program again
     * (no_new_privs is on and execve is in no table). */
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -errno;
    return syscall(__NR_capset, &header, data) < 0 ? -errno : 0;
}

/* The rights that this kernel's Landlock knows, of those that we know. */
static struct ruleset_attributes rights_of(long abi)
{
    struct ruleset_attributes rights = {.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1};

    if (abi >= 2)
        rights.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        rights.handled_access_fs |= ACCESS_FS_TRUNCATE;
    if (abi >= 4)
        rights.handled_access_net = ACCESS_NET_ALL;
    if (abi >= 5)
        rights.handled_access_fs |= ACCESS_FS_IOCTL_DEV;
    if (abi >= 6)
        rights.scoped = SCOPE_ALL;
    return rights;
}

int lockdown_files(const struct lockdown_directory *directories, size_t count)
{
    const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    const uint64_t never = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                           LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                           LANDLOCK_ACCESS_FS_MAKE_FIFO | ACCESS_FS_IOCTL_DEV;
    long abi = syscall(__NR_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (abi < 0)
        return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
    struct ruleset_attributes rights = rights_of(abi);
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

int lockdown_tmpfs(uint64_t bytes, int *ret_fd)
{
    enum { CONFIG_SET_STRING = 1, CONFIG_CREATE = 6, NODEV = 4, NOSUID = 2, NOEXEC = 8 };
    char size[32];

    _cleanup_(closep) int fs = (int)syscall(__NR_fsopen, "tmpfs", 1 /* FSOPEN_CLOEXEC */);
    if (fs < 0)
        return -errno;
    snprintf(size, sizeof size, "%llu", (unsigned long long)bytes);
    if (syscall(__NR_fsconfig, fs, CONFIG_SET_STRING, "size", size, 0) < 0 ||
        syscall(__NR_fsconfig, fs, CONFIG_SET_STRING, "mode", "0700", 0) < 0 ||
        syscall(__NR_fsconfig, fs, CONFIG_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    int mount = (int)syscall(__NR_fsmount, fs, 1 /* FSMOUNT_CLOEXEC */, NODEV | NOSUID | NOEXEC);
    if (mount < 0)
        return -errno;
    *ret_fd = mount;
    return 0;
}
