/* The native libraries of a function that is linked with some, or may be. */
#pragma once

#include <stdint.h>

struct err;
struct guest_setup;
struct library;
struct link_tree;

/*
 * In the template: links the function's own library with its dependencies; the descriptors are in
 * the order of setup->dependencies. Both results live as long as the process.
 */
struct parts;
/* The same of translated code; the parts are of the function's own. */
int libraries_open_parts(const struct guest_setup *setup, int library_fd, const int *dependency_fds,
                         struct parts **ret_parts, struct library **ret_library, struct err *err);
int libraries_open(const struct guest_setup *setup, int library_fd, const int *dependency_fds,
                   struct link_tree **ret_tree, struct library **ret_library, struct err *err);
