/*
 * The connector's process: started when the operator allows any connection; and the pair of
 * sockets that each instance and it have.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/connector.h"
#include "faas/supervisor.h"
#include "faas/supervisor_audit.h"
#include "faas/supervisor_outside.h"
#include "pvm/spawn.h"

#define PROCESSES 256

static int spawn(struct supervisor *supervisor, int socket, struct spawned *ret_process,
                 struct err *err)
{
    char *argv[2 + ARRAY_LEN(supervisor->config.allow_connect)] = {(char[]){"vireo-connector"}};
    const int fds[] = {-1, -1, 2, socket};

    for (unsigned i = 0; i < supervisor->config.allow_connect_count; i++)
        argv[1 + i] = supervisor->config.allow_connect_text[i];
    const struct broker_program program = {.what = "connector",
                                           .program_fd = supervisor->connector_fd,
                                           .uid_offset = UID_CONNECTOR,
                                           .fds = fds,
                                           .fd_count = ARRAY_LEN(fds),
                                           .argv = argv,
                                           .processes = PROCESSES};
    return broker_spawn(supervisor, &program, ret_process, err);
}

static bool serves(const struct function *function)
{
    return manifest_connects(&function->manifest);
}

static void report_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct connector_report report;

    (void)source;
    (void)events;
    if (!broker_report(supervisor, &supervisor->connector, &report, sizeof report))
        return;
    report.function[sizeof report.function - 1] = '\0';
    const struct function *function = function_find(supervisor, report.function);
    const struct audit_use use = {
        .uses = report.uses, .denied = report.denied, .limited = report.limited};
    if (function)
        audit_note(supervisor, function->row.name, allow_find("vireo_connect")->name, &use);
}

int connector_open(struct supervisor *supervisor, struct err *err)
{
    if (supervisor->config.allow_connect_count == 0)
        return 0;
    supervisor->connector.what = "connector";
    supervisor->connector.spawn = spawn;
    supervisor->connector.serves = serves;
    supervisor->connector.socket.ready = report_ready;
    return broker_open(supervisor, &supervisor->connector, err);
}

void connector_close(struct supervisor *supervisor)
{
    broker_close(supervisor, &supervisor->connector);
}

int connector_pair(struct supervisor *supervisor, const struct function *function, uint64_t id,
                   int *ret_fd, struct err *err)
{
    static struct connector_instance message;
    const struct manifest *manifest = &function->manifest;

    *ret_fd = -1;
    if (!(function->current->grants & (GUEST_GRANT_CONNECT | GUEST_GRANT_PROVED_CONNECT)))
        return 0;
    memset(&message, 0, sizeof message);
    message.id = id;
    message.count = manifest->connect_count;
    memcpy(message.function, function->row.name, strlen(function->row.name));
    memcpy(message.endpoints, manifest->connect, sizeof message.endpoints);
    return broker_pair(&supervisor->connector, function->row.name, &message, sizeof message, true,
                       ret_fd, err);
}
