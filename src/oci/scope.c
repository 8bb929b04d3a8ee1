/* Scopes of systemd: see scope.h. The properties are those of systemd.resource-control(5). */
#include "oci/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/groups.h"
#include "oci/privilege.h"

#define BUSCTL "/usr/bin/busctl"
#define WORDS_MAX 1200
#define PROPERTY_PREFIX "org.systemd.property."
#define START_SECONDS 20
#define ANSWER_SECONDS 15

/* A command line that grows; its words are the list's own. */
struct words {
    char *list[WORDS_MAX + 1];
    size_t count;
    unsigned properties; /* how many were added */
    bool failed;
};

__attribute__((format(printf, 2, 3))) static void add(struct words *words, const char *format, ...)
{
    va_list args;

    if (words->count == WORDS_MAX) {
        words->failed = true;
        return;
    }
    va_start(args, format);
    if (vasprintf(&words->list[words->count], format, args) < 0)
        words->failed = true;
    else
        words->count++;
    va_end(args);
}

static void words_free(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->list[i]);
}

/* The user's own systemd for all but root. */
static void words_open(struct words *words)
{
    *words = (struct words){0};
    add(words, "busctl");
    add(words, oci_is_root() ? "--system" : "--user");
    add(words, "--quiet");
    add(words, "call");
    add(words, "org.freedesktop.systemd1");
    add(words, "/org/freedesktop/systemd1");
    add(words, "org.freedesktop.systemd1.Manager");
}

static void add_number(struct words *words, const char *name, uint64_t value)
{
    add(words, "%s", name);
    add(words, "t");
    add(words, "%" PRIu64, value);
    words->properties++;
}

static void add_bool(struct words *words, const char *name, bool value)
{
    add(words, "%s", name);
    add(words, "b");
    add(words, value ? "true" : "false");
    words->properties++;
}

static void add_string(struct words *words, const char *name, const char *value)
{
    add(words, "%s", name);
    add(words, "s");
    add(words, "%s", value);
    words->properties++;
}

static void close_output(int fds[2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static int spawn_busctl(char *const *argv, int output, pid_t *ret_pid)
{
    pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
            dup2(output, STDERR_FILENO) >= 0 && syscall(SYS_close_range, 3, ~0u, 0) == 0)
            execve(BUSCTL, argv, environ);
        _exit(127);
    }
    *ret_pid = pid;
    return 0;
}

/* What busctl says up to its end; -ETIMEDOUT: it waits for a bus that does not answer, for which it
 * has no limit of its own before it is connected. */
static ssize_t hear(int fd, char *said, size_t size)
{
    const int64_t deadline = clock_now_ns() + ANSWER_SECONDS * 1000000000ll;
    struct pollfd output = {.fd = fd, .events = POLLIN};
    size_t used = 0;

    while (used < size) {
        const int64_t left_ms = (deadline - clock_now_ns()) / 1000000;
        const int r = left_ms <= 0 ? 0 : poll(&output, 1, (int)left_ms);
        if (r == 0)
            return -ETIMEDOUT;
        ssize_t n = r < 0 ? -1 : read(fd, said + used, size - used);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        used += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)used;
}

/* Calls, and waits for the answer. What busctl says of a failure is the message. */
static int call(struct words *words, const char *what, struct err *err)
{
    char said[512];
    int fds[2] = {-1, -1}, status = 0;
    pid_t pid = 0;

    if (words->failed)
        return err_say(err, -E2BIG, "cannot %s: its properties are too many", what);
    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_set(err, -errno, "cannot %s", what);
    int r = spawn_busctl(words->list, fds[1], &pid);
    if (r < 0) {
        close_output(fds);
        return err_set(err, r, "cannot %s: run '%s'", what, BUSCTL);
    }
    close(fds[1]);
    fds[1] = -1;
    ssize_t n = hear(fds[0], said, sizeof said - 1);
    close_output(fds);
    if (n == -ETIMEDOUT)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (n == -ETIMEDOUT)
        return err_say(err, -ETIMEDOUT, "cannot %s: systemd's bus does not answer", what);
    said[n > 0 ? n : 0] = '\0';
    said[strcspn(said, "\n")] = '\0';
    return err_say(err, -EIO, "cannot %s: %s", what, said[0] ? said : "busctl failed");
}

/* ---- names ---- */

static bool is_name(const char *text)
{
    return text[0] && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789:-_.\\@")] == '\0';
}

