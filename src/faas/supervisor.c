/* The supervisor: start, loop, stop. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/notify.h"
#include "faas/supervisor.h"
#include "faas/supervisor_audit.h"
#include "faas/supervisor_kin.h"
#include "faas/supervisor_servers.h"
#include "faas/supervisor_outside.h"
#include "faas/supervisor_link.h"
#include "faas/supervisor_main.h"

/* Calls that still run when a stop is asked for have this long. */
#define DRAIN_NS (30 * INT64_C(1000000000))

int supervisor_watch(struct supervisor *supervisor, struct source *source, int fd, uint32_t events,
                     struct err *err)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    source->fd = fd;
    if (epoll_ctl(supervisor->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        return err_set(err, -errno, "cannot watch a descriptor");
    return 0;
}

void supervisor_rewatch(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    epoll_ctl(supervisor->epoll, EPOLL_CTL_MOD, source->fd, &event);
}

void supervisor_unwatch(struct supervisor *supervisor, struct source *source)
{
    if (source->fd >= 0)
        epoll_ctl(supervisor->epoll, EPOLL_CTL_DEL, source->fd, NULL);
}

/* ---- start ---- */

static int open_program(const struct supervisor *supervisor, const char *name, int *ret_fd,
                        struct err *err)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", supervisor->config.program_dir, name);
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*ret_fd < 0)
        return err_set(err, -errno, "cannot open program '%s'", path);
    return 0;
}

static socklen_t socket_address(const struct endpoint *endpoint,
                                struct sockaddr_storage *ret_address)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};

    if (endpoint->address.v6) {
        memcpy(&v6.sin6_addr, endpoint->address.bytes, sizeof v6.sin6_addr);
        memcpy(ret_address, &v6, sizeof v6);
        return sizeof v6;
    }
    memcpy(&v4.sin_addr, endpoint->address.bytes, sizeof v4.sin_addr);
    memcpy(ret_address, &v4, sizeof v4);
    return sizeof v4;
}

static int listen_parse(const char *name, struct endpoint *ret_endpoint, struct err *err)
{
    struct err reason = {0};

    if (endpoint_listen_parse(name, ret_endpoint, &reason) < 0)
        return err_say(err, -EINVAL, "cannot listen on '%s': %s", name, reason.message);
    return 0;
}

/* Before anything is made: what state or uids then lack is no news to who mistyped an address. */
static int addresses_check(const struct supervisor_config *config, struct err *err)
{
    struct endpoint endpoint;

    int r = listen_parse(config->listen, &endpoint, err);
    if (r == 0 && config->admin_listen)
        r = listen_parse(config->admin_listen, &endpoint, err);
    return r;
}

/* Listens on "ADDR:PORT" ("[::1]:80", ":80"). *ret_name gets what it became (port 0 is chosen). */
static int listen_tcp(const char *name, char *ret_name, size_t size, int *ret_fd, struct err *err)
{
    struct sockaddr_storage address = {0};
    struct endpoint endpoint;
    const int on = 1;
    char port[16];

    int r = listen_parse(name, &endpoint, err);
    if (r < 0)
        return r;
    socklen_t length = socket_address(&endpoint, &address);
    _cleanup_(closep) int fd =
        socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 4096) < 0)
        return err_set(err, -errno, "cannot listen on '%s'", name);

    length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 ||
        getnameinfo((struct sockaddr *)&address, length, NULL, 0, port, sizeof port,
                    NI_NUMERICSERV))
        return err_set(err, -errno, "cannot listen on '%s'", name);
    snprintf(ret_name, size, "%.*s:%s", (int)(strrchr(name, ':') - name), name, port);
    *ret_fd = steal_fd(&fd);
    return 0;
}

static int listen_unix(struct supervisor *supervisor, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n = snprintf(address.sun_path, sizeof address.sun_path, "%s/admin.sock",
                     supervisor->config.state_dir);

    if (n < 0 || (size_t)n >= sizeof address.sun_path)
        return err_say(err, -ENAMETOOLONG, "cannot listen on '%s/admin.sock': the path is too long",
                       supervisor->config.state_dir);
    /* The lock is ours: a socket that is there is a dead daemon's. */
    unlink(address.sun_path);
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        chmod(address.sun_path, 0600) < 0 || listen(fd, 128) < 0)
        return err_set(err, -errno, "cannot listen on '%s'", address.sun_path);
    supervisor->admin_fd = steal_fd(&fd);
    return 0;
}

