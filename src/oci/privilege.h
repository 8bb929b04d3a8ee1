/* Who runs this runtime. */
#pragma once

#include <stdbool.h>

/* Root, and not only of a user namespace that an engine made for somebody else (rootless podman).
 */
bool oci_is_root(void);
