/* Completions for shells: made from the verb table, as the help and the man page are. */
#pragma once

#include <stdbool.h>

/* The words of `vireo help`'s page on options of every verb. */
extern const char cli_global_help[];

/* The completion of vireo for this shell on standard output. False: there is none for it. */
bool cli_completion_print(const char *shell);