/* "SLICE:PREFIX:NAME", as engines write it; the scope is PREFIX-NAME.scope. */
static int parse_path(const char *wanted, const char *id, char *slice, size_t size,
                      char scope[OCI_SCOPE_MAX], struct err *err)
{
    const char *first = wanted && *wanted ? strchr(wanted, ':') : "";
    const char *second = first && *first ? strchr(first + 1, ':') : NULL;
    int n, m;

    if (first && !*first) {
        n = snprintf(slice, size, "%s", oci_is_root() ? "system.slice" : "user.slice");
        m = snprintf(scope, OCI_SCOPE_MAX, "vireo-%s.scope", id);
    } else if (!second) {
        return err_say(err, -EINVAL,
                       "cannot use linux.cgroupsPath '%s' with the systemd manager: it must be "
                       "SLICE:PREFIX:NAME",
                       wanted);
    } else {
        n = snprintf(slice, size, "%.*s", (int)(first - wanted), wanted);
        if (n == 0)
            n = snprintf(slice, size, "%s", oci_is_root() ? "system.slice" : "user.slice");
        m = snprintf(scope, OCI_SCOPE_MAX, "%.*s%s%s.scope", (int)(second - first - 1), first + 1,
                     second == first + 1 ? "" : "-", second + 1);
    }
    if (n < 0 || (size_t)n >= size || m < 0 || m >= OCI_SCOPE_MAX || !is_name(slice) ||
        !is_name(scope))
        return err_say(err, -EINVAL, "cannot use linux.cgroupsPath '%s': no names of units",
                       wanted ? wanted : id);
    return 0;
}

/* ---- properties ---- */

/* A hundredth of a processor is the least that systemd keeps of a quota. */
#define QUOTA_STEP_US 10000u

static void add_cpu(struct words *words, const struct oci_resources *resources, bool unified)
{
    const __typeof__(resources->cpu) *cpu = &resources->cpu;
    const uint64_t shares = cpu->shares.set ? cpu->shares.value : 0;

    if (shares && !unified)
        add_number(words, "CPUShares", shares < 2 ? 2 : shares > 262144 ? 262144 : shares);
    if (shares && unified)
        add_number(words, "CPUWeight",
                   1 + ((shares < 2        ? 2
                         : shares > 262144 ? 262144
                                           : shares) -
                        2) *
                           9999 / 262142);
    if (cpu->period.set && cpu->period.value)
        add_number(words, "CPUQuotaPeriodUSec", cpu->period.value);
    if (cpu->quota.set && cpu->quota.value > 0) {
        const uint64_t period = cpu->period.set && cpu->period.value ? cpu->period.value : 100000;
        uint64_t a_second = 0;
        if (__builtin_mul_overflow((uint64_t)cpu->quota.value, 1000000u, &a_second))
            return;
        a_second /= period;
        a_second += (QUOTA_STEP_US - a_second % QUOTA_STEP_US) % QUOTA_STEP_US;
        add_number(words, "CPUQuotaPerSecUSec", a_second);
    } else if (cpu->quota.set && cpu->quota.value < 0) {
        add_number(words, "CPUQuotaPerSecUSec", UINT64_MAX);
    }
}

static void add_limits(struct words *words, const struct oci_resources *resources, bool unified)
{
    const __typeof__(resources->memory) *memory = &resources->memory;

    if (memory->limit.set && memory->limit.value)
        add_number(words, unified ? "MemoryMax" : "MemoryLimit",
                   memory->limit.value < 0 ? UINT64_MAX : (uint64_t)memory->limit.value);
    if (unified && memory->reservation.set && memory->reservation.value > 0)
        add_number(words, "MemoryLow", (uint64_t)memory->reservation.value);
    add_cpu(words, resources, unified);
    if (resources->pids_limit.set && resources->pids_limit.value)
        add_number(words, "TasksMax",
                   resources->pids_limit.value < 0 ? UINT64_MAX
                                                   : (uint64_t)resources->pids_limit.value);
}

/* "org.systemd.property.NAME": a value as GVariant's text has it: 'text', true, uint64 5. */
static int add_annotation(struct words *words, const char *name, const char *value, struct err *err)
{
    static const struct {
        const char *word, *type;
    } types[] = {{"uint64 ", "t"}, {"int64 ", "x"}, {"uint32 ", "u"}, {"int32 ", "i"},
                 {"uint16 ", "q"}, {"int16 ", "n"}, {"byte ", "y"}};
    const size_t length = strlen(value);

    if (!is_name(name))
        return err_say(err, -EINVAL, "cannot set systemd's property '%s'", name);
    if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) {
        add_bool(words, name, value[0] == 't');
        return 0;
    }
    if (length >= 2 && (value[0] == '\'' || value[0] == '"') && value[length - 1] == value[0] &&
        memchr(value, '\\', length) == NULL) {
        add(words, "%s", name);
        add(words, "s");
        add(words, "%.*s", (int)length - 2, value + 1);
        words->properties++;
        return 0;
    }
    for (size_t i = 0; i <= ARRAY_LEN(types); i++) {
        const bool plain = i == ARRAY_LEN(types); /* a number alone is an int32 */
        const char *number = value;
        if (!plain && strncmp(value, types[i].word, strlen(types[i].word)) == 0)
            number += strlen(types[i].word);
        else if (!plain)
            continue;
        if (number[number[0] == '-'] == '\0' ||
            number[(number[0] == '-') + strspn(number + (number[0] == '-'), "0123456789")])
            break;
        add(words, "%s", name);
        add(words, "%s", plain ? "i" : types[i].type);
        add(words, "%s", number);
        words->properties++;
        return 0;
    }
    return err_say(err, -EINVAL, "cannot set systemd's property '%s' to '%.100s'", name, value);
}

