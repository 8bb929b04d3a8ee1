/*
 * vireo run: one shot, without a daemon. The library is built (or verified), a template is started
 * for it, one instance is forked on this process's standard streams, and its exit status is ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build.h"
#include "cgroup/cgroup.h"
#include "cli/cli.h"
#include "cli/local_build.h"
#include "cli/options.h"
#include "cli/run_bpf.h"
#include "cli/run_optimise.h"
#include "cli/run.h"
#include "guest/template.h"
#include "pvm/pvm.h"
#include "vkernel/learn.h"

DEFINE_CLEANUP(struct pvm_template, pvm_template_free)

/* The only instance's name. */
#define RUN_ID 1

struct run {
    struct pvm_bounds bounds;            /* of a proved library */
    const char *memory, *cpus, *timeout; /* as given; NULL: not */
    struct cli_list env, directories, grants, keys;
    struct sign_trust trust; /* the keys */
    struct manifest manifest;
    bool quick; /* its library is of the first tier */
    int library_fd, signal_fd;
    struct run_bpf bpf;
    struct run_optimise optimise;
    struct cli_list words; /* options and file: with them it is optimised */
    bool prepare;          /* built, optimised, and not run */
    uid_t uid;
    bool rootless, interrupted;
    struct cgroup_root *groups;
    struct cgroup_pool *pool;
    struct cgroup *group;
    struct vk_learned *learned; /* vireo vk learn; NULL */
    int listener;               /* of its instance, then */
};

/* "HOST[::GUEST][:ro]": the user's own word, so the operator's allow_grants are not asked. */
static int grant_directory(struct manifest *manifest, const char *text, struct err *err)
{
    char copy[PATH_MAX];
    char host[PATH_MAX];

    snprintf(copy, sizeof copy, "%s", text);
    size_t length = strlen(copy);
    bool read_only = length > 3 && strcmp(copy + length - 3, ":ro") == 0;
    if (read_only)
        copy[length - 3] = '\0';
    char *guest = strstr(copy, "::");
    if (guest) {
        *guest = '\0';
        guest += 2;
    }
    if (!realpath(copy, host))
        return err_set(err, -errno, "cannot grant '%s'", copy);
    if (!guest)
        guest = copy[0] == '/' ? copy : host;
    return manifest_set_directory(manifest, host, guest, !read_only, err);
}

/*
 * --dir over the manifest's directories. What the manifest wants of the machine is its author's
 * wish, not ours: each must have been replaced.
 */
static int grant_directories(struct manifest *manifest, const struct cli_list *directories,
                             struct err *err)
{
    char wished[GRANT_FILES_MAX][sizeof manifest->files[0].host];
    uint32_t wishes = manifest->file_count;
    int r = 0;

    for (uint32_t i = 0; i < wishes; i++) {
        memcpy(wished[i], manifest->files[i].host, sizeof wished[i]);
        manifest->files[i].host[0] = '\0';
    }
    for (size_t i = 0; r == 0 && i < directories->count; i++)
        r = grant_directory(manifest, directories->items[i], err);
    for (uint32_t i = 0; r == 0 && i < wishes; i++) {
        if (wished[i][0] && !manifest->files[i].host[0])
            r = err_say(err, -EPERM,
                        "cannot run: its vireo.yaml asks for '%s' (grant it by --dir %s::%s)",
                        wished[i], wished[i], manifest->files[i].path);
    }
    return r;
}

/* --grant: one of those that are there or not. */
static int take_grant(const char *name, struct manifest *manifest, bool *fork, bool *ipc,
                      struct err *err)
{
    if (run_bpf_take_grant(name, manifest))
        return 0;
    if (strcmp(name, "fork") == 0)
        *fork = true;
    else if (strcmp(name, "ipc") == 0)
        *ipc = true;
    else
        return err_say(err, -EINVAL, "cannot grant '%s': it is bpf, bpf=host, fork or ipc", name);
    return 0;
}

/* Options over the manifest. A grant of the host's files in a manifest is the author's wish, not
 * ours. */
