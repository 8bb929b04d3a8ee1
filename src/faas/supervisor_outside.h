/* The processes that instances reach by a socket of their own: connector, platform, eBPF's broker.
 */
#pragma once

#include "faas/supervisor.h"

/* ---- supervisor_broker.c ---- */
struct spawn_mount;
/* How one is spawned: in the machine's network, with what name resolution needs and no right. */
struct broker_program {
    const char *what;
    int program_fd;
    uid_t uid_offset;
    const struct spawn_mount *mounts; /* besides */
    size_t mount_count;
    const int *fds;
    size_t fd_count;
    char *const *argv;
    uint64_t processes;
};
int broker_spawn(struct supervisor *supervisor, const struct broker_program *program,
                 struct spawned *ret_process, struct err *err);
void broker_init(struct broker *broker);
/* Starts it. One that ends takes the instances that it serves with it, and is started again, ever
 * later as long as it ends soon. */
int broker_open(struct supervisor *supervisor, struct broker *broker, struct err *err);
void broker_close(struct supervisor *supervisor, struct broker *broker);
/* A whole report, when its socket is ready; false: none. To one that sends anything else nobody
 * listens any more. */
bool broker_report(struct supervisor *supervisor, struct broker *broker, void *report, size_t size);
/*
 * A pair of sockets, of which the broker gets the one with `message`, and *ret_fd is the other, the
 * caller's. `little_answers`: what the broker sends holds a few bytes only.
 */
int broker_pair(struct broker *broker, const char *function, const void *message, size_t size,
                bool little_answers, int *ret_fd, struct err *err);

/* ---- supervisor_connector.c ---- */
/* Starts it, unless the operator allows no connection. */
int connector_open(struct supervisor *supervisor, struct err *err);
void connector_close(struct supervisor *supervisor);
/* The instance's end of its pair with the connector, the caller's; -1 without a grant to connect.
 */
int connector_pair(struct supervisor *supervisor, const struct function *function, uint64_t id,
                   int *ret_fd, struct err *err);

/* ---- supervisor_platform.c ---- */
/* Starts it, unless the operator allows no function its layer. */
int platform_open(struct supervisor *supervisor, struct err *err);
void platform_close(struct supervisor *supervisor);
/* The instance's end of its pair with the platform, the caller's; -1 without the layer. */
int platform_pair(struct supervisor *supervisor, const struct function *function, uint64_t id,
                  int *ret_fd, struct err *err);
/* The function is gone: so is what it kept. */
void platform_forget(struct supervisor *supervisor, uint32_t function_id);

/* ---- supervisor_bpf.c, supervisor_bpf_config.c ---- */
/* Reads allow_grants: bpf. */
int bpf_config_take(struct supervisor_config *config, yaml_document_t *document,
                    const yaml_node_t *value, struct err *err);
/* -EPERM when a manifest asks for more than that. */
int bpf_allowed(const struct supervisor_config *config, const struct manifest *manifest,
                struct err *err);
void bpf_init(struct supervisor *supervisor);
/* Starts the broker, unless the operator allows no function eBPF. */
int bpf_open(struct supervisor *supervisor, struct err *err);
void bpf_close(struct supervisor *supervisor);
/* A function of that number is no more: what it has pinned goes. Any thread. */
void bpf_forget(struct supervisor *supervisor, uint32_t id);
/* The instance's end of its pair with the broker, the caller's; -1 without the grant. */
int bpf_pair(struct supervisor *supervisor, const struct function *function,
             const struct cgroup *group, int *ret_fd, struct err *err);