/* Others must neither read nor choose the token. */
static int open_token(const char *file, int *ret_fd, struct err *err)
{
    struct stat status;
    _cleanup_(closep) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &status) < 0)
        return err_set(err, -errno, "cannot open '%s'", file);
    if (!S_ISREG(status.st_mode))
        return err_say(err, -EINVAL, "cannot use the admin token '%s': it is not a file", file);
    if ((status.st_mode & 07077) != 0)
        return err_say(err, -EPERM,
                       "cannot use the admin token '%s': its mode is %04o, which lets others read "
                       "it (chmod 0600)",
                       file, status.st_mode & 07777);
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return err_say(err, -EPERM,
                       "cannot use the admin token '%s': it belongs to uid %u, who may change it",
                       file, status.st_uid);
    *ret_fd = steal_fd(&fd);
    return 0;
}

static int open_listeners(struct supervisor *supervisor, struct err *err)
{
    static char listen_name[256];
    static char admin_name[256];
    struct supervisor_config *config = &supervisor->config;

    int r =
        listen_tcp(config->listen, listen_name, sizeof listen_name, &supervisor->listen_fd, err);
    if (r < 0)
        return r;
    config->listen = listen_name;
    if (config->admin_listen) {
        if (!config->admin_token_file)
            return err_say(err, -EINVAL, "cannot administer over TCP without --admin-token FILE");
        r = open_token(config->admin_token_file, &supervisor->admin_token_fd, err);
        if (r < 0)
            return r;
        r = listen_tcp(config->admin_listen, admin_name, sizeof admin_name,
                       &supervisor->admin_tcp_fd, err);
        if (r < 0)
            return r;
        config->admin_listen = admin_name;
    }
    return listen_unix(supervisor, err);
}

/* Groups of one daemon have a name of its state directory's: two daemons don't meet. */
static int open_groups(struct supervisor *supervisor, struct err *err)
{
    unsigned char hash[8];
    char name[64];
    char hex[sizeof hash * 2 + 1];
    const char *state = supervisor->config.state_dir;

    crypto_generichash(hash, sizeof hash, (const unsigned char *)state, strlen(state), NULL, 0);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    snprintf(name, sizeof name, "vireo/%s", hex);
    int r = cgroup_root_open(name, &supervisor->groups, err);
    if (r == 0)
        r = cgroup_pool_new(supervisor->groups, SPARE_GROUPS, &supervisor->pool, err);
    return r;
}

static int load_function(const struct registry_function *row, void *user)
{
    struct supervisor *supervisor = user;
    struct registry_function copy = *row;
    struct manifest manifest;
    struct err err = {0};

    copy.manifest = strdup(row->manifest);
    if (!copy.manifest)
        return -ENOMEM;
    if (manifest_parse(copy.manifest, strlen(copy.manifest), "registry", &manifest, &err) < 0) {
        /* One row that can't be read must not keep the others from being served. */
        log_line(LOG_ERROR, "function '%s' is not served: %s", row->name, err.message);
        registry_function_clear(&copy);
        return 0;
    }
    /* The operator's configuration may have become tighter. Secrets are looked at when they are
     * read, so that a file which is late does not keep its function away until the next start. */
    struct function *function = NULL;
    bool allowed = supervisor_config_allows(&supervisor->config, &manifest, &err) == 0;
    int r = function_set(supervisor, &copy, &manifest, &function, NULL);
    if (r < 0 || allowed)
        return r;
    log_line(LOG_ERROR, "function '%s' is not served: %s", row->name, err.message);
    function->refused = strdup(err.message);
    return function->refused ? 0 : -ENOMEM;
}

static int open_registry(struct supervisor *supervisor, struct err *err)
{
    int r = registry_open(supervisor->config.state_dir, supervisor->uid_first + GATEWAY_UIDS,
                          supervisor->uid_count - GATEWAY_UIDS, &supervisor->registry, err);
    if (r < 0)
        return r;
    purge_uids(supervisor);
    return registry_each(supervisor->registry, load_function, supervisor, err);
}

