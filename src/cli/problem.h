/* What the daemon answers: JSON that is what it should be, or a problem with its exit code. */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"

struct err;
struct http_answer;
struct http_request;
struct json_object;

void json_free(struct json_object *json);
DEFINE_CLEANUP(struct json_object, json_free)

/* An answer that is the daemon's own problem document, not a function's answer. */
bool problem_is(const struct http_answer *answer);

/* The exit code of a problem's kind. `cause` may be NULL. */
int problem_exit(int status, const char *cause);

/*
 * Says on standard error why `verb` (of function `name`, or NULL) was refused, with a suggestion
 * for a name that does not exist, and the next step. Returns the exit code.
 */
int problem_print(const char *verb, const char *name, const struct http_answer *answer);
/* The same for a problem that came as a JSON object inside an answer. */
int problem_print_json(const char *verb, const char *name, struct json_object *problem);

/* Says that the daemon could not be asked, and how to start one; returns the exit code. */
struct err;
int problem_unreachable(const struct err *err);

/* GET of an admin page that answers 200 with JSON: the object, the caller's. An exit code. */
int admin_get(const char *verb, const char *name, const char *target,
              struct json_object **ret_json);

/*
 * A list that the daemon has: with -o json and -q it is printed here (of -q the texts under `key`),
 * as is `when_empty`. True: there is something for a table. Else *ret_exit is the exit code.
 * *ret_list is the caller's.
 */
bool admin_list(const char *verb, const char *target, const char *key, const char *when_empty,
                struct json_object **ret_list, int *ret_exit);

/* A member as text; `otherwise` when it is not there. Owned by the object. */
const char *json_text(struct json_object *object, const char *key, const char *otherwise);
/* A member as a number; 0 when it is not there. */
long long json_number(struct json_object *object, const char *key);

/* The page of a pVM below /system/pvms; as function_target(). */
char *pvm_target(const char *name, const char *rest);

/*
 * As http_admin(), for what the daemon does in turns: while it has as many as it takes at once,
 * this one waits (some ten minutes) and asks again, after on_wait() each time (or NULL).
 */
int admin_send(const struct http_request *request, void (*on_wait)(void *user), void *user,
               struct http_answer *answer, struct err *err);

/* As admin_get(), with another method. */
int admin_ask(const char *method, const char *verb, const char *name, const char *target,
              struct json_object **ret_json);

/* The page of a function below /system/functions, with `rest` behind; malloc'ed. */
char *function_target(const char *name, const char *rest);
