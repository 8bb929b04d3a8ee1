/* What a build is doing, shown while it runs: a line that moves on a terminal, plain lines else. */
#pragma once

#include <stdbool.h>

struct progress;

/*
 * Starts showing progress on standard error: animated when that is a terminal; plain lines when it
 * is not and `plain`; nothing at all when neither or `quiet`. NULL when there is no memory, which
 * every function here accepts.
 */
struct progress *progress_new(bool plain, bool quiet);
/* A stage began ("compile"); the one before is done. The text is copied. */
void progress_stage(struct progress *progress, const char *stage);
/* All is over: the last stage's line ends as done or failed. Frees it. */
void progress_free(struct progress *progress, bool failed);
