/* Hooks of the runtime's namespaces: programs that are told the container's state. */
#pragma once

#include "oci/config.h"

struct err;

/*
 * Runs them one after the other: `state_json` on standard input, `cwd` as directory, their own
 * environment, or where the file has none the runtime's. The first that fails, or is not done in
 * its time (it is killed then, with what it started in its process group), ends it: -EIO or
 * -ETIMEDOUT, with its path.
 */
int oci_hooks_run(const struct oci_config *config, enum oci_hook_kind kind, const char *state_json,
                  const char *cwd, struct err *err);
/* The same, but all are run and failures are only told to `warn`. */
void oci_hooks_run_all(const struct oci_config *config, enum oci_hook_kind kind,
                       const char *state_json, const char *cwd,
                       void (*warn)(void *data, const char *message), void *data);
