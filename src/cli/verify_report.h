/* The verifier's report, for people. */
#pragma once

#include <json-c/json.h>

/* The verdict, what is open with its lines, the bounds; `source` is what the user named. */
void verify_report_print(struct json_object *report, const char *source);
/* The file at `path` with a mark beside each line that has obligations, and what is open below it.
 */
int verify_report_annotate(struct json_object *report, const char *path);
