/*
 * vireo bpf: the tools for authors of eBPF functions. They run compilers as the author, on the
 * author's own source: nothing of a tenant's is built here (a daemon builds from the module).
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/run_bpf.h"

#define FILES_MAX 64
#define ARGS_MAX (FILES_MAX + 24)

extern char **environ;

/* One build: the author's folder, and one of ours that goes with it. */
struct work {
    const char *source; /* the folder */
    char folder[64];    /* temporary */
    char include[PATH_MAX];
    char *guests[FILES_MAX];
    size_t guest_count;
    char *programs[FILES_MAX]; /* *.bpf.c */
    size_t program_count;
};

/* The signal that ends a build, and the tool that it ends with it: the folder is removed first. */
static volatile sig_atomic_t stopped_by;
static volatile pid_t running;

static void on_stop(int number)
{
    stopped_by = number;
    if (running > 0)
        kill(running, SIGTERM);
}

/* From here on these signals end the tool that runs, and the build fails. */
static void stop_in_order(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = on_stop};
    struct sigaction before;

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
}

/* The end that was asked for, when all is removed; else the exit code. */
static int stop_or(int exit)
{
    if (stopped_by != 0) {
        signal(stopped_by, SIG_DFL);
        raise(stopped_by);
    }
    return exit;
}

/* Runs a tool with its standard input and output in files; NULL: ours. What it says goes to
 * `said_fd`; -1: our standard error. */
static int tool_that_says(char *const *argv, const char *in, const char *out, int said_fd,
                          struct err *err)
{
    posix_spawn_file_actions_t actions;
    int status;
    pid_t child;

    if (stopped_by != 0)
        return err_say(err, -EINTR, "cannot build: interrupted");
    posix_spawn_file_actions_init(&actions);
    if (in)
        posix_spawn_file_actions_addopen(&actions, 0, in, O_RDONLY, 0);
    if (out)
        posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (said_fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, said_fd, 2);
    int r = -posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r < 0)
        return err_set(err, r, "cannot run '%s'", argv[0]);
    running = child;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return err_set(err, -errno, "cannot wait for '%s'", argv[0]);
    running = 0;
    if (WIFSIGNALED(status))
        return err_say(err, -EIO, "cannot build: %s was ended by signal %d (%s)", argv[0],
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_say(err, -EINVAL, "cannot build: %s failed", argv[0]);
    return 0;
}

static int tool(char *const *argv, const char *in, const char *out, struct err *err)
{
    return tool_that_says(argv, in, out, -1, err);
}

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), end_length = strlen(end);

    return length > end_length && strcmp(name + length - end_length, end) == 0;
}

static int add_file(struct work *work, const char *name, struct err *err)
{
    bool program = ends_with(name, ".bpf.c");
    char **files = program ? work->programs : work->guests;
    size_t *count = program ? &work->program_count : &work->guest_count;

    if (!ends_with(name, ".c"))
        return 0;
    if (*count == FILES_MAX)
        return err_say(err, -E2BIG, "cannot build '%s': more than %d files", work->source,
                       FILES_MAX);
    if (asprintf(&files[*count], "%s/%s", work->source, name) < 0)
        return err_set(err, -ENOMEM, "cannot build '%s'", work->source);
    (*count)++;
    return 0;
}

