/*
 * The guest's own ELF linker: maps a sealed library, binds its undefined symbols to
 * library_symbols.h and nothing else, applies relocations, and makes it read-only and executable.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "guest/library.h"
#include "guest/linker_tree.h"

struct err;
struct library; /* a mapped library; lives as long as the process, or library_close() */

/*
 * Maps and links the library in the sealed memfd `fd` (an ELF file; bytes behind it, such as the
 * signature, are ignored). Everything in it is checked again: it is refused, not crashed on, when
 * truncated, with a relocation outside its image, writable code, TLS, constructors, an ifunc, or
 * a symbol that is not on the list. `fd` stays the caller's. No file is mapped both writable and
 * executable, at any time. Errors: -ENOEXEC (not such a file), -ENOENT (an unknown symbol),
 * -ENOMEM.
 */
int library_open(int fd, struct library **ret_library, struct err *err);
/* The same for one that runs behind its filter: how long the file is, and that it is sealed, comes
 * from the supervisor. 0: looked up. */
int library_open_bytes(int fd, uint64_t bytes, struct library **ret_library, struct err *err);
void library_close(struct library *library);

/*
 * A function of native code, the first of `files`, with the libraries that it is linked with, into
 * an empty tree. The library is the tree's.
 */
int library_open_tree(struct link_tree *tree, const struct link_file *files, size_t count,
                      struct library **ret_library, struct err *err);
/* What the guest itself gives to native code of this name, or 0: native_symbols.h. */
uintptr_t library_host_function(const char *name);

const struct library_face *library_face(const struct library *library);

/*
 * The name of the function that holds `address`, as WebAssembly's name section had it (without
 * wasm2c's prefix and escapes), into `name`. Returns 0, or -ENOENT when no function holds it.
 */
int library_function_at(const struct library *library, uintptr_t address, char *name, size_t size);
