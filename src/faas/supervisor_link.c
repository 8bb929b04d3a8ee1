/*
 * Linking a library into an instance that runs. What is to be linked, with all that it needs in
 * turn, is taken from the cache of images, where it was checked; the restrictions are looked at
 * here; then the sealed memfds go over the instance's control socket, and the instance links them
 * between two calls. A refusal before that is nothing that the instance hears of. In the same way a
 * library is replaced by another version of it (vireo update --pvm).
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/supervisor.h"
#include "faas/supervisor_link.h"
#include "guest/channel.h"
#include "guest/control.h"

/* An instance that is in a call for so long is busy; what was asked of it lapses. */
#define LINK_WAIT_NS 2000000000ull
/* The part of a channel that has its words. */
#define CHANNEL_HEAD_BYTES 4096u

struct linked {
    char name[NAME_MAX_BYTES + 1], version[VERSION_MAX_BYTES + 1], hash[BUILD_HASH_TEXT];
    char instead[NAME_MAX_BYTES + 1]; /* of a library that its template linked; "": none */
};

/* What an instance with the grant has besides. */
struct linkage {
    struct source control; /* our end of its control socket */
    struct source timer;   /* while it is asked for something */
    struct channel *channel;
    struct linked linked[LINK_LIBRARIES_MAX]; /* beside what its template linked */
    unsigned linked_count;
    /* What it is asked for; token 0: nothing. */
    uint64_t token;
    unsigned asked_count;              /* behind linked_count */
    char replaces[NAME_MAX_BYTES + 1]; /* what the first of them is to replace; "": none */
    int64_t begin_ns;
    bool cached;
    char pvm[NAME_MAX_BYTES + 1];
    struct instance *instance;
    struct linkage *next_dead;
};

/* ---- the socket ---- */

static void stop_waiting(struct supervisor *supervisor, struct linkage *linkage)
{
    linkage->token = 0;
    linkage->asked_count = 0;
    supervisor_unwatch(supervisor, &linkage->timer);
    closep(&linkage->timer.fd);
    linkage->timer.fd = -1;
}

static void answer(struct supervisor *supervisor, struct linkage *linkage,
                   const struct control_linked *message)
{
    struct json_object *object = json_object_new_object();
    struct json_object *names = json_object_new_array();
    const struct linked *first = &linkage->linked[linkage->linked_count];

    for (unsigned i = 0; i < linkage->asked_count; i++)
        json_object_array_add(names, json_object_new_string(first[i].name));
    json_add_text(object, "id", linkage->pvm);
    json_add_text(object, "library", first->name);
    json_add_text(object, "version", first->version);
    json_object_object_add(object, "linked", names);
    json_object_object_add(object, "cached", json_object_new_boolean(linkage->cached));
    if (linkage->replaces[0])
        json_add_text(object, "replaced", linkage->replaces);
    json_add_number(object, "link_us", (message->link_ns + 500) / 1000);
    json_add_number(object, "total_us",
                    (uint64_t)(clock_now_ns() - linkage->begin_ns + 500) / 1000);
    log_line(LOG_NOTICE, "linked '%s' version '%s' into pVM %s%s%s", first->name, first->version,
             linkage->pvm, linkage->replaces[0] ? " instead of " : "", linkage->replaces);
    admin_reply(supervisor, linkage->token, 0, "", json_object_to_json_string(object));
    json_object_put(object);
}

/* What was asked for is linked; what is replaced is not any more. */
static void take_linked(struct linkage *linkage)
{
    struct linked *first = &linkage->linked[linkage->linked_count];
    unsigned at = 0;

    linkage->linked_count += linkage->asked_count;
    if (!linkage->replaces[0])
        return;
    while (&linkage->linked[at] != first &&
           strcmp(linkage->linked[at].name, linkage->replaces) != 0)
        at++;
    if (&linkage->linked[at] == first) {
        memcpy(first->instead, linkage->replaces, sizeof first->instead);
        return;
    }
    /* It was linked while the pVM ran, itself perhaps instead of another. */
    memcpy(first->instead, linkage->linked[at].instead, sizeof first->instead);
    linkage->linked[at] = *first;
    linkage->linked_count--;
    memmove(first, first + 1, (linkage->asked_count - 1) * sizeof *first);
}

