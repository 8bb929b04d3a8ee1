/*
 * Blanks: templates that have a wall and no library. Each fork of one becomes an instance of the
 * function whose set-up it finds in its socket, so one process serves many functions, and a start
 * links. Who shares one shares a uid and namespaces, never an address space: `wall` is the hash of
 * all that the wall is made of, and of whose functions they are. What can't be another function's
 * (its folders to write, its secrets, its listening sockets) makes a wall that is its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/manifest.h"
#include "pvm/template_internal.h"

/* Of one blank; beyond it instances that should be reused are fresh forks. */
#define KEEPERS_MAX 256

/* A place where instances live one after another: guest/template.h, struct guest_keep. */
struct keeper {
    int socket;
    bool busy, used;
    uint64_t id; /* of the instance that is there, or was */
};

struct blank {
    struct blank *next;
    /* Of the thread that forks and reads. */
    struct keeper keepers[KEEPERS_MAX];
    unsigned keeper_count;
    uint8_t wall[PVM_WALL_BYTES];
    int64_t started_ns;
    struct pvm_template *template; /* the process */
    int uid_lock;
    struct cgroup *group;
    void (*group_done)(struct cgroup *group, void *user);
    void *user;
    unsigned users; /* templates of functions */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list and all counts */
static struct blank *blanks;

static void blank_free(struct blank *blank)
{
    if (!blank)
        return;
    pvm_template_free(blank->template);
    for (unsigned i = 0; i < blank->keeper_count; i++)
        close(blank->keepers[i].socket);
    if (blank->group)
        blank->group_done(blank->group, blank->user);
    closep(&blank->uid_lock);
    free(blank);
}

DEFINE_CLEANUP(struct blank, blank_free)

static struct blank *find(const uint8_t wall[static PVM_WALL_BYTES], int64_t age_ns)
{
    for (struct blank *blank = blanks; blank; blank = blank->next)
        if (memcmp(blank->wall, wall, PVM_WALL_BYTES) == 0 && !blank->template->gone &&
            clock_now_ns() - blank->started_ns < age_ns)
            return blank;
    return NULL;
}

/* A new one: as a uid that is nobody's, or the function's where nobody else can have the wall. */
static int start(const struct pvm_template_options *options,
                 const uint8_t wall[static PVM_WALL_BYTES], struct blank **ret_blank,
                 struct err *err)
{
    _cleanup_(blank_freep) struct blank *blank = calloc(1, sizeof *blank);
    _cleanup_(freep) struct manifest *manifest = malloc(sizeof *manifest);
    struct pvm_template_options bare = *options;

    if (!blank || !manifest)
        return err_set(err, -ENOMEM, "cannot start a blank for '%s'", options->function);
    blank->uid_lock = -1;
    *manifest = *options->manifest;
    manifest->dependency_count = 0;
    if (!options->own_wall)
        manifest->env_count = 0;
    bare.manifest = manifest;
    bare.arg_count = 0;
    bare.blank = true;
    bare.function = "blank";
    int r = options->own_wall ? 0 : pvm_uid_take(&bare.uid, &blank->uid_lock, err);
    if (r == 0)
        r = pvm_template_new(&bare, &blank->template, err);
    if (r < 0)
        return r;
    blank->group = options->group;
    blank->group_done = options->group_done;
    blank->user = options->user;
    memcpy(blank->wall, wall, PVM_WALL_BYTES);
    blank->started_ns = clock_now_ns();
    *ret_blank = steal_ptr(&blank);
    return 0;
}

/* What its forks are sent is made once. */
static int fill(struct pvm_template *template, const struct pvm_template_options *options,
                struct err *err)
{
    template->setup = calloc(1, sizeof *template->setup);
    if (!template->setup)
        return err_set(err, -ENOMEM, "cannot start template of '%s'", options->function);
    int r = template_setup_fill(template->setup, options, err);
    for (uint32_t i = 0; r == 0 && i <= options->manifest->dependency_count; i++) {
        int fd = i == 0 ? options->library_fd : options->dependencies[i - 1];
        template->fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (template->fds[i] < 0)
            return err_set(err, -errno, "cannot start template of '%s'", options->function);
        template->fd_count++;
    }
    return r;
}

DEFINE_CLEANUP(struct pvm_template, pvm_template_free)

int pvm_template_blank(const struct pvm_template_options *options,
                       const uint8_t wall[static PVM_WALL_BYTES], int64_t age_ns,
                       struct pvm_template **ret_template, struct err *err)
{
    _cleanup_(pvm_template_freep) struct pvm_template *template = calloc(1, sizeof *template);
    struct blank *blank = NULL;
    bool group_used = false;
    int r = 0;