static void closedirp(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

static int list_files(struct work *work, struct err *err)
{
    _cleanup_(closedirp) DIR *directory = opendir(work->source);
    const struct dirent *entry;
    int r = 0;

    if (!directory && errno == ENOTDIR)
        return err_say(err, -ENOTDIR, "cannot build '%s': it is no folder and no .bpf.c file",
                       work->source);
    if (!directory)
        return err_set(err, -errno, "cannot read folder '%s'", work->source);
    while (r == 0 && (entry = readdir(directory)))
        r = add_file(work, entry->d_name, err);
    if (r == 0 && (work->program_count == 0 || work->guest_count == 0))
        return err_say(err, -EINVAL,
                       "cannot build '%s': it needs a *.bpf.c (the programs) and another .c (the "
                       "guest)",
                       work->source);
    return r;
}

/* vireo/bpf.h lies beside the programs' tree: in the sources' include, or the prefix's. */
static int find_include(struct work *work, struct err *err)
{
    static const char *const places[] = {"../include", "../../include"};
    _cleanup_(freep) char *program = cli_program_path("vireo-bpf");
    char header[PATH_MAX + 32];

    for (size_t i = 0; program && i < ARRAY_LEN(places); i++) {
        const char *slash = strrchr(program, '/');
        snprintf(work->include, sizeof work->include, "%.*s/%s", (int)(slash - program), program,
                 places[i]);
        snprintf(header, sizeof header, "%s/vireo/bpf.h", work->include);
        if (access(header, R_OK) == 0)
            return 0;
    }
    return err_say(err, -ENOENT, "cannot find 'vireo/bpf.h' beside '%s'",
                   program ? program : "vireo");
}

/* "dir/exec-snoop.bpf.c" is called exec_snoop. */
static void name_of(const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');

    snprintf(name, size, "%s", slash ? slash + 1 : path);
    name[strcspn(name, ".")] = '\0';
    for (char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at))
            *at = '_';
}

static int write_skeleton(const char *object, const char *name, const char *out, struct err *err)
{
    _cleanup_(freep) char *program = cli_program_path("vireo-bpf");
    char *argv[] = {program, (char[]){"skel"}, (char *)(uintptr_t)name, NULL};

    if (!program)
        return err_set(err, -ENOMEM, "cannot run vireo-bpf");
    /* It says why, on one line. */
    _cleanup_(closep) int said = memfd_create("said", MFD_CLOEXEC);
    if (said < 0)
        return err_set(err, -errno, "cannot run vireo-bpf");
    char cause[256] = "";
    int r = tool_that_says(argv, object, out, said, NULL);
    if (r == -EIO)
        return err_say(err, r, "cannot make the skeleton of '%s': it ended libbpf, which reads it",
                       object);
    if (r < 0) {
        if (pread(said, cause, sizeof cause - 1, 0) < 0)
            cause[0] = '\0';
        cause[strcspn(cause, "\n")] = '\0';
        return err_say(err, -EINVAL, "cannot make the skeleton of '%s': %s", object,
                       cause[0] ? cause : "vireo-bpf failed");
    }
    return 0;
}

static int open_folder(struct work *work, struct err *err)
{
    stop_in_order();
    snprintf(work->folder, sizeof work->folder, "/tmp/vireo-bpf.XXXXXX");
    if (mkdtemp(work->folder))
        return 0;
    work->folder[0] = '\0';
    return err_set(err, -errno, "cannot make a folder in '/tmp'");
}

static int write_kernel_types(const struct work *work, struct err *err)
{
    char path[PATH_MAX], own[PATH_MAX];
    char *argv[] = {(char[]){"bpftool"},
                    (char[]){"btf"},
                    (char[]){"dump"},
                    (char[]){"file"},
                    (char[]){"/sys/kernel/btf/vmlinux"},
                    (char[]){"format"},
                    (char[]){"c"},
                    NULL};

    /* The author's own goes before this machine's. */
    snprintf(own, sizeof own, "%s/vmlinux.h", work->source);
    snprintf(path, sizeof path, "%s/vmlinux.h", work->folder);
    return access(own, R_OK) == 0 ? 0 : tool(argv, NULL, path, err);
}

static int compile_program(const struct work *work, char *source, const char *out, struct err *err)
{
    char *folder = (char *)(uintptr_t)work->folder, *own = (char *)(uintptr_t)work->source;
    char *object = (char *)(uintptr_t)out;
    char *compile[] = {(char[]){"clang"}, (char[]){"-g"}, (char[]){"-O2"}, (char[]){"-target"},
                       (char[]){"bpf"}, (char[]){"-D__TARGET_ARCH_x86"}, (char[]){"-Wall"},
                       /* Some headers of the kernel want those of the machine. */
                       (char[]){"-I"}, own, (char[]){"-I"}, folder, (char[]){"-idirafter"},
                       (char[]){"/usr/include/x86_64-linux-gnu"}, (char[]){"-c"}, source,
                       (char[]){"-o"}, object, NULL};
    char *strip[] = {(char[]){"llvm-strip"}, (char[]){"-g"}, object, NULL};

    int r = tool(compile, NULL, NULL, err);
    /* Of DWARF: the type information stays. */
    return r < 0 ? r : tool(strip, NULL, NULL, err);
}