static void control_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct linkage *linkage = source->owner;
    union {
        uint32_t type;
        struct control_linked linked;
        struct control_updated updated;
    } answered;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;

    (void)events;
    ssize_t n = fd_receive(source->fd, &answered, sizeof answered, fds, &fd_count, MSG_DONTWAIT);
    if (n == -EAGAIN)
        return;
    fd_close_all(fds, fd_count);
    if (n <= 0) {
        supervisor_unwatch(supervisor, source); /* its end is told by its template */
        return;
    }
    if (n == sizeof answered.updated && answered.type == CONTROL_UPDATED) {
        answered.updated.message[sizeof answered.updated.message - 1] = '\0';
        update_answered(supervisor, linkage->instance, &answered.updated);
        return;
    }
    struct control_linked message = answered.linked;
    /* The instance may say what it likes: it is believed of itself alone. */
    if (n != sizeof message || message.type != CONTROL_LINKED || linkage->token == 0 ||
        message.token != linkage->token)
        return;
    message.message[sizeof message.message - 1] = '\0';
    if (message.error == 0) {
        answer(supervisor, linkage, &message);
        take_linked(linkage);
    } else {
        bool refused =
            message.error == -EEXIST || message.error == -ENOENT || message.error == -EPERM;
        char text[512];
        if (linkage->replaces[0])
            snprintf(text, sizeof text, "cannot update '%.64s' in pVM %.64s: %s", linkage->replaces,
                     linkage->pvm, message.message);
        else
            snprintf(text, sizeof text, "%s",
                     message.message[0] ? message.message : "cannot link library");
        admin_reply(supervisor, linkage->token,
                    refused                   ? -EPERM
                    : message.error == -EBUSY ? -EBUSY
                                              : -EINVAL,
                    text, NULL);
    }
    stop_waiting(supervisor, linkage);
}

static void wait_expired(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct linkage *linkage = source->owner;

    (void)events;
    admin_reply(
        supervisor, linkage->token, -EBUSY,
        linkage->channel
            ? "cannot link library: the pVM is in a call that takes long; nothing was linked"
            : "cannot link library: the server did not come to vireo_update_point() in 2 s; "
              "nothing was linked",
        NULL);
    stop_waiting(supervisor, linkage);
}

int linkage_open(struct supervisor *supervisor, struct instance *instance,
                 const struct manifest *manifest, int channel_memory_fd, int *ret_fd,
                 struct err *err)
{
    int sockets[2];

    *ret_fd = -1;
    if (!manifest->link && !instance->slot->live)
        return 0;
    struct linkage *linkage = calloc(1, sizeof *linkage);
    if (!linkage)
        return err_set(err, -ENOMEM, "cannot make a control socket");
    linkage->control.fd = linkage->timer.fd = -1;
    linkage->control.owner = linkage->timer.owner = linkage;
    linkage->control.ready = control_ready;
    linkage->timer.ready = wait_expired;
    instance->linkage = linkage;
    linkage->instance = instance;
    if (channel_memory_fd >= 0) {
        void *channel = mmap(NULL, CHANNEL_HEAD_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
                             channel_memory_fd, 0);
        if (channel == MAP_FAILED)
            return err_set(err, -errno, "cannot make a control socket");
        linkage->channel = channel;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0)
        return err_set(err, -errno, "cannot make a control socket");
    *ret_fd = sockets[1];
    int r = supervisor_watch(supervisor, &linkage->control, sockets[0], EPOLLIN, err);
    if (r < 0)
        close(sockets[0]);
    return r;
}

void linkage_close(struct supervisor *supervisor, struct instance *instance)
{
    struct linkage *linkage = steal_ptr(&instance->linkage);

    if (!linkage)
        return;
    if (linkage->token)
        admin_reply(supervisor, linkage->token, -ENOENT, "the pVM has ended", NULL);
    stop_waiting(supervisor, linkage);
    supervisor_unwatch(supervisor, &linkage->control);
    closep(&linkage->control.fd);
    if (linkage->channel)
        munmap(linkage->channel, CHANNEL_HEAD_BYTES);
    linkage->control.fd = -1;
    linkage->next_dead = supervisor->dead_linkages;
    supervisor->dead_linkages = linkage;
}

void linkages_bury(struct supervisor *supervisor)
{
    while (supervisor->dead_linkages) {
        struct linkage *linkage = supervisor->dead_linkages;
        supervisor->dead_linkages = linkage->next_dead;
        free(linkage);
    }
}

void linkage_describe(const struct instance *instance, struct json_object *object)
{
    const struct linkage *linkage = instance->linkage;

    if (!linkage || linkage->linked_count == 0)
        return;
    struct json_object *array = json_object_new_array();
    for (unsigned i = 0; i < linkage->linked_count; i++) {
        char text[sizeof linkage->linked->name + sizeof linkage->linked->version];
        snprintf(text, sizeof text, "%s %s", linkage->linked[i].name, linkage->linked[i].version);
        json_object_array_add(array, json_object_new_string(text));
    }
    json_object_object_add(object, "libraries", array);
}

