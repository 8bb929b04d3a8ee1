/* Runs inside a sandbox of test_spawn.c and says on descriptor 1 what it finds there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static void report_ids(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    int bounding = 0, death_signal = 0;

    syscall(SYS_capget, &header, data);
    for (int i = 0; i < 64; i++)
        bounding += prctl(PR_CAPBSET_READ, i) == 1;
    prctl(PR_GET_PDEATHSIG, &death_signal);
    printf("uid=%u euid=%u gid=%u groups=%d pid=%d\n", (unsigned)getuid(), (unsigned)geteuid(),
           (unsigned)getgid(), getgroups(0, NULL), (int)getpid());
    printf("caps=%x%08x/%x%08x bounding=%d nnp=%d death=%d\n", data[1].permitted, data[0].permitted,
           data[1].effective, data[0].effective, bounding, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
           death_signal);
}

static void report_world(void)
{
    struct rlimit files;
    struct sigaction pipe_action;
    sigset_t mask;
    char host[64] = "";
    int open_count = 0;

    for (int fd = 0; fd < 1024; fd++)
        open_count += fcntl(fd, F_GETFD) >= 0;
    getrlimit(RLIMIT_NOFILE, &files);
    sigaction(SIGPIPE, NULL, &pipe_action);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    gethostname(host, sizeof host - 1);
    printf("fds=%d nofile=%llu sigpipe=%d masked=%d host=%s env=%s\n", open_count,
           (unsigned long long)files.rlim_max, pipe_action.sa_handler == SIG_DFL,
           sigismember(&mask, SIGUSR1), host, environ[0] ? environ[0] : "-");
}

static void report_directory(const char *path)
{
    DIR *directory = opendir(path);

    printf("%s:", path);
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        if (entry->d_name[0] != '.')
            printf(" %s", entry->d_name);
    printf("\n");
    if (directory)
        closedir(directory);
}

static void report_mount(const char *path)
{
    struct statvfs status;

    if (statvfs(path, &status) < 0) {
        printf("%s: %s\n", path, strerror(errno));
        return;
    }
    printf("%s:%s%s%s%s\n", path, status.f_flag & ST_RDONLY ? " ro" : "",
           status.f_flag & ST_NOSUID ? " nosuid" : "", status.f_flag & ST_NODEV ? " nodev" : "",
           status.f_flag & ST_NOEXEC ? " noexec" : "");
}

static void try_write(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ssize_t n = fd < 0 ? -1 : write(fd, "x", 1);

    printf("write %s: %s\n", path, n == 1 ? "ok" : strerror(errno));
    if (fd >= 0)
        close(fd);
}

/* How many bytes, then how many empty files, fit below `path`. */
static void fill(const char *path)
{
    char name[128], block[4096] = {0};
    unsigned blocks = 0, files = 0;

    snprintf(name, sizeof name, "%s/big", path);
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (blocks < 100000 && write(fd, block, sizeof block) == (ssize_t)sizeof block)
        blocks++;
    close(fd);
    for (; files < 100000; files++) {
        snprintf(name, sizeof name, "%s/%u", path, files);
        fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            break;
        close(fd);
    }
    printf("filled kib=%u files=%u\n", blocks * 4, files);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *what = argv[i];
        const char *path = strchr(what, ':');
        path = path ? path + 1 : "/";
        if (strcmp(what, "ids") == 0)
            report_ids();
        else if (strcmp(what, "world") == 0)
            report_world();
        else if (strncmp(what, "dir:", 4) == 0)
            report_directory(path);
        else if (strncmp(what, "mount:", 6) == 0)
            report_mount(path);
        else if (strncmp(what, "write:", 6) == 0)
            try_write(path);
        else if (strncmp(what, "fill:", 5) == 0)
            fill(path);
        else if (strcmp(what, "wait") == 0) {
            fflush(stdout);
            pause();
        }
    }
    return fflush(stdout) == 0 ? 7 : 1;
}
