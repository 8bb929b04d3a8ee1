/* What `vireo deploy` makes of a bundle, a root file system, or a folder that holds one. */
#pragma once

#include <stdbool.h>

#include "cli/options.h"

struct err;

struct container_source {
    char root[4096];               /* the directory of the root file system */
    char manifest[4096];           /* a vireo.yaml beside it; "": none */
    char directory[256];           /* of the bundle's process; "": not said */
    struct cli_list words, params; /* the bundle's command and variables; of `document` */
    struct json_object *document;
};

/*
 * Looks at what `path` is: 1: a bundle (config.json), a folder with rootfs/ and vireo.yaml, or,
 * when a command was given (`has_command`), any folder without vireo.yaml: a root file system; 0:
 * something to build. -errno.
 */
int container_source_find(const char *path, bool has_command, struct container_source *ret_source,
                          struct err *err);
void container_source_clear(struct container_source *source);
