/* Probes: which namespaces this user may make, and what works inside. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/doctor.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* Nobody: the user that an ordinary user is tried as. */
#define NOBODY 65534

static const struct {
    const char *name;
    int flag;
    bool required;
    const char *use;
} namespaces[] = {
    {"user", CLONE_NEWUSER, true, "root inside is nobody outside"},
    {"mnt", CLONE_NEWNS, true, "an empty root file system"},
    {"pid", CLONE_NEWPID, true, "a template is the init of its instances"},
    {"net", CLONE_NEWNET, true, "no network but what is granted"},
    {"ipc", CLONE_NEWIPC, true, "no System V objects of others"},
    {"uts", CLONE_NEWUTS, true, "a host name of its own"},
    {"cgroup", CLONE_NEWCGROUP, true, "its group looks like the root"},
    {"time", CLONE_NEWTIME, false, "clocks of its own"},
};

/* Maps this process's ids to 0 inside its new user namespace (user_namespaces(7)). */
static int map_self(uid_t uid, gid_t gid)
{
    char map[64];

    snprintf(map, sizeof map, "0 %u 1", uid);
    int r = fd_write_string(AT_FDCWD, "/proc/self/uid_map", map);
    /* An unprivileged gid_map may be written only once setgroups is off. */
    if (r == 0)
        r = fd_write_string(AT_FDCWD, "/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", gid);
    return r == 0 ? fd_write_string(AT_FDCWD, "/proc/self/gid_map", map) : r;
}

/* An ordinary user needs a user namespace around every other one; root does not. */
static int try_namespace(const void *argument)
{
    const int *flag = argument;
    int around = geteuid() == 0 ? 0 : CLONE_NEWUSER;

    return unshare(*flag | around) < 0 ? -errno : 0;
}

/*
 * As an ordinary user: a user namespace, ids mapped, and a mount inside. Some distributions allow
 * the first and take all capabilities away by an AppArmor profile: only the mount shows that.
 */
static int try_user_mount(const void *argument)
{
    (void)argument;
    if (geteuid() == 0) {
        if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
            setresuid(NOBODY, NOBODY, NOBODY) < 0)
            return -errno;
        /* A change of uid makes /proc/self root's, its id maps too. */
        if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
            return -errno;
    }
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return -errno;
    int r = map_self(uid, gid);
    if (r < 0)
        return r;
    return mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=4k") < 0 ? -errno : 0;
}

/* pivot_root into a tmpfs needs the old root to be unmountable: the whole of it is tried. */
static int try_private_root(const void *argument)
{
    int around = geteuid() == 0 ? 0 : CLONE_NEWUSER;
    uid_t uid = geteuid();
    gid_t gid = getegid();

    (void)argument;
    if (unshare(CLONE_NEWNS | around) < 0)
        return -errno;
    if (around && map_self(uid, gid) < 0)
        return -EPERM;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=755") < 0 ||
        chdir("/tmp") < 0)
        return -errno;
    /* pivot_root(".", "."): the old root is stacked on the new one, and taken off (pivot_root(2)).
     */
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
        return -errno;
    return access("/proc", F_OK) < 0 ? 0 : -EEXIST;
}

void doctor_namespaces(struct doctor *doctor)
{
    for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
        char part[32], mechanism[32];
        int r = doctor_try(try_namespace, &namespaces[i].flag);
        snprintf(part, sizeof part, "namespace %s", namespaces[i].name);
        snprintf(mechanism, sizeof mechanism, "CLONE_NEW%s",
                 strcmp(namespaces[i].name, "mnt") == 0 ? "NS" : namespaces[i].name);
        for (char *c = mechanism; *c; c++)
            if (*c >= 'a' && *c <= 'z')
                *c = (char)(*c - 'a' + 'A');
        if (r == 0)
            doctor_line(doctor, DOCTOR_OK, part, mechanism, "%s", namespaces[i].use);
        else
            doctor_line(doctor, namespaces[i].required ? DOCTOR_REQUIRED : DOCTOR_MISSING, part,
                        "none", "unshare: %s", strerror(-r));
    }

    int r = doctor_try(try_private_root, NULL);
    doctor_line(doctor, r == 0 ? DOCTOR_OK : DOCTOR_REQUIRED, "root file system",
                r == 0 ? "tmpfs, pivot_root" : "none", "%s",
                r == 0 ? "empty but for what the manifest grants" : strerror(-r));

    r = doctor_try(try_user_mount, NULL);
    if (r == 0)
        doctor_line(doctor, DOCTOR_OK, "ordinary users", "user namespace",
                    "vireo run and build work without root");
    else
        doctor_line(doctor, DOCTOR_MISSING, "ordinary users", "none",
                    "%s: vireo run and build need root (kernel.unprivileged_userns_clone, "
                    "user.max_user_namespaces, AppArmor)",
                    strerror(-r));
}
