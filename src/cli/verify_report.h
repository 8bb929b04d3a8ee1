/* The verifier's report, for people. */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>

/* The verdict, what is open with its lines, the bounds; `source` is what the user named. */
void verify_report_print(struct json_object *report, const char *source);
/*
 * The source with a mark beside each line that has obligations, and below it what is open: the file
 * at `path`; or, of a folder, and of what IR (`ir`) beside its sources was made of, each file that
 * the report names. An exit code.
 */
int verify_report_annotate(struct json_object *report, const char *path, bool ir);
