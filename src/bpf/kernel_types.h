/* The kernel's own type information: parsed once, and had by every process that is forked then. */
#pragma once

#include <bpf/bpf.h>

struct btf;

/* Parses it, the caller's. NULL: there is none. */
struct btf *kernel_types_parse(void);

/* The broker's, before there are sessions. -errno. */
int kernel_types_open(void);
/* The broker's, before it forks a session: parses it once one has asked for it. */
void kernel_types_prepare(void);
/* A session's: the first that asks parses it. It stays this file's; NULL: there is none. */
const struct btf *kernel_types(void);
/* The number of what a program of this attach type is for, as libbpf_find_vmlinux_btf_id(3).
 * -ENOENT; -ESRCH: there is no type information. */
int kernel_types_find(const char *name, enum bpf_attach_type type);