static int apply_options(struct manifest *manifest, void *user, struct err *err)
{
    const struct run *run = user;
    bool may_fork = false, may_ipc = false;
    int r = 0;

    if (manifest->listen_count > 0)
        return err_say(err, -EPERM, "cannot run: its vireo.yaml asks to listen on '%s' (deploy it)",
                       manifest->listen[0]);
    if (manifest->connect_count > 0)
        return err_say(err, -EPERM,
                       "cannot run: its vireo.yaml asks to connect to '%s' (deploy it)",
                       manifest->connect[0]);
    if (manifest->layers & ALLOW_BIT(ALLOW_PLATFORM))
        return err_say(err, -EPERM,
                       "cannot run: its vireo.yaml asks for the layer platform (deploy it)");
    bool asks_bpf = manifest->bpf.given, asks_host = manifest->bpf.host;
    manifest->bpf.given = manifest->bpf.host = 0;
    for (size_t i = 0; r == 0 && i < run->grants.count; i++)
        r = take_grant(run->grants.items[i], manifest, &may_fork, &may_ipc, err);
    if (r == 0 && ((asks_bpf && !manifest->bpf.given) || (asks_host && !manifest->bpf.host))) {
        const char *name = asks_host ? "bpf=host" : "bpf";
        r = err_say(err, -EPERM,
                    "cannot run: its vireo.yaml asks for '%s' (grant it by --grant %s)", name,
                    name);
    }
    if (r == 0 && ((manifest->fork && !may_fork) || (manifest->ipc && !may_ipc))) {
        const char *name = manifest->fork && !may_fork ? "fork" : "ipc";
        r = err_say(err, -EPERM,
                    "cannot run: its vireo.yaml asks for '%s' (grant it by --grant %s)", name,
                    name);
    }
    manifest->fork = may_fork;
    manifest->ipc = may_ipc;
    if (r == 0 && run->memory)
        r = manifest_set_memory(manifest, run->memory, err);
    if (r == 0 && run->cpus)
        r = manifest_set_cpus(manifest, run->cpus, err);
    if (r == 0 && run->timeout)
        r = manifest_set_timeout(manifest, run->timeout, err);
    else if (manifest->limits.timeout_ms == MANIFEST_TIMEOUT_MS)
        manifest->limits.timeout_ms = 0; /* the default is for calls over HTTP: a person can wait */
    for (size_t i = 0; r == 0 && i < run->env.count; i++)
        r = manifest_set_env(manifest, run->env.items[i], err);
    for (uint32_t i = 0; r == 0 && i < manifest->env_count; i++) {
        if (manifest->env[i].file[0])
            r = err_say(
                err, -EPERM,
                "cannot run: its vireo.yaml takes '%s' from '%s' (say it by --env %s=VALUE)",
                manifest->env[i].name, manifest->env[i].file, manifest->env[i].name);
    }
    return r < 0 ? r : grant_directories(manifest, &run->directories, err);
}

/* --key: whose libraries are run beside one's own. */
static int trust_keys(struct run *run, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < run->keys.count && r == 0; i++) {
        r = sign_trust_add(&run->trust, run->keys.items[i]);
        if (r < 0)
            err_say(err, r, "cannot trust key '%s': %s", run->keys.items[i],
                    r == -EINVAL ? "it has 64 hex digits" : "there are too many");
    }
    return r;
}

/* What the sandbox of proved code is made from; of other code all of it is 0. */
static void take_bounds(struct run *run, const struct library_note *note)
{
    run->bounds = (struct pvm_bounds){.stack_bytes = note->proof.stack_bytes,
                                      .static_bytes = note->proof.static_bytes,
                                      .cpu_ms = note->proof.cpu_ms,
                                      .grants = pvm_grants_called(note->calls)};
}

/* A library that was built before: its signature must be by our key, or one that we trust. */
static int take_library(struct run *run, const struct local_build *local, const char *path,
                        struct err *err)
{
    _cleanup_(freep) char *bytes = NULL;
    struct library_note note;
    size_t size = 0;
    size_t elf_size = 0;
    struct err reason = {0};

    int r = fd_read_file(AT_FDCWD, path, LIBRARY_MAX_BYTES, &bytes, &size, err);
    if (r < 0)
        return r;
    r = library_verify(local->key, bytes, size, &note, &elf_size, &reason);
    if (r == -EKEYREJECTED && run->trust.count > 0) {
        reason = (struct err){0};
        r = library_accept(local->key, &run->trust, bytes, size, &note, &elf_size, &reason);
    }
    if (r < 0)
        return err_say(err, r, "cannot run '%s': %s", path, reason.message);
    take_bounds(run, &note);
    manifest_default(&run->manifest);
    snprintf(run->manifest.name, sizeof run->manifest.name, "%s", note.name);
    r = apply_options(&run->manifest, run, err);
    if (r < 0)
        return r;
    /* What was checked is these bytes, and it is these that are mapped. */
    return fd_sealed_copy("vireo-library", bytes, size, &run->library_fd, err);
}

