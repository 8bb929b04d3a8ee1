/* linux.netDevices of specification 1.3: network devices that move into the container's network. */
#pragma once

#include <sys/types.h>

struct err;
struct oci_config;

/*
 * Moves what the configuration names into the network namespace of process `pid`, with the new
 * names, their permanent global addresses, and up; all or none (what comes back is up, too).
 * *ret_network is that namespace (the caller's to close), for net_devices_return(). Nothing is
 * looked at twice: a name that is taken there, or is no device here, is the kernel's to refuse and
 * named. CAP_NET_ADMIN over both, and CAP_SYS_ADMIN over both to be there for the length of a
 * socket(2). Of one thread.
 */
int net_devices_move(const struct oci_config *config, pid_t pid, int *ret_network, struct err *err);

/* Of a create that failed later: with the namespace most devices would end too. */
void net_devices_return(const struct oci_config *config, int network);