/* ---- what is to be linked ---- */

/* The libraries of one wish, in the order in which they are linked; the first is what was asked. */
struct wanted {
    struct image images[CONTROL_LIBRARIES_MAX];
    char names[CONTROL_LIBRARIES_MAX][NAME_MAX_BYTES + 1];
    unsigned count;
    char missing[BUILD_HASH_TEXT]; /* of an image that is not in the cache */
};

static void wanted_clear(struct wanted *wanted)
{
    for (unsigned i = 0; i < wanted->count; i++)
        image_close(&wanted->images[i]);
    wanted->count = 0;
    wanted->missing[0] = '\0';
}

/* What the pVM has by this name: a hash, or NULL. */
static const char *linked_hash(const struct instance *instance, const char *name)
{
    const struct manifest *manifest = &instance->slot->function->manifest;
    const struct linkage *linkage = instance->linkage;

    for (unsigned i = 0; i < linkage->linked_count; i++)
        if (strcmp(linkage->linked[i].name, name) == 0)
            return linkage->linked[i].hash;
    for (unsigned i = 0; i < linkage->linked_count; i++)
        if (strcmp(linkage->linked[i].instead, name) == 0)
            return NULL;
    for (uint32_t i = 0; i < manifest->dependency_count; i++)
        if (strcmp(manifest->dependencies[i].name, name) == 0)
            return manifest->dependencies[i].hash;
    return NULL;
}

static int want(struct supervisor *supervisor, struct wanted *wanted, const char *pvm,
                const char *name, struct err *err)
{
    const struct function *library = function_find(supervisor, name);

    if (!library)
        return err_say(err, -ENOENT, "cannot link '%s' into '%s': no such library is deployed",
                       name, pvm);
    if (strcmp(library->row.kind, "library") != 0)
        return err_say(err, -EINVAL, "cannot link '%s' into '%s': it is a function, not a library",
                       name, pvm);
    if (wanted->count == CONTROL_LIBRARIES_MAX)
        return err_say(err, -E2BIG, "cannot link '%s' into '%s': more than %d libraries at once",
                       name, pvm, CONTROL_LIBRARIES_MAX);
    if (image_peek(library->row.library_hash, &wanted->images[wanted->count]) < 0) {
        memcpy(wanted->missing, library->row.library_hash, sizeof wanted->missing);
        return -EAGAIN;
    }
    snprintf(wanted->names[wanted->count++], sizeof wanted->names[0], "%s", name);
    return 0;
}

static bool is_wanted(const struct wanted *wanted, const char *name)
{
    for (unsigned i = 0; i < wanted->count; i++)
        if (strcmp(wanted->names[i], name) == 0)
            return true;
    return false;
}

/* What the library at `at` needs: those that the pVM has not join the list. */
static int want_needs(struct supervisor *supervisor, const struct instance *instance,
                      struct wanted *wanted, unsigned at, const char *pvm, struct err *err)
{
    const struct library_demands *demands = &wanted->images[at].note.demands;