static int obtain(struct run *run, struct local_build *local, const char *file, struct err *err)
{
    size_t length = strlen(file);
    struct local_build_options options = {
        .source = file,
        .quiet = !cli.verbose,
        .override = apply_options,
        .user = run,
        .quick = !run->learned && !local->temporary && !run->prepare,
        .stop_fd = run->signal_fd,
        .trust = run->trust.count > 0 ? &run->trust : NULL,
    };

    if (length > 3 && strcmp(file + length - 3, ".so") == 0)
        return take_library(run, local, file, err);
    int r = local_build(local, &options, err);
    if (r < 0)
        return r;
    run->manifest = local->result.manifest;
    run->quick = local->result.quick;
    take_bounds(run, &local->result.note);
    if (run->quick)
        run_optimise_want(&run->optimise, local->state_dir);
    return fd_sealed_copy("vireo-library", local->result.library, local->result.size,
                          &run->library_fd, err);
}

/*
 * A group with the limits. An ordinary user has one only below a delegated group: the guest's own
 * bound on memory and our clock stand without it, and what does not is said.
 */
static int enter_group(struct run *run, struct err *err)
{
    char name[64];
    struct err group_err = {0};
    const char *missing[4];
    unsigned missing_count = 0;
    struct cgroup_limits limits;

    int r = pvm_limits(&run->manifest, ".", &limits, err);
    if (r < 0)
        return r;
    snprintf(name, sizeof name, "vireo/run-%d", (int)getpid());
    r = cgroup_root_open(name, &run->groups, &group_err);
    if (r == 0 && run->rootless)
        missing_count = cgroup_limits_clip(run->groups, &limits, missing);
    for (unsigned i = 0; i < missing_count && !cli.quiet; i++)
        fprintf(stderr,
                "vireo: the limit of %s is not enforced by a control group: that needs one "
                "delegated to this user\n",
                missing[i]);
    if (r == 0)
        r = cgroup_pool_new(run->groups, 0, &run->pool, &group_err);
    if (r == 0)
        r = cgroup_pool_take(run->pool, &limits, &run->group, &group_err);
    if (r == 0)
        return 0;
    if (!run->rootless)
        return err_say(err, r, "%s", group_err.message);
    if (!cli.quiet)
        fprintf(stderr,
                "vireo: limits of CPU, processes and memory outside of the program need a "
                "delegated control group (%s); time and WebAssembly memory are limited\n",
                group_err.message);
    return 0;
}

static void leave_group(struct run *run)
{
    if (run->group)
        cgroup_pool_put(run->pool, run->group, true);
    cgroup_pool_free(run->pool);
    cgroup_root_close(run->groups);
}

/* The exit code for how the instance ended, with a line when it was not its own doing. */
static int outcome(const struct run *run, int status, bool timed_out)
{
    struct cgroup_events events = {0};
    char memory[32];

    if (timed_out) {
        fprintf(stderr, "vireo: time limit %u ms reached\n", run->manifest.limits.timeout_ms);
        return CLI_LIMIT;
    }
    if (WIFEXITED(status)) {
        if (WEXITSTATUS(status) != GUEST_EXIT_SETUP)
            return WEXITSTATUS(status);
        fputs("vireo: cannot run: the instance could not drop its rights\n", stderr);
        return CLI_BUG;
    }
    if (WTERMSIG(status) == SIGKILL && run->group && cgroup_read_events(run->group, &events) == 0 &&
        events.oom_kills) {
        manifest_bytes_text(run->manifest.limits.memory_bytes, memory, sizeof memory);
        fprintf(stderr, "vireo: memory limit %s reached\n", memory);
        return CLI_LIMIT;
    }
    if (WTERMSIG(status) == SIGSYS)
        fputs("vireo: a system call that it may not make\n", stderr);
    else
        fprintf(stderr, "vireo: crashed: signal %d (%s)\n", WTERMSIG(status),
                strsignal(WTERMSIG(status)));
    return 128 + WTERMSIG(status);
}

/* Milliseconds until `deadline_ns` for poll(2); -1: none. */
static int left_ms(int64_t deadline_ns)
{
    if (deadline_ns == 0)
        return -1;
    int64_t left = (deadline_ns - clock_now_ns() + 999999) / 1000000;
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* What would end us is read instead, so that the group is removed first. -errno. */
static int catch_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGQUIT);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

