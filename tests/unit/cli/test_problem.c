/* The daemon's problems become exit codes; a function's own answers don't. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/http.h"
#include "cli/problem.h"
#include "cmocka_all.h"

const struct cli_verb cli_verbs[] = {{NULL, NULL, NULL, NULL, NULL}};

static void each_status_and_cause_has_its_code(void **state)
{
    static const struct {
        int status;
        const char *cause;
        int exit;
    } problems[] = {
        {404, "not-found", CLI_NOT_FOUND},  {413, "request-too-large", CLI_LIMIT},
        {429, "busy", CLI_LIMIT},           {431, "head-too-large", CLI_LIMIT},
        {504, "timeout", CLI_LIMIT},        {502, "memory", CLI_LIMIT},
        {502, "pids", CLI_LIMIT},           {502, "trap", CLI_FAILED},
        {502, "exit", CLI_FAILED},          {502, "crash", CLI_FAILED},
        {502, "syscall", CLI_FAILED},       {502, NULL, CLI_FAILED},
        {503, "stopping", CLI_UNREACHABLE}, {400, "invalid", CLI_USAGE},
        {405, "method", CLI_USAGE},         {403, "refused", CLI_REFUSED},
        {507, "no-space", CLI_LIMIT},       {500, NULL, CLI_FAILED},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(problems); i++)
        assert_int_equal(problem_exit(problems[i].status, problems[i].cause), problems[i].exit);
}

static bool is_problem(int status, const char *type, const char *body)
{
    struct http_answer answer = {.status = status, .size = strlen(body)};
    snprintf(answer.content_type, sizeof answer.content_type, "%s", type);
    answer.body = strdup(body);
    bool result = problem_is(&answer);
    http_answer_clear(&answer);
    return result;
}

static void only_a_whole_problem_document_is_one(void **state)
{
    static const char good[] = "{\"status\":404,\"cause\":\"not-found\",\"detail\":\"no such\"}";
    (void)state;
    assert_true(is_problem(404, "application/problem+json", good));
    assert_false(is_problem(200, "application/problem+json", good));
    assert_false(is_problem(404, "application/json", good));
    assert_false(is_problem(404, "application/problem+json", "{\"status\":404}"));
    assert_false(is_problem(404, "application/problem+json", "[1,2]"));
    assert_false(is_problem(404, "application/problem+json", "not JSON"));
    assert_false(is_problem(404, "application/problem+json", ""));
}

static void a_name_is_encoded_in_its_page(void **state)
{
    (void)state;
    _cleanup_(freep) char *plain = function_target("hello", "/logs");
    assert_string_equal(plain, "/system/functions/hello/logs");
    _cleanup_(freep) char *hostile = function_target("../x?y#z", "");
    assert_string_equal(hostile, "/system/functions/..%2Fx%3Fy%23z");
}

static void nesting_without_end_is_no_json(void **state)
{
    char deep[4096];
    (void)state;
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_false(is_problem(500, "application/problem+json", deep));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_and_cause_has_its_code),
        cmocka_unit_test(only_a_whole_problem_document_is_one),
        cmocka_unit_test(a_name_is_encoded_in_its_page),
        cmocka_unit_test(nesting_without_end_is_no_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
