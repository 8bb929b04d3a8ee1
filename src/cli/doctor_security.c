/* Probes: what takes rights away. Each is tried in a child, since it can't be undone. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "cli/doctor.h"

/* Newer than Debian 12's headers. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1UL
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

/* A filter that answers getpriority with an errno nobody else gives, and allows the rest. */
static long filter_load(unsigned flags)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, flags ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ERRNO | ENOTNAM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    return fd < 0 ? -errno : fd;
}

static int try_seccomp(const void *argument)
{
    (void)argument;
    long r = filter_load(0);
    if (r < 0)
        return (int)r;
    return syscall(SYS_getpriority, 0, 0) < 0 && errno == ENOTNAM ? 0 : -EPROTO;
}

static int try_notification(const void *argument)
{
    (void)argument;
    long r = filter_load(SECCOMP_FILTER_FLAG_NEW_LISTENER);
    return r < 0 ? (int)r : 0;
}

static long landlock_abi(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* A rule set without a rule: after it no file can be opened. */
static int try_landlock(const void *argument)
{
    struct landlock_ruleset_attr all = {.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE};

    (void)argument;
    /* The size of the first ABI's structure, which every kernel takes. */
    int fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all.handled_access_fs, 0);
    if (fd < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_landlock_restrict_self, fd, 0) < 0)
        return -errno;
    return open("/proc/self/status", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES ? 0 : -EPROTO;
}

static int try_mdwe(const void *argument)
{
    (void)argument;
    if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0)
        return -errno;
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? 0 : -EPROTO;
}

static int try_memfd(const void *argument)
{
    const unsigned *flags = argument;

    return memfd_create("probe", MFD_CLOEXEC | MFD_ALLOW_SEALING | *flags) < 0 ? -errno : 0;
}

static int try_seals(const void *argument)
{
    char byte = 1;

    (void)argument;
    int fd = memfd_create("probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write(fd, &byte, 1) != 1 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return -errno;
    return write(fd, &byte, 1) < 0 && errno == EPERM ? 0 : -EPROTO;
}

static void landlock_line(struct doctor *doctor)
{
    char mechanism[48];
    long abi = landlock_abi();
    int r = abi < 0 ? -errno : doctor_try(try_landlock, NULL);

    if (r < 0) {
        doctor_line(doctor, DOCTOR_FALLBACK, "files", "mount namespace",
                    "Landlock: %s; the empty root and its read-only mounts remain", strerror(-r));
        return;
    }
    snprintf(mechanism, sizeof mechanism, "Landlock ABI %ld", abi);
    if (abi < 4)
        doctor_line(doctor, DOCTOR_FALLBACK, "files", mechanism,
                    "no rules for TCP before ABI 4: the network namespace alone stands there");
    else
        doctor_line(doctor, DOCTOR_OK, "files", mechanism,
                    "below the mount namespace, for files "
                    "and TCP");
}

static void code_lines(struct doctor *doctor)
{
    unsigned noexec = MFD_NOEXEC_SEAL, executable = MFD_EXEC;
    int r = doctor_try(try_mdwe, NULL);

    if (r == 0)
        doctor_line(doctor, DOCTOR_OK, "W^X", "PR_SET_MDWE", "no page becomes code");
    else
        doctor_line(doctor, DOCTOR_FALLBACK, "W^X", "seccomp",
                    "PR_SET_MDWE: %s; mprotect and mmap without PROT_EXEC by the filter",
                    strerror(-r));

    r = doctor_try(try_seals, NULL);
    doctor_line(doctor, r == 0 ? DOCTOR_OK : DOCTOR_REQUIRED, "libraries",
                r == 0 ? "sealed memfd" : "none", "%s",
                r == 0 ? "what was checked is what is mapped" : strerror(-r));

    r = doctor_try(try_memfd, &noexec);
    if (r == 0)
        doctor_line(doctor, DOCTOR_OK, "channels", "memfd, MFD_NOEXEC_SEAL",
                    "shared memory that can't become code");
    else
        doctor_line(doctor, DOCTOR_FALLBACK, "channels", "memfd",
                    "MFD_NOEXEC_SEAL: %s; the filter refuses PROT_EXEC", strerror(-r));
    r = doctor_try(try_memfd, &executable);
    if (r == -EACCES)
        doctor_line(doctor, DOCTOR_REQUIRED, "library memory", "none",
                    "memfd with MFD_EXEC: %s (vm.memfd_noexec is 2)", strerror(-r));
}

/* "not affected", "on", ... of one kind of speculation (prctl(2), PR_GET_SPECULATION_CTRL). */
static void speculation_line(struct doctor *doctor, const char *part, unsigned long which)
{
    int r = prctl(PR_GET_SPECULATION_CTRL, which, 0, 0, 0);

    if (r < 0)
        doctor_line(doctor, DOCTOR_MISSING, part, "none", "PR_GET_SPECULATION_CTRL: %s",
                    strerror(errno));
    else if (r == PR_SPEC_NOT_AFFECTED)
        doctor_line(doctor, DOCTOR_OK, part, "none needed", "this CPU is not affected");
    else if (r & PR_SPEC_PRCTL)
        doctor_line(doctor, DOCTOR_OK, part, "PR_SET_SPECULATION_CTRL",
                    "turned off in every instance");
    else if (r & (PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE))
        doctor_line(doctor, DOCTOR_OK, part, "the kernel", "off for all processes");
    else
        doctor_line(doctor, DOCTOR_MISSING, part, "none",
                    "the kernel leaves it on and gives no control of it (mitigations= on its "
                    "command line)");
}

void doctor_security(struct doctor *doctor)
{
    int r = doctor_try(try_seccomp, NULL);

    doctor_line(doctor, r == 0 ? DOCTOR_OK : DOCTOR_REQUIRED, "system calls",
                r == 0 ? "seccomp filter" : "none", "%s",
                r == 0 ? "a jump tree made from the function's table" : strerror(-r));
    r = doctor_try(try_notification, NULL);
    if (r == 0)
        doctor_line(doctor, DOCTOR_OK, "emulated calls", "seccomp user notification",
                    "a call can be answered by the supervisor");
    else
        doctor_line(doctor, DOCTOR_MISSING, "emulated calls", "none", "%s: such calls are refused",
                    strerror(-r));
    landlock_line(doctor);
    code_lines(doctor);
    speculation_line(doctor, "store bypass", PR_SPEC_STORE_BYPASS);
    speculation_line(doctor, "indirect branches", PR_SPEC_INDIRECT_BRANCH);
}