static int build_program(const struct work *work, char *source, struct err *err)
{
    char name[128], object[PATH_MAX], skeleton[PATH_MAX];

    name_of(source, name, sizeof name);
    snprintf(object, sizeof object, "%s/%s.bpf.o", work->folder, name);
    snprintf(skeleton, sizeof skeleton, "%s/%s.skel.h", work->folder, name);
    int r = compile_program(work, source, object, err);
    return r < 0 ? r : write_skeleton(object, name, skeleton, err);
}

static int build_guest(struct work *work, const char *out, struct err *err)
{
    char *argv[ARGS_MAX];
    size_t count = 0;
    char *fixed[] = {(char[]){"clang"}, (char[]){"--target=wasm32-wasi"},
                     (char[]){"-O2"},   (char[]){"-Wall"},
                     (char[]){"-I"},    (char *)(uintptr_t)work->source,
                     (char[]){"-I"},    work->folder,
                     (char[]){"-I"},    work->include,
                     (char[]){"-o"},    (char *)(uintptr_t)out};

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        argv[count++] = fixed[i];
    for (size_t i = 0; i < work->guest_count; i++)
        argv[count++] = work->guests[i];
    argv[count] = NULL;
    return tool(argv, NULL, NULL, err);
}

static void work_clear(struct work *work)
{
    _cleanup_(closedirp) DIR *directory = work->folder[0] ? opendir(work->folder) : NULL;
    const struct dirent *entry;

    while (directory && (entry = readdir(directory)))
        (void)unlinkat(dirfd(directory), entry->d_name, 0); /* "." and ".." refuse */
    if (work->folder[0])
        rmdir(work->folder);
    for (size_t i = 0; i < work->guest_count; i++)
        free(work->guests[i]);
    for (size_t i = 0; i < work->program_count; i++)
        free(work->programs[i]);
}

static int build(struct work *work, const char *out, struct err *err)
{
    int r = list_files(work, err);

    if (r == 0)
        r = find_include(work, err);
    if (r < 0)
        return r;
    r = open_folder(work, err);
    if (r == 0)
        r = write_kernel_types(work, err);
    for (size_t i = 0; i < work->program_count && r == 0; i++)
        r = build_program(work, work->programs[i], err);
    return r < 0 ? r : build_guest(work, out, err);
}

