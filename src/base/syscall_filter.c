/* System-call filters of vireo's own unprivileged programs, over libseccomp. */
#include "base/syscall_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
#define CLONE_NAMESPACES 0x7e020000

void syscall_filter_freep(scmp_filter_ctx *filter)
{
    if (*filter)
        seccomp_release(*filter);
}

int syscall_filter_begin(const char *who, bool fast, scmp_filter_ctx *ret, struct err *err)
{
    _cleanup_(syscall_filter_freep) scmp_filter_ctx filter = NULL;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return err_set(err, -errno, "cannot give up privileges for good");
    filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter || (fast && seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0))
        return err_set(err, -ENOMEM, "cannot make the %s's system-call filter", who);
    *ret = steal_ptr(&filter);
    return 0;
}

int syscall_filter_allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return r;
}

int syscall_filter_allow_values(scmp_filter_ctx filter, int call, unsigned argument,
                                const int *values, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
                             SCMP_CMP(argument, SCMP_CMP_EQ, (scmp_datum_t)values[i]));
    return r;
}

/* Unless the argument has one of these bits. */
static int allow_without(scmp_filter_ctx filter, int call, unsigned argument, unsigned bits)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
                            SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, bits, 0));
}

int syscall_filter_allow_data(scmp_filter_ctx filter)
{
    int r = allow_without(filter, SCMP_SYS(mmap), 2, PROT_EXEC);

    return r == 0 ? allow_without(filter, SCMP_SYS(mprotect), 2, PROT_EXEC) : r;
}

int syscall_filter_allow_children(scmp_filter_ctx filter)
{
    int r = allow_without(filter, SCMP_SYS(clone), 0, CLONE_NAMESPACES);

    /* The flags of clone3 can't be seen; libc falls back to clone. */
    return r == 0 ? seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) : r;
}

int syscall_filter_allow_internet(scmp_filter_ctx filter)
{
    /* Netlink tells the resolver its routes. */
    static const int families[] = {AF_INET, AF_INET6, AF_NETLINK};
    int r = syscall_filter_allow_values(filter, SCMP_SYS(socket), 0, families, ARRAY_LEN(families));

    return r == 0 ? syscall_filter_allow_children(filter) : r;
}

int syscall_filter_load(scmp_filter_ctx filter, int r, const char *who, struct err *err)
{
    if (r == 0)
        r = seccomp_load(filter);
    return r < 0 ? err_set(err, r, "cannot load the %s's system-call filter", who) : 0;
}

int syscall_filter_program(scmp_filter_ctx filter, int r, const char *who,
                           struct sock_fprog *ret_program, struct err *err)
{
    _cleanup_(closep) int fd = memfd_create("filter", MFD_CLOEXEC);
    _cleanup_(freep) struct sock_filter *program = NULL;
    struct stat status;

    if (r == 0)
        r = fd < 0 ? -errno : seccomp_export_bpf(filter, fd);
    if (r == 0 && fstat(fd, &status) < 0)
        r = -errno;
    if (r < 0)
        return err_set(err, r, "cannot make the %s's system-call filter", who);
    program = malloc((size_t)status.st_size);
    if (!program || pread(fd, program, (size_t)status.st_size, 0) != status.st_size)
        return err_set(err, -ENOMEM, "cannot make the %s's system-call filter", who);
    ret_program->len = (unsigned short)((size_t)status.st_size / sizeof *program);
    ret_program->filter = steal_ptr(&program);
    return 0;
}
