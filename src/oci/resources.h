/* For the files of resources only: one value into one file, if its tree is of this version. */
#pragma once

#include "oci/groups.h"

/* `what` is the value's name in config.json. -1 is "no limit", in each version's words. */
int resource_number(struct cgroup_place *groups, bool unified, const char *controller,
                    const char *what, const char *file, bool set, int64_t value, struct err *err);
int resource_text(struct cgroup_place *groups, bool unified, const char *controller,
                  const char *what, const char *file, const char *text, struct err *err);
/* The names of config.json's lists. */
extern const char *const resource_throttle_names[OCI_THROTTLES];
int resource_shared(struct cgroup_place *groups, const struct oci_resources *resources,
                    bool unified, struct err *err);
