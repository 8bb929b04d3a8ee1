/*
 * Compiled seccomp programs, kept: libseccomp takes milliseconds for an engine's profile, which is
 * the same for nearly all containers. The directory is the user's own and nobody else's
 * (/run/vireo-oci-cache, or below $XDG_RUNTIME_DIR), a restart of the machine empties it, and it
 * has a fixed number of places. A program is taken for exactly the text that it was made of,
 * compared byte by byte; whatever else is found there is as good as nothing.
 */
#pragma once

#include <stddef.h>

struct oci_seccomp;
struct vkernel;

/* The text that a program depends on: the rules and who compiles them. malloc'ed; NULL: no memory.
 */
char *seccomp_cache_key(const struct oci_seccomp *seccomp);

/* The same of a profile (NULL: none) merged with a virtual kernel's table: the program depends on
 * this very runtime, for the profiles by name and the compiler are its own. */
char *seccomp_cache_key_merged(const struct oci_seccomp *seccomp, const struct vkernel *vkernel);

/* The program for `key`, malloc'ed, or NULL: it is not there. */
void *seccomp_cache_take(const char *key, size_t *ret_bytes);

/* Keeps a program; a failure only means that it is compiled again. */
void seccomp_cache_keep(const char *key, const void *program, size_t bytes);
