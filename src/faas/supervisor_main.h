/* The supervisor's one entry. */
#pragma once

struct err;
struct supervisor_config;

/* Serves until SIGTERM or SIGINT. 0 after a proper stop, or why it could not start. */
int supervisor_serve(const struct supervisor_config *config, struct err *err);