/*
 * What the loop still needs, by name; the rest goes, from the bounding set too.
 *   SYS_ADMIN     namespaces, mounts, CLONE_INTO_CGROUP
 *   SETUID/SETGID uid and gid maps, the gateways' and sandboxes' ids
 *   SETPCAP       emptying the bounding set of what is started
 *   KILL          ending processes of other uids
 *   CHOWN, FOWNER, DAC_OVERRIDE  scratch and granted directories, control files of groups
 *   SYS_CHROOT    pivot into the new root
 *   SYS_RESOURCE  rlimits of what is started, where the machine lets root raise them
 *   SYS_PTRACE    /proc/PID/uid_map of processes that are not dumpable
 *   SYS_NICE      the scheduling of a pVM's threads, which have its uid
 *   NET_BIND_SERVICE  ports below 1024 that a function is granted to listen on
 * And, only where the operator allows functions eBPF, what vireo-broker has (bpf/confine.c).
 */
static int drop_capabilities(bool bpf, struct err *err)
{
    static const cap_value_t brokers[] = {CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_NET_RAW,
                                          CAP_DAC_READ_SEARCH};
    static const cap_value_t kept[] = {
        CAP_SYS_ADMIN,  CAP_SETUID,           CAP_SETGID,       CAP_SETPCAP,    CAP_KILL,
        CAP_CHOWN,      CAP_FOWNER,           CAP_DAC_OVERRIDE, CAP_SYS_CHROOT, CAP_SYS_RESOURCE,
        CAP_SYS_PTRACE, CAP_NET_BIND_SERVICE, CAP_SYS_NICE,
    };
    cap_t set = cap_get_proc();
    int r = 0;

    if (!set)
        return err_set(err, -errno, "cannot drop capabilities");
    for (cap_value_t cap = 0; cap <= cap_max_bits() - 1 && r == 0; cap++) {
        bool keep = false;
        for (size_t i = 0; i < ARRAY_LEN(kept); i++)
            keep |= kept[i] == cap;
        for (size_t i = 0; i < ARRAY_LEN(brokers) && bpf; i++)
            keep |= brokers[i] == cap;
        if (keep)
            continue;
        if (prctl(PR_CAPBSET_READ, cap) == 1 && prctl(PR_CAPBSET_DROP, cap) < 0)
            r = -errno;
        if (cap_set_flag(set, CAP_PERMITTED, 1, &cap, CAP_CLEAR) < 0 ||
            cap_set_flag(set, CAP_EFFECTIVE, 1, &cap, CAP_CLEAR) < 0 ||
            cap_set_flag(set, CAP_INHERITABLE, 1, &cap, CAP_CLEAR) < 0)
            r = -errno;
    }
    if (r == 0 && cap_set_proc(set) < 0)
        r = -errno;
    cap_free(set);
    return r < 0 ? err_set(err, r, "cannot drop capabilities") : 0;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* ---- stop ---- */

static void stop(struct supervisor *supervisor)
{
    const struct gateway_simple drain = {.type = GATEWAY_DRAIN};

    if (supervisor->stopping) {
        supervisor->stopped = true; /* asked twice: at once */
        return;
    }
    log_line(LOG_NOTICE, "stopping: calls that run are finished");
    notify_send(&supervisor->notify, "STOPPING=1\nSTATUS=finishing the calls that run");
    supervisor->stopping = true;
    supervisor->stop_at_ns = clock_now_ns() + DRAIN_NS;
    gateway_send(supervisor, GATEWAY_CALLS, &drain, sizeof drain, NULL, 0);
    /* It waits for its next start: no call runs. */
    if (supervisor->gateways[GATEWAY_CALLS].process.fd < 0)
        supervisor->stopped = true;
}

static void signals_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct signalfd_siginfo info;

    (void)events;
    while (read(source->fd, &info, sizeof info) == sizeof info)
        stop(supervisor);
}

