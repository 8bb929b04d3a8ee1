/*
 * The heap of native code: the C library's, and a list of what is allocated, so that pointers in it
 * can be changed when a library is replaced (linker_replace.c).
 */
#pragma once

#include <stddef.h>

/* Bound to native code's malloc() and the like. */
void *native_malloc(size_t bytes);
void *native_calloc(size_t count, size_t bytes);
void *native_realloc(void *old, size_t bytes);
void *native_aligned_alloc(size_t align, size_t bytes);
void native_free(void *block);
char *native_strdup(const char *text);
char *native_strndup(const char *text, size_t max);

/* Visits all that is allocated, until `visit` returns other than 0, which is returned. */
int native_heap_each(int (*visit)(void *block, size_t bytes, void *user), void *user);