static int add_annotations(struct words *words, const struct oci_config *config, struct err *err)
{
    const size_t prefix = strlen(PROPERTY_PREFIX);
    int r = 0;

    for (size_t i = 0; i < config->annotations.count && r == 0; i++) {
        const struct oci_pair *pair = &config->annotations.list[i];
        if (strncmp(pair->key, PROPERTY_PREFIX, prefix) == 0)
            r = add_annotation(words, pair->key + prefix, pair->value, err);
    }
    return r;
}

/* v1 and v2 have different properties; without a v1 tree of its own systemd is on v2. */
static bool is_unified(void)
{
    return access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
}

/*
 * A reload of systemd writes the groups of its units anew: what devices it would allow has to be
 * said, or it allows all. A list that denies after it allows has no words there, and is kept from
 * a reload by the filter on v2 alone.
 */
static void add_devices(struct words *words, const struct oci_resources *resources)
{
    struct cgroup_device_rule *rules;
    size_t count, used = 0;

    if (resources_device_rules(resources, &rules, &count) < 0) {
        words->failed = true;
        return;
    }
    bool all = false;
    for (size_t i = 1; i < count; i++) {
        used += rules[i].allow;
        all |= rules[i].allow && rules[i].type == 'a';
    }
    add_string(words, "DevicePolicy", all ? "auto" : "strict");
    if (all)
        count = used = 0;
    add(words, "DeviceAllow");
    add(words, "a(ss)");
    add(words, "%zu", used);
    words->properties++;
    for (size_t i = 1; i < count; i++) {
        const struct cgroup_device_rule *rule = &rules[i];
        const char *kind = rule->type == 'b' ? "block" : "char";
        if (!rule->allow)
            continue;
        if (rule->major < 0)
            add(words, "%s-*", kind);
        else if (rule->minor < 0)
            add(words, "%s-%" PRId64, kind, rule->major);
        else
            add(words, "/dev/%s/%" PRId64 ":%" PRId64, kind, rule->major, rule->minor);
        add(words, "%s%s%s", rule->read ? "r" : "", rule->write ? "w" : "", rule->mknod ? "m" : "");
    }
    free(rules);
}

/* ---- the scope ---- */

/* Sleeps until it is killed, or its parent has ended. */
static int hold(pid_t *ret_pid, struct err *err)
{
    const pid_t parent = getpid();
    pid_t pid = fork();

    if (pid < 0)
        return err_set(err, -errno, "cannot start the container's scope");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (getppid() != parent)
            _exit(0);
        syscall(SYS_close_range, 0, ~0u, 0);
        for (;;)
            pause();
    }
    *ret_pid = pid;
    return 0;
}

static void end_holder(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* The group of systemd's own tree that the process is in, when it is the scope's. */
static bool is_placed(pid_t pid, const char *scope, char *ret_path, size_t size)
{
    _cleanup_(freep) char *text = NULL;
    char file[64];
    size_t bytes;

    snprintf(file, sizeof file, "/proc/%d/cgroup", (int)pid);
    if (fd_read_file(AT_FDCWD, file, 1 << 20, &text, &bytes, NULL) < 0)
        return false;
    for (char *line = text, *rest; line && *line; line = rest) {
        rest = strchr(line, '\n');
        if (rest)
            *rest++ = '\0';
        char *path = strstr(line, ":name=systemd:/");
        path = path                            ? path + strlen(":name=systemd:")
               : strncmp(line, "0::/", 4) == 0 ? line + 3
                                               : NULL;
        const size_t length = path ? strlen(path) : 0, tail = strlen(scope);
        if (length > tail && path[length - tail - 1] == '/' &&
            strcmp(path + length - tail, scope) == 0 && length < size) {
            memcpy(ret_path, path, length + 1);
            return true;
        }
    }
    return false;
}

/* systemd answers when it has queued the job; the process is moved when that was done. */
static int wait_for_scope(pid_t pid, const char *scope, char *ret_path, size_t size,
                          struct err *err)
{
    const int64_t deadline = clock_now_ns() + START_SECONDS * 1000000000ll;
    struct timespec pause = {.tv_nsec = 300000};

    while (!is_placed(pid, scope, ret_path, size)) {
        if (clock_now_ns() > deadline)
            return err_say(err, -ETIMEDOUT, "cannot start scope '%s': systemd does not", scope);
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 20000000)
            pause.tv_nsec *= 2;
    }
    return 0;
}