static int open_signals(struct supervisor *supervisor, struct err *err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return err_set(err, -errno, "cannot block signals");
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return err_set(err, -errno, "cannot wait for signals");
    supervisor->signals.ready = signals_ready;
    return supervisor_watch(supervisor, &supervisor->signals, fd, EPOLLIN, err);
}

static int open_all(struct supervisor *supervisor, struct err *err)
{
    supervisor->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (supervisor->epoll < 0)
        return err_set(err, -errno, "cannot make an event loop");
    if (sodium_init() < 0)
        return err_say(err, -ENOSYS, "cannot start libsodium");
    raise_descriptor_limit();
    /* Its memory holds the signing key and, for moments, functions' secrets: no core, no ptrace. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return err_set(err, -errno, "cannot become undumpable");

    int r = addresses_check(&supervisor->config, err);
    if (r == 0)
        r = notify_open(&supervisor->notify, err);
    if (r == 0)
        r = supervisor_config_read(&supervisor->config, err);
    if (r == 0)
        r = state_open(supervisor, err);
    if (r == 0)
        r = open_program(supervisor, "vireo-guest", &supervisor->guest_fd, err);
    if (r == 0)
        r = open_program(supervisor, "vireo-contain", &supervisor->contain_fd, err);
    if (r == 0)
        r = containers_open(supervisor, err);
    if (r == 0)
        r = open_program(supervisor, "vireo-gateway", &supervisor->gateway_fd, err);
    if (r == 0)
        r = open_program(supervisor, "vireo-connector", &supervisor->connector_fd, err);
    if (r == 0)
        r = open_program(supervisor, "vireo-platform", &supervisor->platform_fd, err);
    if (r == 0 && supervisor->config.allow_bpf.given)
        r = open_program(supervisor, "vireo-broker", &supervisor->bpf_programs[0], err);
    if (r == 0 && supervisor->config.allow_bpf.given)
        r = open_program(supervisor, "vireo-bpf", &supervisor->bpf_programs[1], err);
    if (r == 0)
        r = state_take_uids(supervisor, err);
    if (r == 0)
        r = open_listeners(supervisor, err);
    /* From here the network is an empty namespace, for the gateways and every pVM too: accepted
     * connections live where their listener was made. CAP_SYS_ADMIN. */
    if (r == 0)
        r = servers_keep_network(supervisor, err);
    if (r == 0 && unshare(CLONE_NEWNET) < 0)
        r = err_set(err, -errno, "cannot make an empty network namespace");
    /* Before any thread is started: capabilities, namespaces and masks are each thread's own. */
    if (r == 0)
        r = open_signals(supervisor, err);
    if (r == 0)
        r = drop_capabilities(supervisor->config.allow_bpf.given, err);
    if (r == 0)
        r = open_groups(supervisor, err);
    if (r == 0)
        r = open_registry(supervisor, err);
    if (r == 0)
        r = audit_start(supervisor, err);
    if (r == 0)
        r = jobs_open(supervisor, err);
    if (r == 0)
        r = servers_open(supervisor, err);
    if (r == 0)
        r = connector_open(supervisor, err);
    if (r == 0)
        r = platform_open(supervisor, err);
    if (r == 0)
        r = bpf_open(supervisor, err);
    if (r == 0)
        r = gateways_open(supervisor, err);
    if (r == 0)
        servers_start(supervisor);
    return r;
}

static void close_all(struct supervisor *supervisor)
{
    gateways_close(supervisor);
    pvms_close(supervisor);
    jobs_close(supervisor);
    audit_stop(supervisor);
    connector_close(supervisor);
    platform_close(supervisor);
    bpf_close(supervisor);
    servers_close(supervisor);
    function_free_all(supervisor);
    container_spares_close(supervisor);
    pvm_channel_stock_close(&supervisor->channels);
    cgroup_pool_free(supervisor->pool);
    cgroup_root_close(supervisor->groups);
    registry_close(supervisor->registry);
    store_close(supervisor->store);
    sign_key_free(supervisor->key);
    if (supervisor->admin_fd >= 0) {
        char path[512];
        snprintf(path, sizeof path, "%s/admin.sock", supervisor->config.state_dir);
        unlink(path);
    }
    int fds[] = {supervisor->listen_fd,      supervisor->admin_fd,   supervisor->admin_tcp_fd,
                 supervisor->guest_fd,       supervisor->gateway_fd, supervisor->contain_fd,
                 supervisor->containers_fd,  supervisor->signals.fd, supervisor->lock_fd,
                 supervisor->admin_token_fd, supervisor->epoll,      supervisor->connector_fd,
                 supervisor->platform_fd};
    fd_close_all(fds, ARRAY_LEN(fds));
    notify_close(&supervisor->notify);
}

