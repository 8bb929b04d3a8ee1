/* What the view's process is left with: the descriptors that it has, memory, and a clock. */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/syscall_filter.h"
#include "vkernel/view.h"

static const int calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(accept4),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(ftruncate),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(dup2),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(getrandom),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getdents64),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
};

int view_confine(struct err *err)
{
    _cleanup_(syscall_filter_freep) scmp_filter_ctx filter = NULL;

    /* CAP_SYS_CHROOT, CAP_SETGID, CAP_SETUID; all go with the uid. The names below are no secret.
     */
    if (chroot(VIEW_KERNEL_PATH) < 0 || chdir("/") < 0 || syscall(SYS_setgroups, 0, NULL) < 0 ||
        syscall(SYS_setresgid, UID_WITHOUT_RIGHTS, UID_WITHOUT_RIGHTS, UID_WITHOUT_RIGHTS) < 0 ||
        syscall(SYS_setresuid, UID_WITHOUT_RIGHTS, UID_WITHOUT_RIGHTS, UID_WITHOUT_RIGHTS) < 0)
        return err_set(err, -errno, "cannot give up rights");
    int r = syscall_filter_begin(VIEW_PROGRAM, false, &filter, err);
    if (r < 0)
        return r;
    r = syscall_filter_allow(filter, calls, ARRAY_LEN(calls));
    if (r == 0)
        r = syscall_filter_allow_data(filter);
    return syscall_filter_load(filter, r, VIEW_PROGRAM, err);
}
