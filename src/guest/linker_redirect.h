/* Where in a new version of a library lies what a pointer into the one before leads to. */
#pragma once

#include <stdint.h>

struct err;
struct library;
struct redirect;
struct symbol_map;

/* Both maps were compared. *ret_redirect is for redirect_free(). -ENOMEM. */
int redirect_new(const struct library *old, const struct symbol_map *from,
                 const struct library *next, const struct symbol_map *to,
                 struct redirect **ret_redirect, struct err *err);
void redirect_free(struct redirect *redirect);

/*
 * 0: the value is no pointer into the old library. 1: *ret_value is where it leads now: into the
 * variable of that name, to the function of that name, to the same text. -EPERM naming what is
 * gone.
 */
int redirect_value(const struct redirect *redirect, uintptr_t value, uintptr_t *ret_value,
                   struct err *err);