    for (uint32_t i = 0; i < demands->dependency_count; i++) {
        const struct manifest_dependency *need = &demands->dependencies[i];
        if (!is_wanted(wanted, need->name) && !linked_hash(instance, need->name)) {
            int r = want(supervisor, wanted, pvm, need->name, err);
            if (r < 0)
                return r;
        }
        for (unsigned k = 0; k < wanted->count; k++) {
            if (strcmp(wanted->names[k], need->name) != 0)
                continue;
            int r = dependency_fits(wanted->names[at], need, &wanted->images[k], err);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* The manifest's own word about what comes instead of a library that it names. */
static int fits_manifest(const struct manifest *manifest, const char *replaces,
                         const struct image *image, bool *ret_named, struct err *err)
{
    *ret_named = false;
    for (uint32_t i = 0; i < manifest->dependency_count; i++) {
        if (strcmp(manifest->dependencies[i].name, replaces) != 0)
            continue;
        *ret_named = true;
        return dependency_fits(manifest->name, &manifest->dependencies[i], image, err);
    }
    return 0;
}

/* -EEXIST, -ENOENT: it is there already, or what it is to replace is not. */
static int check_there(struct supervisor *supervisor, const struct instance *instance,
                       const char *library, const char *replaces, const char *pvm, struct err *err)
{
    const char *there = linked_hash(instance, library);
    const struct function *deployed = function_find(supervisor, library);

    if (replaces[0] && !linked_hash(instance, replaces))
        return err_say(err, -ENOENT, "cannot update '%s' in pVM %s: no such library is linked",
                       replaces, pvm);
    if (there && replaces[0] && strcmp(library, replaces) == 0) {
        if (deployed && strcmp(deployed->row.library_hash, there) == 0)
            return err_say(err, -EEXIST,
                           "cannot update '%s' in pVM %s: it has the version that is deployed",
                           replaces, pvm);
        return 0;
    }
    if (there)
        return err_say(err, -EEXIST, "cannot link '%s' into '%s': it is linked already", library,
                       pvm);
    return 0;
}

/* -EAGAIN: an image is not in the cache: wanted->missing. */
static int gather(struct supervisor *supervisor, const struct instance *instance,
                  const char *library, const char *replaces, const char *pvm, struct wanted *wanted,
                  struct err *err)
{
    bool named = false;
    const struct template_slot *slot = instance->slot;
    const struct link_party function =
        link_party_of_function(&slot->function->manifest, slot->signer);

    int r = check_there(supervisor, instance, library, replaces, pvm, err);
    if (r == 0)
        r = want(supervisor, wanted, pvm, library, err);
    if (r == 0 && replaces[0])
        r = fits_manifest(&slot->function->manifest, replaces, &wanted->images[0], &named, err);
    for (unsigned i = 0; r == 0 && i < wanted->count; i++) {
        const struct link_party party = link_party_of_image(wanted->names[i], &wanted->images[i]);
        r = link_allowed(&function, &party, (struct link_way){.named = i > 0 || named}, err);
        if (r == 0)
            r = want_needs(supervisor, instance, wanted, i, pvm, err);
    }
    return r;
}

/* ---- the wish ---- */

/* It sleeps on this word too: futex_waitv(2). */
static void wake(const struct linkage *linkage)
{
    if (!linkage->channel)
        return; /* a server: it polls the socket */
    atomic_fetch_add(&linkage->channel->control_sequence, 1);
    syscall(SYS_futex, &linkage->channel->control_sequence, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int send_wish(struct linkage *linkage, const struct wanted *wanted, uint64_t token,
                     struct err *err)
{
    struct control_link message = {
        .type = CONTROL_LINK,
        .count = wanted->count,
        .token = token,
        .deadline_ns = (uint64_t)clock_now_ns() + LINK_WAIT_NS,
    };
    int fds[CONTROL_LIBRARIES_MAX];

    if (linkage->linked_count + wanted->count > LINK_LIBRARIES_MAX)
        return err_say(err, -E2BIG, "cannot link library: a pVM has at most %d",
                       LINK_LIBRARIES_MAX);
    for (unsigned i = 0; i < wanted->count; i++) {
        struct linked *linked = &linkage->linked[linkage->linked_count + i];
        fds[i] = wanted->images[i].fd;
        message.libraries[i].bytes = wanted->images[i].bytes;
        memcpy(message.libraries[i].name, wanted->names[i], sizeof message.libraries[i].name);
        linked->instead[0] = '\0';
        memcpy(linked->name, wanted->names[i], sizeof linked->name);
        memcpy(linked->version, wanted->images[i].note.version, sizeof linked->version);
        memcpy(linked->hash, wanted->images[i].hash, sizeof linked->hash);
    }
    memcpy(message.replaces, linkage->replaces, sizeof message.replaces);
    int r = fd_send(linkage->control.fd, &message, sizeof message, fds, wanted->count);
    if (r < 0)
        return err_set(err, r, "cannot ask the pVM to link");
    linkage->asked_count = wanted->count;
    linkage->token = token;
    wake(linkage);
    return 0;
}

int linkage_say(struct instance *instance, const void *message, size_t size, int fd)
{
    struct linkage *linkage = instance->linkage;

    if (!linkage)
        return -ENOTCONN;
    int r = fd_send(linkage->control.fd, message, size, &fd, 1);
    if (r == 0)
        wake(linkage);
    return r;
}

/* Without a descriptor for a timer it waits as long as the instance does, which knows the deadline.
 */
static void start_waiting(struct supervisor *supervisor, struct linkage *linkage)
{
    const struct itimerspec after = {
        .it_value = {.tv_sec = LINK_WAIT_NS / 1000000000, .tv_nsec = 100000000}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd >= 0 && timerfd_settime(fd, 0, &after, NULL) == 0 &&
        supervisor_watch(supervisor, &linkage->timer, fd, EPOLLIN, NULL) == 0)
        return;
    log_line(LOG_WARNING, "cannot make a timer for linking into pVM %s", linkage->pvm);
    closep(&fd);
    linkage->timer.fd = -1;
}

static int find_instance(struct supervisor *supervisor, const char *pvm,
                         struct instance **ret_instance, struct err *err)
{
    struct instance *instance;

    int r = instance_named(supervisor, pvm, &instance, err);
    if (r < 0)
        return r;
    const struct function *function = instance->slot->function;
    if (!function || instance->generation != function->generation)
        return err_say(err, -EBUSY,
                       "cannot link into '%s': it is of a former version of its function", pvm);
    if (!instance->linkage || !function->manifest.link)
        return err_say(err, -EPERM,
                       "cannot link into '%s': '%s' has no grant to have libraries linked "
                       "(grants: link)",
                       pvm, function->row.name);
    if (instance->linkage->token)
        return err_say(err, -EBUSY, "cannot link into '%s': another library is being linked", pvm);
    *ret_instance = instance;
    return 0;
}

/* The name of what is to be replaced: the second of its two texts; "": none. */
static const char *replaced_of(const struct admin_request *request)
{
    uint32_t first = (uint32_t)strlen(request->params) + 1;

    return first < request->param_bytes ? request->params + first : "";
}

/* What is small is checked here and now, which takes less than a thread's work and both its wakes.
 * Once a wish: the loop has others to serve. */
static bool load_quick(struct supervisor *supervisor, const char *hash, bool *loaded, int *ret_r)
{
    struct image image;

    if (!hash[0] || *loaded || image_open_quick(supervisor, hash, &image) < 0)
        return false;
    image_close(&image);
    *loaded = true;
    *ret_r = 0;
    return true;
}

/* `loaded`: images were loaded for it, by a job. */
static int link_now(struct supervisor *supervisor, const struct admin_request *request,
                    int64_t begin_ns, bool loaded, struct err *err)
{
    _cleanup_(wanted_clear) struct wanted wanted;
    struct instance *instance = NULL;

    wanted.count = 0; /* it has 34 KiB, of which mostly a tenth is used */
    wanted.missing[0] = '\0';

    int r = find_instance(supervisor, request->name, &instance, err);
    do {
        wanted_clear(&wanted);
        if (r == 0)
            r = gather(supervisor, instance, request->params, replaced_of(request), request->name,
                       &wanted, err);
    } while (r == -EAGAIN && load_quick(supervisor, wanted.missing, &loaded, &r));
    if (r == -EAGAIN && wanted.missing[0])
        return jobs_image(supervisor, request, wanted.missing, begin_ns, err);
    if (r < 0)
        return r;
    struct linkage *linkage = instance->linkage;
    linkage->begin_ns = begin_ns;
    linkage->cached = !loaded;
    memcpy(linkage->pvm, request->name, sizeof linkage->pvm);
    snprintf(linkage->replaces, sizeof linkage->replaces, "%s", replaced_of(request));
    r = send_wish(linkage, &wanted, request->token, err);
    if (r < 0)
        return r;
    /* While the pVM wakes up. */
    start_waiting(supervisor, linkage);
    return 0;
}

int pvm_link_wish(struct supervisor *supervisor, const struct admin_request *request,
                  struct err *err)
{
    if (request->param_bytes < 2 || request->param_bytes > 2 * (NAME_MAX_BYTES + 1) ||
        strlen(request->params) > NAME_MAX_BYTES || strlen(replaced_of(request)) > NAME_MAX_BYTES)
        return err_say(err, -EINVAL, "cannot link into '%s': no library is named", request->name);
    return link_now(supervisor, request, clock_now_ns(), false, err);
}

void link_image_ready(struct supervisor *supervisor, const struct admin_request *request,
                      int64_t begin_ns, const struct err *error)
{
    struct err err = *error;
    /* Its signature no longer holds: its key is not trusted any more, or its file was changed. */
    bool signature = err.code == -EKEYREJECTED || err.code == -EBADMSG || err.code == -EPERM;

    if (signature) {
        char message[sizeof err.message];
        snprintf(message, sizeof message, "signature: %.400s", err.message);
        admin_reply(supervisor, request->token, -EPERM, message, NULL);
        return;
    }
    int r = err.code ? err.code : link_now(supervisor, request, begin_ns, true, &err);
    if (r < 0)
        admin_reply(supervisor, request->token, r, err.message, NULL);
}
