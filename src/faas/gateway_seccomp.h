/* What a gateway may still do once it serves: its own system-call filter. */
#pragma once

struct err;

enum gateway_role { GATEWAY_ROLE_CALLS, GATEWAY_ROLE_ADMIN };

/*
 * Sets no_new_privs, not dumpable, and a filter that lets through what the event loop, MHD and
 * malloc need: no new files or sockets, no programs, no executable memory. Everything else is
 * answered EPERM. To be called once, when all descriptors are open and before the first request.
 */
int gateway_seccomp_install(enum gateway_role role, struct err *err);
