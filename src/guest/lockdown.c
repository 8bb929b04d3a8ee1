/* The parts of the process wall that a process puts round itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
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