/* With its slash, or ".". */
static void folder_of(const char *path, char folder[static PATH_MAX])
{
    const char *slash = strrchr(path, '/');

    snprintf(folder, PATH_MAX, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
}

/* NAME.bpf.o of one NAME.bpf.c, for guests that are not in C. */
static int build_object(struct work *work, char *source, const char *out, struct err *err)
{
    char folder[PATH_MAX];

    folder_of(source, folder);
    work->source = folder;
    int r = open_folder(work, err);
    if (r == 0)
        r = write_kernel_types(work, err);
    return r < 0 ? r : compile_program(work, source, out, err);
}

/* Said by us and before the work, not by a linker behind it. */
static bool can_write(const char *path, struct err *err)
{
    char folder[PATH_MAX];

    folder_of(path, folder);
    if (access(folder, W_OK | X_OK) == 0)
        return true;
    err_set(err, -errno, "cannot write '%s'", path);
    return false;
}

static int verb_object(char *source, const char *out)
{
    _cleanup_(work_clear) struct work work = {0};
    const char *slash = strrchr(source, '/');
    char name[PATH_MAX];
    struct err err = {0};

    snprintf(name, sizeof name, "%s", slash ? slash + 1 : source);
    name[strlen(name) - 1] = 'o';
    const char *to = out ? out : name;
    if (!can_write(to, &err) || build_object(&work, source, to, &err) < 0)
        return cli_error(&err, NULL);
    if (!cli.quiet)
        printf("%s\n", to);
    return CLI_OK;
}

static int verb_build(int words, char **argv, const char *out)
{
    _cleanup_(work_clear) struct work work = {0};
    char name[PATH_MAX];
    struct err err = {0};

    if (words != 1)
        return cli_usage("bpf", "build needs a folder, or a .bpf.c file");
    if (ends_with(argv[0], ".bpf.c"))
        return verb_object(argv[0], out);
    size_t length = strlen(argv[0]);
    while (length > 1 && argv[0][length - 1] == '/')
        argv[0][--length] = '\0';
    work.source = argv[0];
    const char *slash = strrchr(argv[0], '/');
    snprintf(name, sizeof name, "%s.wasm", slash ? slash + 1 : argv[0]);
    const char *to = out ? out : name;
    if (!can_write(to, &err) || build(&work, to, &err) < 0)
        return cli_error(&err, NULL);
    if (!cli.quiet)
        printf("%s\n", to);
    return CLI_OK;
}

static int verb_skel(int words, char **argv, const char *out)
{
    struct err err = {0};
    char name[128];

    if (words != 1)
        return cli_usage("bpf", "skel needs an object");
    if (access(argv[0], R_OK) < 0) {
        err_set(&err, -errno, "cannot open '%s'", argv[0]);
        return cli_error(&err, NULL);
    }
    name_of(argv[0], name, sizeof name);
    return write_skeleton(argv[0], name, out, &err) < 0 ? cli_error(&err, NULL) : CLI_OK;
}

/* As `vireo run` with the grant: the module and what follows are its own. */
static int verb_run(int argc, char **argv, bool host, const char *events)
{
    char *args[ARGS_MAX + 4] = {(char[]){"run"}, (char[]){"--grant"},
                                host ? (char[]){"bpf=host"} : (char[]){"bpf"}};
    int count = 3;

    if (argc == 0)
        return cli_usage("bpf", "run needs a module");
    /* Before or right behind the module; what follows is the module's. */
    if (!events && argc >= 2 && strcmp(argv[1], "--events") == 0) {
        if (argc < 3)
            return cli_usage("bpf", "--events needs a format: json");
        events = argv[2];
        argv[2] = argv[0];
        argv += 2;
        argc -= 2;
    }
    if (events && strcmp(events, "json") != 0)
        return cli_usage("bpf", "--events %s: the format is json", events);
    if (events)
        run_bpf_show_events();
    if (argc > ARGS_MAX)
        return cli_usage("bpf", "run: too many words");
    for (int i = 0; i < argc; i++)
        args[count++] = argv[i];
    return cli_run(count, args);
}

int cli_bpf(int argc, char **argv)
{
    const char *out = NULL, *events = NULL;
    bool host = false;
    const struct cli_option options[] = {{.name = "--out", .letter = 'o', .text = &out},
                                         {.name = "--events", .text = &events},
                                         {.name = "--host", .flag = &host}};
    int words, exit;

    /* Before the word; what stands behind it is the word's. */
    if (!cli_options(argc, argv, options, ARRAY_LEN(options), CLI_STOP_AT_FIRST, &words, &exit))
        return exit;
    argc = words + 1;
    if (words == 0)
        return cli_usage("bpf", "it needs one of: build, skel, run");
    bool run = strcmp(argv[1], "run") == 0;
    if (!cli_options(argc - 1, argv + 1, options, ARRAY_LEN(options), run ? CLI_STOP_AT_FIRST : 0,
                     &words, &exit))
        return exit;
    if (run)
        return verb_run(words, argv + 2, host, events);
    if (strcmp(argv[1], "build") == 0)
        return stop_or(verb_build(words, argv + 2, out));
    if (strcmp(argv[1], "skel") == 0)
        return verb_skel(words, argv + 2, out);
    return cli_usage("bpf", "it is one of: build, skel, run");
}
