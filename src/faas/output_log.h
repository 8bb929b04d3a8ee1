/*
 * What functions say, and their calls, in the daemon's log. Output goes there in the forms for
 * programs only (json, journal): what a person reads stays the daemon's own, and `vireo logs` has
 * the rest. Messages are checked ones (telemetry_check()).
 */
#pragma once

#include "faas/telemetry.h"

/* Output, a message a line. */
void output_log(const struct telemetry_log *log);
/* A call that is over. */
void output_log_call(const struct telemetry_call *call);
