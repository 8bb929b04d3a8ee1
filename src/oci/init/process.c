/* The user's process: directory, program, labels, privileges, execve. */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "oci/init/init.h"

#define PASSWD_MAX (256 << 10)
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The session keyring is made later, with the label that its user will have. */
static int label_keyring(struct init *init, const char *label)
{
    _cleanup_(closep) int fd = proc_open("self/attr/keycreate", O_WRONLY);
    int r = fd < 0 ? fd : fd_write_full(fd, label, strlen(label));

    return r < 0 ? err_set(&init->err, r, "cannot set label '%s' of the session keyring", label)
                 : 0;
}

int init_process_open_label(struct init *init)
{
    const struct init_process *process = &init->plan->process;
    const char *label = process->apparmor ? process->apparmor : process->selinux;
    int fd = -ENOENT;

    if (!label)
        return 0;
    if (process->apparmor)
        fd = proc_open("self/attr/apparmor/exec", O_WRONLY);
    if (fd == -ENOENT)
        fd = proc_open("self/attr/exec", O_WRONLY);
    if (fd == -EXDEV)
        return err_say(&init->err, fd, "cannot set label '%s': '/proc' there is no procfs", label);
    if (fd < 0)
        return err_set(&init->err, fd, "cannot set label '%s': open '/proc/self/attr/exec'", label);
    init->label_fd = fd;
    return process->selinux && process->new_keyring ? label_keyring(init, label) : 0;
}

static int set_label(struct init *init)
{
    const struct init_process *process = &init->plan->process;
    char text[4096];

    if (init->label_fd < 0)
        return 0;
    if (process->apparmor)
        snprintf(text, sizeof text, "exec %s", process->apparmor);
    else
        snprintf(text, sizeof text, "%s", process->selinux);
    int r = fd_write_full(init->label_fd, text, strlen(text));
    if (r == -ENOENT && process->apparmor)
        return err_say(&init->err, r,
                       "cannot set label: apply apparmor profile `%s`: profile not loaded",
                       process->apparmor);
    return r < 0 ? err_set(&init->err, r, "cannot set label '%s'", text) : 0;
}

static const char *environment(char *const *envp, const char *name)
{
    size_t length = strlen(name);

    for (; *envp; envp++)
        if (strncmp(*envp, name, length) == 0 && (*envp)[length] == '=')
            return *envp + length + 1;
    return NULL;
}

/* The sixth field of the line whose third is `uid`, in the container's own /etc/passwd. */
static bool home_find(const char *passwd, uint32_t uid, char *ret_home, size_t size)
{
    for (const char *line = passwd; *line;) {
        size_t length = strcspn(line, "\n");
        const char *field[7] = {line};
        int count = 1;
        for (size_t i = 0; i < length && count < 7; i++)
            if (line[i] == ':')
                field[count++] = line + i + 1;
        if (count == 7 && field[2] < field[3] && strtoul(field[2], NULL, 10) == uid &&
            field[2][0] >= '0' && field[2][0] <= '9') {
            size_t home = (size_t)(field[6] - field[5]) - 1;
            if (home == 0 || home >= size)
                return false;
            memcpy(ret_home, field[5], home);
            ret_home[home] = '\0';
            return true;
        }
        line += length + (line[length] == '\n');
    }
    return false;
}

/* HOME, which programs expect and config.json often leaves out. */
static int complete_environment(struct init *init)
{
    const struct init_process *process = &init->plan->process;
    static char home[4096 + 8] = "HOME=/";
    _cleanup_(freep) char *passwd = NULL;
    size_t count = 0;

    init->envp = process->envp;
    if (environment(process->envp, "HOME"))
        return 0;
    /* The image's own file, whatever it is: a link stays inside, a pipe would not answer. */
    if (fd_read_regular(AT_FDCWD, "/etc/passwd", PASSWD_MAX, &passwd, &count, NULL) == 0 &&
        !home_find(passwd, process->uid, home + 5, sizeof home - 5))
        strcpy(home, "HOME=/");
    for (count = 0; process->envp[count]; count++)
        ;
    char **envp = calloc(count + 2, sizeof *envp);
    if (!envp)
        return err_set(&init->err, -ENOMEM, "cannot prepare the environment");
    memcpy(envp, process->envp, count * sizeof *envp);
    envp[count] = home;
    init->envp = envp;
    return 0;
}

int init_process_add_variables(struct init *init, const char *text, size_t bytes)
{
    size_t count = 0, more = 0;

    if (text[bytes - 1] != '\0')
        return -EBADMSG;
    while (init->envp[count])
        count++;
    for (size_t i = 0; i < bytes; i++)
        more += text[i] == '\0';
    char **envp = calloc(count + more + 1, sizeof *envp);
    if (!envp)
        return -ENOMEM;
    memcpy(envp, init->envp, count * sizeof *envp);
    for (const char *at = text; at < text + bytes; at += strlen(at) + 1) {
        char name[256];
        size_t length = strcspn(at, "=");
        if (length == 0 || length >= sizeof name || !at[length])
            continue;
        memcpy(name, at, length);
        name[length] = '\0';
        if (!environment(init->envp, name))
            envp[count++] = (char *)at;
    }
    init->envp = envp;
    return 0;
}

/* Made by the kernel's own view: a directory outside of this root has no path here. */
static int enter_cwd(struct init *init)
{
    char here[4096];
    const char *cwd = init->plan->process.cwd;

    if (chdir(cwd) < 0) {
        if (errno == EACCES && !init->late_cwd) {
            init->late_cwd = true;
            return 0;
        }
        return err_set(&init->err, -errno, "cannot enter directory '%s'", cwd);
    }
    init->late_cwd = false;
    long n = syscall(SYS_getcwd, here, sizeof here);
    if (n < 0 || here[0] != '/')
        return err_say(&init->err, -EPERM,
                       "cannot enter directory '%s': it is outside of the container's root", cwd);
    return 0;
}

