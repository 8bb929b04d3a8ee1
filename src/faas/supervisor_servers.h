/* Functions that listen on ports of their own, and whose instance stays. */
#pragma once

#include "faas/supervisor.h"

/* ---- supervisor_servers.c ---- */
/* Before the network namespace is left. */
int servers_keep_network(struct supervisor *supervisor, struct err *err);
int servers_open(struct supervisor *supervisor, struct err *err);
/* Starts those of the registry; one that can't be is tried again. */
void servers_start(struct supervisor *supervisor);
void servers_bury(struct supervisor *supervisor); /* frees the dead ones */
void servers_close(struct supervisor *supervisor);
/*
 * Opens the manifest's listening sockets, each of GRANT_LISTEN_MAX -1 before, in the machine's
 * network; one that `function` has already is duplicated. -EADDRINUSE. What was opened is the
 * caller's, after a failure too.
 */
int servers_listen(struct supervisor *supervisor, const struct manifest *manifest,
                   const char *function, int *listeners, struct err *err);
/* Makes it a server and starts it; takes the sockets over, or opens them itself (NULL). */
int server_set(struct supervisor *supervisor, struct function *function, int *listeners,
               struct err *err);
/* Ends it, with all of its templates, and closes its ports. Nothing when it is no server. */
void server_drop(struct supervisor *supervisor, struct function *function);
/* As soon as it has a template, which it asks for. */
void server_start(struct supervisor *supervisor, struct function *function);
/* It ended, or could not be started: it is tried again later. */
void server_ended(struct supervisor *supervisor, struct function *function, const char *how);
void server_failed(struct supervisor *supervisor, struct function *function, const char *reason);
const char *server_state(const struct server *server);
/* Into the machine's network and back, for this thread. *ret_own is for going back, which can't
 * fail: what could not would make every later pVM the machine's neighbour, and ends the daemon. */
int network_enter(struct supervisor *supervisor, int *ret_own);
void network_leave(int own);
