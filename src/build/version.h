/*
 * Versions and ranges of them, as manifests say them: ">=1.2 <2", "=1.4.1", "1.4.1", "*". A range
 * is conditions that all hold, set apart by blanks or commas: >=, >, <=, <, = (or nothing) and !=.
 */
#pragma once

#include <stdbool.h>

struct err;

/*
 * Parts between points are compared as numbers where both are numbers, else as text; a part that is
 * not there is 0. What follows a '-' comes before the version without it (1.2-rc1 < 1.2); what
 * follows a '+' says nothing. Negative, 0 or positive.
 */
int version_compare(const char *one, const char *other);

/* -EINVAL with the reason alone when `range` is none. "" is any version. */
int version_range_check(const char *range, struct err *reason);
/* Whether `version` is in a range that version_range_check() took. */
bool version_in_range(const char *version, const char *range);