static int is_program(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return -errno;
    return S_ISREG(status.st_mode) && (status.st_mode & 0111) ? 0 : -EACCES;
}

static int find_in_path(struct init *init, const char *name)
{
    static char path[4096];
    const char *list = environment(init->envp, "PATH");
    int result = -ENOENT;

    for (const char *at = list ? list : DEFAULT_PATH;; at++) {
        size_t length = strcspn(at, ":");
        int n = snprintf(path, sizeof path, "%.*s%s%s", (int)length, at, length ? "/" : "./", name);
        int r = n < 0 || (size_t)n >= sizeof path ? -ENOENT : is_program(path);
        if (r == 0) {
            init->program = path;
            return 0;
        }
        if (r == -EACCES)
            result = r;
        at += length;
        if (!*at)
            return result;
    }
}

static int find_program(struct init *init)
{
    const char *name = init->plan->process.argv[0];

    if (!*name)
        return err_set(&init->err, -ENOENT, "cannot execute ''");
    if (strchr(name, '/')) {
        int r = is_program(name);
        init->program = name;
        /* A directory that only the user may enter: the exec will tell. */
        if (r < 0 && !(init->late_cwd && r == -EACCES))
            return err_set(&init->err, r, "cannot execute '%s'", name);
        return 0;
    }
    int r = find_in_path(init, name);
    if (r == -ENOENT)
        return err_say(&init->err, r,
                       "cannot execute '%s': executable file not found in $PATH: No such file or "
                       "directory",
                       name);
    return r < 0 ? err_set(&init->err, r, "cannot execute '%s'", name) : 0;
}

static int make_keyring(struct init *init)
{
    if (!init->plan->process.new_keyring)
        return 0;
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, init->plan->process.keyring_name) < 0 &&
        errno != ENOSYS)
        return err_set(&init->err, -errno, "cannot make a session keyring");
    return 0;
}

int init_process_prepare(struct init *init)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (!init->plan->process.terminal)
        setsid(); /* EPERM: it is a leader already */
    if (!init->plan->process.argv)
        return 0;
    int r = make_keyring(init);
    if (r == 0)
        r = complete_environment(init);
    if (r == 0)
        r = init_asked(init, enter_cwd(init), "process.cwd");
    if (r == 0)
        r = init_asked(init, find_program(init), "process.args[0]");
    return r == 0 ? init_files_open(init) : r;
}

static int confine(struct init *init)
{
    int r = init_files_limit(init);

    return r == 0 ? init_seccomp(init) : r;
}

int init_process_confine(struct init *init)
{
    const struct init_process *process = &init->plan->process;
    int r = 0;

    if (process->personality >= 0 && syscall(SYS_personality, process->personality) < 0)
        return init_asked(init, err_set(&init->err, -errno, "cannot set the personality"),
                          "linux.personality");
    /* The kernel reads one bit less than it is told of. */
    if (process->memory_policy >= 0 &&
        syscall(SYS_set_mempolicy, process->memory_policy,
                process->memory_node_count ? process->memory_nodes : NULL,
                process->memory_node_count ? process->memory_node_count + 1 : 0) < 0)
        return err_set(&init->err, -errno, "cannot set linux.memoryPolicy");
    if (process->huge_pages >= 0 && prctl(PR_SET_THP_DISABLE, 1, process->huge_pages, 0, 0) < 0)
        return err_set(&init->err, -errno, "cannot set the policy of huge pages");
    umask(process->umask >= 0 ? (mode_t)process->umask : 022);
    /* Without no_new_privs a filter needs CAP_SYS_ADMIN, which is about to go. */
    if (!process->no_new_privileges)
        r = confine(init);
    if (r == 0)
        r = init_capabilities(init);
    if (r == 0 && init->late_cwd)
        r = init_asked(init, enter_cwd(init), "process.cwd");
    if (r < 0)
        return r;
    if (!process->no_new_privileges)
        return 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_set(&init->err, -errno, "cannot set no_new_privs");
    return confine(init);
}

static int set_limits(struct init *init)
{
    const struct init_process *process = &init->plan->process;

    for (size_t i = 0; i < process->rlimit_count; i++) {
        const struct init_rlimit *limit = &process->rlimits[i];
        const struct rlimit both = {limit->soft, limit->hard};
        if (setrlimit(limit->resource, &both) < 0)
            return err_set(&init->err, -errno, "cannot set process.rlimits '%s' to %llu:%llu",
                           limit->name, (unsigned long long)limit->soft,
                           (unsigned long long)limit->hard);
    }
    return 0;
}

int init_process_execute(struct init *init)
{
    const struct init_process *process = &init->plan->process;
    int r = 0;

    if (!process->argv)
        return err_say(&init->err, -EINVAL,
                       "cannot start the container: config.json has no process");
    if (init->plan->start_container.count)
        r = init_hooks_run(init, &init->plan->start_container, "startContainer");
    if (r == 0)
        r = init_asked(init, set_label(init),
                       process->apparmor ? "process.apparmorProfile" : "process.selinuxLabel");
    if (r == 0)
        r = set_limits(init);
    if (r == 0 && !process->confined_wait)
        r = init_process_confine(init);
    if (r < 0)
        return r;
    execve(init->program, process->argv, init->envp);
    return init_asked(init, err_set(&init->err, -errno, "cannot execute '%s'", init->program),
                      "process.args[0]");
}