    if (!template) {
        if (options->group)
            options->group_done(options->group, options->user);
        return err_set(err, -ENOMEM, "cannot start template of '%s'", options->function);
    }
    template->control = template->process.pidfd = -1;
    pthread_mutex_lock(&lock);
    blank = find(wall, age_ns);
    if (!blank) {
        r = start(options, wall, &blank, err);
        if (r == 0) {
            blank->next = blanks;
            blanks = blank;
            group_used = true;
        }
    }
    if (r == 0) {
        blank->users++;
        template->blank = blank;
        template->reuse = options->reuse;
        template->control = fcntl(blank->template->control, F_DUPFD_CLOEXEC, 0);
    }
    pthread_mutex_unlock(&lock);
    if (!group_used && options->group)
        options->group_done(options->group, options->user);
    if (r == 0 && template->control < 0)
        r = err_set(err, -errno, "cannot start template of '%s'", options->function);
    if (r == 0)
        r = fill(template, options, err);
    if (r == 0)
        *ret_template = steal_ptr(&template);
    return r;
}

void template_blank_leave(struct pvm_template *template)
{
    struct blank *blank = steal_ptr(&template->blank);

    fd_close_all(template->fds, template->fd_count);
    guest_setup_freep(&template->setup);
    pthread_mutex_lock(&lock);
    if (--blank->users > 0) {
        blank = NULL;
    } else {
        struct blank **at = &blanks;
        while (*at != blank)
            at = &(*at)->next;
        *at = blank->next;
    }
    pthread_mutex_unlock(&lock);
    blank_free(blank);
}

/* ---- keepers ---- */

static struct keeper *keeper_new(struct blank *blank, uint64_t id)
{
    const struct guest_keep message = {.type = GUEST_KEEP, .id = id};
    int sockets[2];

    if (blank->keeper_count == KEEPERS_MAX ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0)
        return NULL;
    int r = fd_send(blank->template->control, &message, sizeof message, &sockets[1], 1);
    close(sockets[1]);
    if (r < 0) {
        close(sockets[0]);
        return NULL;
    }
    struct keeper *keeper = &blank->keepers[blank->keeper_count++];
    *keeper = (struct keeper){.socket = sockets[0]};
    return keeper;
}

int template_blank_place(const struct pvm_template *template, uint64_t id, bool *ret_recycled)
{
    struct blank *blank = template->blank;
    struct keeper *keeper = NULL;

    for (unsigned i = 0; template->reuse && i < blank->keeper_count && !keeper; i++)
        if (!blank->keepers[i].busy)
            keeper = &blank->keepers[i];
    if (template->reuse && !keeper)
        keeper = keeper_new(blank, id);
    *ret_recycled = keeper && keeper->used;
    if (!keeper)
        return template->control;
    keeper->busy = keeper->used = true;
    keeper->id = id;
    return keeper->socket;
}

static struct keeper *keeper_of(struct blank *blank, uint64_t id)
{
    for (unsigned i = 0; i < blank->keeper_count; i++)
        if (blank->keepers[i].busy && blank->keepers[i].id == id)
            return &blank->keepers[i];
    return NULL;
}

void template_blank_ended(const struct pvm_template *template, uint64_t id, bool lost)
{
    struct blank *blank = template->blank;
    struct keeper *keeper = keeper_of(blank, id);

    if (!keeper)
        return;
    keeper->busy = false;
    if (!lost)
        return;
    close(keeper->socket);
    *keeper = blank->keepers[--blank->keeper_count];
}

int template_blank_of(const struct pvm_template *template, uint64_t id)
{
    const struct keeper *keeper = keeper_of(template->blank, id);

    return keeper ? keeper->socket : template->control;
}

void template_blank_gone(const struct pvm_template *template)
{
    pthread_mutex_lock(&lock);
    template->blank->template->gone = true;
    pthread_mutex_unlock(&lock);
}

bool pvm_template_is_blank(const struct pvm_template *template)
{
    return template->blank != NULL;
}

bool pvm_template_same(const struct pvm_template *one, const struct pvm_template *other)
{
    return one == other || (one && other && one->blank && one->blank == other->blank);
}

void pvm_template_end_blank(struct pvm_template *template)
{
    pthread_mutex_lock(&lock);
    if (template->blank) {
        template->blank->template->gone = true;
        template_end_process(template->blank->template);
    }
    pthread_mutex_unlock(&lock);
}

int template_blank_send(const struct pvm_template *template, int *ret_fd, struct err *err)
{
    const struct guest_setup *setup = template->setup;
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return err_set(err, -errno, "cannot ask for an instance");
    /* It lies there until the fork looks; nothing else is ever said. */
    int r = fd_send(sockets[0], setup, offsetof(struct guest_setup, text) + setup->text_bytes,
                    template->fds, template->fd_count);
    close(sockets[0]);
    if (r < 0) {
        close(sockets[1]);
        return err_set(err, r, "cannot ask for an instance");
    }
    *ret_fd = sockets[1];
    return 0;
}
