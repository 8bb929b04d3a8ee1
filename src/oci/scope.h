/*
 * The systemd manager of control groups: a container's groups are those of a transient scope, made
 * by systemd at the request of `busctl`, its own client of the bus. This program is static and
 * carries no library of D-Bus; where systemd runs, busctl is there.
 */
#pragma once

#include "oci/launch.h"

struct err;

/*
 * Starts the scope that linux.cgroupsPath names ("SLICE:PREFIX:NAME"), with the limits that systemd
 * writes anew when it reloads. A scope wants a process: *ret_holder is one that sleeps in it, the
 * caller's child to kill when the container's own is there (it dies with the caller, too).
 * Fills the scope and the path of the groups in `place`. On failure nothing is left.
 */
int scope_start(const struct oci_config *config, const char *id, struct oci_place *place,
                pid_t *ret_holder, struct err *err);

/*
 * Moves this process below the user's own systemd, into a scope that ends with it. Who calls from a
 * login session is outside, and the kernel lets only root start a process from there in a group of
 * that systemd's; the system's one moves it for the user.
 */
int scope_go_below(struct err *err);

/* The limits of an update, told to systemd. */
int scope_update(const struct oci_place *place, const struct oci_resources *resources,
                 struct err *err);

/* Ends the scope and forgets that it failed; fine when it is gone. */
void scope_stop(const struct oci_place *place);
