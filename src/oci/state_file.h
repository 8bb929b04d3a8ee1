/* state.json, read and written. */
#pragma once

#include "oci/state.h"

/* Fills what is in the file; -ENOENT: it is not there (yet). */
int state_file_read(struct oci_state *state, struct err *err);

/* Frees what state_file_read() filled. */
void state_file_forget(struct oci_state *state);
