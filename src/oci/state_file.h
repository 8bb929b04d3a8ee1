/* A state's file, read and written. */
#pragma once

#include "oci/state.h"

#define STATE_FILE_SUFFIX ".json"

/* Fills what is in the file; -ENOENT: nothing (yet). */
int state_file_read(struct oci_state *state, struct err *err);

/* Of a file that state_file_read() refuses, the place alone; left as it is if that is damaged too.
 */
void state_file_read_place(struct oci_state *state);

/* The text of its config.json, malloc'ed, with a NUL after its end. */
int state_file_config(const struct oci_state *state, char **ret_text, size_t *ret_bytes,
                      struct err *err);

/* Frees what state_file_read() filled. */
void state_file_forget(struct oci_state *state);