/* A signal that asks us to end. */
static bool take_signal(struct run *run, int *ret_exit)
{
    struct signalfd_siginfo signal;

    if (read(run->signal_fd, &signal, sizeof signal) != sizeof signal)
        return false;
    *ret_exit = 128 + (int)signal.ssi_signo;
    run->interrupted = true;
    return true;
}

/* Waits for the instance's end, and ends it at its time limit or when we are told to end. */
static int wait_end(struct run *run, struct pvm_template *template, int *ret_exit, struct err *err)
{
    uint32_t timeout_ms = run->manifest.limits.timeout_ms;
    int64_t deadline_ns = timeout_ms ? clock_now_ns() + (int64_t)timeout_ms * 1000000 : 0;
    bool timed_out = false;
    int listener = run->listener; /* -1: nobody is listened to, or is left to be */

    for (;;) {
        struct pollfd poll_fds[] = {{.fd = pvm_template_fd(template), .events = POLLIN},
                                    {.fd = run->signal_fd, .events = POLLIN},
                                    {.fd = listener, .events = POLLIN}};
        struct pvm_event event;
        int n = poll(poll_fds, ARRAY_LEN(poll_fds), left_ms(deadline_ns));
        if (n > 0 && take_signal(run, ret_exit))
            return 0; /* the template dies with us */
        if (n < 0 && errno != EINTR)
            return err_set(err, -errno, "cannot wait for the instance");
        if (n > 0 && poll_fds[2].revents &&
            (!(poll_fds[2].revents & POLLIN) || vk_learned_step(run->learned, listener) == -EPIPE))
            listener = -1;
        if (n == 0 && !timed_out) {
            timed_out = true;
            deadline_ns = 0;
            pvm_kill(template, RUN_ID);
        }
        while (n > 0 && pvm_template_read(template, &event) == 1) {
            if (event.type == PVM_NOT_STARTED)
                return err_set(err, event.error, "cannot start the instance");
            if (event.type == PVM_TEMPLATE_GONE)
                return err_say(err, -EPIPE, "cannot run: the template ended");
            if (event.type == PVM_ENDED) {
                *ret_exit = outcome(run, event.status, timed_out);
                return 0;
            }
        }
    }
}

/* It waits in its first call until its listener is taken. */
static int listen_to(struct run *run, const struct pvm_template *template, struct err *err)
{
    struct pollfd ended = {.fd = pvm_template_fd(template), .events = POLLIN};
    pid_t pid;
    int r;

    do {
        r = pvm_template_child(template, &pid);
        if (r == 0)
            r = vk_listener_take(pid, &run->listener);
        /* What the template says, wait_end() reads. */
    } while ((r == -EAGAIN || r == -ESRCH) && poll(&ended, 1, 1) == 0);
    return r < 0 && ended.revents == 0 ? err_set(err, r, "cannot listen to the instance") : 0;
}

static int start_and_wait(struct run *run, const char *const *args, size_t arg_count, int *ret_exit,
                          struct err *err)
{
    _cleanup_(freep) char *guest = cli_program_path("vireo-guest");
    _cleanup_(pvm_template_freep) struct pvm_template *template = NULL;
    static const int stdio[] = {0, 1, 2};

    if (!guest)
        return err_set(err, -ENOMEM, "cannot run");
    _cleanup_(closep) int guest_fd = open(guest, O_RDONLY | O_CLOEXEC);
    if (guest_fd < 0)
        return err_set(err, -errno, "cannot open program '%s'", guest);
    struct pvm_template_options options = {
        .quick = run->quick,
        .bounds = run->bounds.cpu_ms ? &run->bounds : NULL,
        .function = run->manifest.name,
        .manifest = &run->manifest,
        .guest_program_fd = guest_fd,
        .library_fd = run->library_fd,
        .uid = run->uid,
        .rootless = run->rootless,
        .real_stdio = true,
        .learn = run->learned != NULL,
        .args = args,
        .arg_count = arg_count,
        .group = run->group,
    };
    int r = run_bpf_pair(&run->bpf, &run->manifest, run->group, err);
    if (r == 0)
        r = pvm_template_new(&options, &template, err);
    if (r < 0)
        return r;
    /* It stays in the template's group: the two are one run. */
    struct pvm_fork_options fork = {.id = RUN_ID, .stdio = stdio, .bpf = run->bpf.socket};
    r = pvm_fork(template, &fork, err);
    if (r < 0)
        return r;
    /* The instance's alone from here on: when it ends, so does its session. */
    if (run->bpf.socket >= 0)
        close(run->bpf.socket);
    run->bpf.socket = -1;
    if (run->learned)
        r = listen_to(run, template, err);
    run_optimise_start(&run->optimise, &run->words);
    return r < 0 ? r : wait_end(run, template, ret_exit, err);
}

