/* Linking a function of native code with its libraries, and what a call of nobody's function is. */
#include <stdio.h>
#include <string.h>

#include "guest/libraries.h"
#include "guest/linker.h"
#include "guest/parts.h"
#include "guest/template.h"
#include "guest/wasm_internal.h"

/* A trap, at the call: the libraries' code is on the call stack of a handler. An attribute of the
 * type, which _Noreturn is not.
 */
__attribute__((noreturn)) static void missing(const char *name, uintptr_t return_address)
{
    static char trap[128];

    snprintf(trap, sizeof trap, "no library that is linked has '%.80s'", name);
    wasm_trap_at(trap, return_address - 1);
}

int libraries_open(const struct guest_setup *setup, int library_fd, const int *dependency_fds,
                   struct link_tree **ret_tree, struct library **ret_library, struct err *err)
{
    const struct link_tree_options options = {.host = library_host_function, .missing = missing};
    struct link_file files[1 + DEPENDENCIES_MAX] = {{.fd = library_fd}};

    memcpy(files[0].name, setup->function, sizeof files[0].name);
    for (uint32_t i = 0; i < setup->dependency_count; i++) {
        files[1 + i].fd = dependency_fds[i];
        memcpy(files[1 + i].name, setup->dependencies[i], sizeof files[0].name);
    }
    int r = link_tree_new(&options, ret_tree, err);
    return r < 0
               ? r
               : library_open_tree(*ret_tree, files, 1 + setup->dependency_count, ret_library, err);
}

int libraries_open_parts(const struct guest_setup *setup, int library_fd, const int *dependency_fds,
                         struct parts **ret_parts, struct library **ret_library, struct err *err)
{
    struct link_file files[DEPENDENCIES_MAX] = {0};
    struct host host = {0}; /* nothing is open yet */

    for (uint32_t i = 0; i < setup->dependency_count; i++) {
        files[i].fd = dependency_fds[i];
        memcpy(files[i].name, setup->dependencies[i], sizeof files[i].name);
    }
    int r = library_open(library_fd, ret_library, err);
    if (r == 0)
        r = parts_new(&host.parts, err);
    if (r < 0)
        return r;
    host.library = *ret_library;
    *ret_parts = host.parts;
    return parts_link(&host, files, setup->dependency_count, err);
}