static void tell_ready(const struct supervisor *supervisor)
{
    char lines[512];

    log_line(LOG_NOTICE, "ready on http://%s with %u functions", supervisor->config.listen,
             supervisor->function_count);
    snprintf(lines, sizeof lines, "READY=1\nSTATUS=serves http://%s", supervisor->config.listen);
    notify_send(&supervisor->notify, lines);
}

static void loop(struct supervisor *supervisor)
{
    struct epoll_event events[64];

    while (!supervisor->stopped) {
        /* Without a deadline or a watchdog it sleeps until something happens. */
        int64_t now_ns = clock_now_ns();
        int timeout_ms = notify_alive(&supervisor->notify, now_ns);
        if (supervisor->stopping) {
            int64_t left_ns = supervisor->stop_at_ns - now_ns;
            if (left_ns <= 0)
                return;
            int left_ms = (int)(left_ns / 1000000) + 1;
            timeout_ms = timeout_ms < 0 || left_ms < timeout_ms ? left_ms : timeout_ms;
        }
        int n = epoll_wait(supervisor->epoll, events, ARRAY_LEN(events), timeout_ms);
        for (int i = 0; i < n; i++) {
            struct source *source = events[i].data.ptr;
            if (source->fd >= 0) /* else an event before this one ended it */
                source->ready(supervisor, source, events[i].events);
        }
        templates_bury(supervisor);
        servers_bury(supervisor);
        linkages_bury(supervisor);
        vks_bury(supervisor);
        kins_bury(supervisor);
        rounds_bury(supervisor);
    }
}

static void supervisor_init(struct supervisor *supervisor, const struct supervisor_config *config)
{
    supervisor->config = *config;
    supervisor->notify.fd = -1;
    supervisor->contain_fd = supervisor->containers_fd = -1;
    supervisor->epoll = supervisor->lock_fd = supervisor->guest_fd = supervisor->gateway_fd = -1;
    supervisor->listen_fd = supervisor->admin_fd = supervisor->admin_tcp_fd = -1;
    supervisor->admin_token_fd = supervisor->signals.fd = supervisor->jobs_source.fd = -1;
    supervisor->servers_timer.fd = supervisor->host_network_fd = -1;
    supervisor->connector_fd = supervisor->platform_fd = supervisor->platform_data_fd = -1;
    broker_init(&supervisor->connector);
    broker_init(&supervisor->platform);
    bpf_init(supervisor);
    supervisor->audit_timer.fd = supervisor->spares_timer.fd = -1;
    for (unsigned i = 0; i < GATEWAY_ROLES; i++) {
        supervisor->gateways[i].source.fd = supervisor->gateways[i].process.fd =
            supervisor->gateways[i].timer.fd = -1;
        supervisor->telemetry[i] = -1;
    }
    for (unsigned i = INSTANCES_MAX; i-- > 0;) {
        supervisor->instances[i].id = i;
        supervisor->instances[i].next = supervisor->free_instances;
        supervisor->free_instances = &supervisor->instances[i];
    }
}

int supervisor_serve(const struct supervisor_config *config, struct err *err)
{
    _cleanup_(freep) struct supervisor *supervisor = calloc(1, sizeof *supervisor);

    if (!supervisor)
        return err_set(err, -ENOMEM, "cannot serve");
    if (geteuid() != 0)
        return err_say(err, -EPERM,
                       "cannot serve: the supervisor needs root (it makes namespaces, "
                       "control groups and uids for functions)");
    supervisor_init(supervisor, config);
    int r = open_all(supervisor, err);
    if (r == 0) {
        tell_ready(supervisor);
        loop(supervisor);
    }
    close_all(supervisor);
    free(supervisor->state_path);
    return r;
}