static int start_unit(const struct oci_config *config, const char *id, const char *slice,
                      const char *scope, pid_t holder, struct err *err)
{
    const struct oci_resources *resources = &config->linux_.resources;
    _cleanup_(words_free) struct words words;
    char what[OCI_SCOPE_MAX + 32];

    words_open(&words);
    add(&words, "StartTransientUnit");
    add(&words, "ssa(sv)a(sa(sv))");
    add(&words, "%s", scope);
    add(&words, "fail");
    const size_t at = words.count;
    add(&words, "0");
    add(&words, "Description");
    add(&words, "s");
    add(&words, "vireo container %s", id);
    words.properties++;
    add_string(&words, "Slice", slice);
    add_bool(&words, "Delegate", true);
    add_bool(&words, "DefaultDependencies", false);
    add(&words, "PIDs");
    add(&words, "au");
    add(&words, "1");
    add(&words, "%d", (int)holder);
    words.properties++;
    add_limits(&words, resources, is_unified());
    if (oci_is_root())
        add_devices(&words, resources);
    int r = add_annotations(&words, config, err);
    if (r < 0)
        return r;
    free(words.list[at]);
    if (asprintf(&words.list[at], "%u", words.properties) < 0)
        return err_set(err, -ENOMEM, "cannot start scope '%s'", scope);
    add(&words, "0");
    snprintf(what, sizeof what, "start scope '%s'", scope);
    return call(&words, what, err);
}

int scope_start(const struct oci_config *config, const char *id, struct oci_place *place,
                pid_t *ret_holder, struct err *err)
{
    char slice[OCI_SCOPE_MAX], scope[OCI_SCOPE_MAX];
    pid_t holder = 0;

    int r = parse_path(config->linux_.cgroups_path, id, slice, sizeof slice, scope, err);
    if (r == 0)
        r = hold(&holder, err);
    if (r < 0)
        return r;
    r = start_unit(config, id, slice, scope, holder, err);
    if (r == 0) {
        strcpy(place->scope, scope);
        r = wait_for_scope(holder, scope, place->cgroup_path, sizeof place->cgroup_path, err);
    }
    if (r == 0) {
        *ret_holder = holder;
        return 0;
    }
    end_holder(holder);
    if (place->scope[0])
        scope_stop(place);
    place->scope[0] = place->cgroup_path[0] = '\0';
    return r;
}

int scope_go_below(struct err *err)
{
    _cleanup_(words_free) struct words words;
    char scope[OCI_SCOPE_MAX], path[OCI_CGROUP_PATH_MAX];
    const pid_t self = getpid();

    /* A pid is unique in its namespace alone, and one systemd may serve several. */
    snprintf(scope, sizeof scope, "vireo-runtime-%d-%" PRIx64 ".scope", (int)self,
             (uint64_t)clock_now_ns());
    words_open(&words);
    add(&words, "StartTransientUnit");
    add(&words, "ssa(sv)a(sa(sv))");
    add(&words, "%s", scope);
    add(&words, "fail");
    add(&words, "2");
    add_string(&words, "CollectMode", "inactive-or-failed");
    add(&words, "PIDs");
    add(&words, "au");
    add(&words, "1");
    add(&words, "%d", (int)self);
    add(&words, "0");
    int r = call(&words, "move below the user's own systemd", err);
    return r == 0 ? wait_for_scope(self, scope, path, sizeof path, err) : r;
}

int scope_update(const struct oci_place *place, const struct oci_resources *resources,
                 struct err *err)
{
    _cleanup_(words_free) struct words words;

    words_open(&words);
    add(&words, "SetUnitProperties");
    add(&words, "sba(sv)");
    add(&words, "%s", place->scope);
    add(&words, "true");
    const size_t at = words.count;
    add(&words, "0");
    add_limits(&words, resources, is_unified());
    if (words.properties == 0)
        return 0;
    free(words.list[at]);
    if (asprintf(&words.list[at], "%u", words.properties) < 0)
        return err_set(err, -ENOMEM, "cannot update scope '%s'", place->scope);
    return call(&words, "update the container's scope", err);
}

void scope_stop(const struct oci_place *place)
{
    static const char *const methods[] = {"StopUnit", "ResetFailedUnit"};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        _cleanup_(words_free) struct words words;
        words_open(&words);
        add(&words, "%s", methods[i]);
        add(&words, i == 0 ? "ss" : "s");
        add(&words, "%s", place->scope);
        if (i == 0)
            add(&words, "replace");
        call(&words, "stop the container's scope",
             NULL); /* it may be gone: it ends with its last */
    }
}