static bool wants_bpf(const struct cli_list *grants)
{
    struct manifest scratch = {0};
    bool wants = false;

    for (size_t i = 0; i < grants->count; i++)
        wants |= run_bpf_take_grant(grants->items[i], &scratch);
    return wants;
}

static int run_file(struct run *run, int argc, char **argv, int *ret_exit, struct err *err)
{
    struct local_build local = {0};
    _cleanup_(closep) int uid_lock = -1;
    const char *args[RUN_ARGS_MAX];

    if (argc > RUN_ARGS_MAX)
        return err_say(err, -E2BIG, "cannot run '%s': %d arguments at most", argv[0], RUN_ARGS_MAX);
    /* The program's name is its file's, as other runners have it: where it is is not its business.
     */
    args[0] = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    for (int i = 1; i < argc; i++)
        args[i] = argv[i];
    run->rootless = geteuid() != 0;
    run->uid = geteuid();
    run->signal_fd = catch_signals();
    int r = run->signal_fd < 0 ? err_set(err, run->signal_fd, "cannot wait for signals")
                               : trust_keys(run, err);
    if (r == 0 && wants_bpf(&run->grants) && !run->prepare)
        r = run_bpf_start(&run->bpf, run->rootless, err);
    if (r == 0)
        r = local_build_open(&local, err);
    if (r == 0)
        r = obtain(run, &local, argv[0], err);
    local_build_close(&local);
    if (r == -ECANCELED && take_signal(run, ret_exit))
        r = 0;
    if (run->prepare)
        goto out;
    if (r == 0 && !run->interrupted && !run->rootless)
        r = pvm_uid_take(&run->uid, &uid_lock, err);
    if (r == 0 && !run->interrupted)
        r = enter_group(run, err);
    if (r == 0 && !run->interrupted)
        r = start_and_wait(run, args, (size_t)argc, ret_exit, err);
    run_bpf_end(&run->bpf);
    leave_group(run);
    if (r == 0 && !run->interrupted)
        run_optimise_wait(&run->optimise, run->signal_fd);
out:
    run_optimise_end(&run->optimise);
    closep(&run->library_fd);
    closep(&run->signal_fd);
    closep(&run->listener);
    return r;
}

static void put_words(struct run *run, int argc, char **argv)
{
    for (int i = 1; i < argc && run->words.count < CLI_LIST_MAX; i++)
        run->words.items[run->words.count++] = argv[i];
}

/* With `learned`: what it did is counted there, and *ret_exit is the run's. */
static int run_words(int argc, char **argv, struct vk_learned *learned, int *ret_exit)
{
    struct run run = {.library_fd = -1,
                      .signal_fd = -1,
                      .listener = -1,
                      .learned = learned,
                      .optimise = RUN_OPTIMISE_NONE,
                      .bpf = RUN_BPF_NONE};
    const struct cli_option options[] = {
        {.name = "--memory", .text = &run.memory},   {.name = "--cpus", .text = &run.cpus},
        {.name = "--timeout", .text = &run.timeout}, {.name = "--env", .list = &run.env},
        {.name = "--dir", .list = &run.directories}, {.name = "--grant", .list = &run.grants},
        {.name = "--key", .list = &run.keys},        {.name = "--prepare", .flag = &run.prepare},
    };
    struct err err = {0};
    int words, exit;

    put_words(&run, argc, argv); /* before the words are moved */
    if (!cli_options(argc, argv, options, ARRAY_LEN(options), CLI_STOP_AT_FIRST, &words, &exit))
        return exit;
    if (words == 0)
        return cli_usage("run", "it needs a file");
    if (run_file(&run, words, argv + 1, ret_exit, &err) < 0)
        return cli_error(&err, NULL);
    return CLI_OK;
}

int cli_run(int argc, char **argv)
{
    int exit = CLI_OK;
    int r = run_words(argc, argv, NULL, &exit);

    return r != CLI_OK ? r : exit;
}

int run_learn(int argc, char **argv, struct vk_learned *learned, int *ret_exit)
{
    return run_words(argc, argv, learned, ret_exit);
}
