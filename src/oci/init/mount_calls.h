/* The calls of the new mount interface: musl 1.2.3 has none of them. The result or -errno. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

static inline int call_result(long result)
{
    return result < 0 ? -errno : (int)result;
}

static inline int call_fsopen(const char *type, unsigned flags)
{
    return call_result(syscall(SYS_fsopen, type, flags));
}

static inline int call_fsconfig(int fd, unsigned command, const char *key, const void *value,
                                int aux)
{
    return call_result(syscall(SYS_fsconfig, fd, command, key, value, aux));
}

static inline int call_fsmount(int fd, unsigned flags, unsigned attributes)
{
    return call_result(syscall(SYS_fsmount, fd, flags, attributes));
}

static inline int call_open_tree(int dir, const char *path, unsigned flags)
{
    return call_result(syscall(SYS_open_tree, dir, path, flags));
}

/* Puts the tree of one descriptor on what the other one is. */
static inline int call_move_mount(int tree, int target)
{
    return call_result(syscall(SYS_move_mount, tree, "", target, "",
                               MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

static inline int call_mount_setattr(int fd, unsigned flags, struct mount_attr *attr)
{
    return call_result(
        syscall(SYS_mount_setattr, fd, "", flags | AT_EMPTY_PATH, attr, sizeof *attr));
}
