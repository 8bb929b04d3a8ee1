/* include/vireo/function.h, through a handler compiled as the build compiles one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "guest/call.h"
#include "guest/linker.h"
#include "guest/wasi.h"
#include "guest/wasm_runtime.h"
#include "library_file.h"

static struct library *library;
static struct guest_call call;

static int open_library(void **state)
{
    (void)state;
    library = library_of("handler");
    return 0;
}

static int close_library(void **state)
{
    (void)state;
    library_close(library);
    return 0;
}

static struct call_text text(const char *data)
{
    return (struct call_text){data, (uint32_t)strlen(data)};
}

static void set_call(const char *query, const char *body)
{
    call = (struct guest_call){
        .method = text("POST"),
        .path = text("/some/where"),
        .query = text(query),
        .header_names = {text("accept"), text("x-one")},
        .header_values = {text("*/*"), text("one's value")},
        .header_count = 2,
        .body = (const uint8_t *)body,
        .body_bytes = (uint32_t)strlen(body),
        .answer_max = RESPONSE_BODY_MAX_BYTES,
    };
}

static void open_instance(uint32_t pages_max, struct host *ret_host)
{
    struct wasi_options options = {0};
    struct err err = {0};

    assert_int_equal(wasm_runtime_init(&err), 0);
    *ret_host = (struct host){.memory_pages_max = pages_max, .call = &call};
    assert_int_equal(wasi_new(&options, &ret_host->wasi, &err), 0);
    if (wasm_instance_open(library, ret_host, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(wasm_instance_initialize(ret_host), HOST_RETURNED);
}

static void close_instance(struct host *host)
{
    wasm_instance_close(host);
    wasi_free(host->wasi);
}

struct served {
    struct host *host;
    int64_t result;
    char answer[256];
};

/* As the guest's loop does it. */
static void enter_served(void *argument)
{
    struct served *served = argument;
    struct host *host = served->host;
    const struct library_face *face = library_face(library);

    uint32_t at = face->request_buffer(host->instance, call.body_bytes);
    void *buffer = host_memory(host, at, call.body_bytes);
    if (!at || !buffer)
        return;
    memcpy(buffer, call.body, call.body_bytes);
    served->result = (int64_t)face->handle(host->instance, call.body_bytes, call.answer_max);
    if (served->result <= 0 || served->result >= (int64_t)sizeof served->answer)
        return;
    uint32_t answer_at = face->answer_buffer(host->instance);
    const void *answer = host_memory(host, answer_at, (uint64_t)served->result);
    if (answer)
        memcpy(served->answer, answer, (size_t)served->result);
}

static void serve(struct host *host, const char *query, const char *body, struct served *ret_served)
{
    set_call(query, body);
    *ret_served = (struct served){.host = host, .result = INT64_MIN};
    assert_int_equal(wasm_enter(host, enter_served, ret_served), HOST_RETURNED);
}

static void a_handler_sees_its_request(void **state)
{
    struct served served;
    struct host host;

    (void)state;
    open_instance(1024, &host);
    for (int i = 0; i < 100; i++) {
        serve(&host, "a=b", "some body", &served);
        assert_string_equal(served.answer,
                            "POST /some/where a=b one's value (none) same SOME BODY");
    }
    serve(&host, "", "", &served);
    assert_string_equal(served.answer, "POST /some/where  one's value (none) same ");
    assert_false(host.memory_refused);
    close_instance(&host);
}

static void calls_do_not_grow_the_memory(void **state)
{
    struct served served;
    struct host host;

    (void)state;
    open_instance(1024, &host);
    serve(&host, "a=b", "body", &served);
    uint32_t pages = host.memory->pages;
    for (int i = 0; i < 1000; i++)
        serve(&host, "a=b", "body", &served);
    assert_int_equal(host.memory->pages, pages);
    close_instance(&host);
}

static void a_handler_sets_status_and_headers(void **state)
{
    struct served served;
    struct host host;

    (void)state;
    open_instance(1024, &host);
    serve(&host, "headers", "", &served);
    assert_string_equal(served.answer, "good");
    assert_int_equal(call.status, 201);
    assert_int_equal(call.response_header_count, 1);
    assert_memory_equal(call.response_head, "Content-Type\0text/x-test", 25);
    close_instance(&host);
}

static void a_handlers_own_failure_comes_back(void **state)
{
    struct served served;
    struct host host;

    (void)state;
    open_instance(1024, &host);
    serve(&host, "fail", "", &served);
    assert_int_equal(served.result, -42);
    close_instance(&host);
}

static void the_answers_room_is_the_limit_or_half_of_the_memory(void **state)
{
    struct served served;
    struct host host;

    (void)state;
    open_instance(1024, &host);
    serve(&host, "capacity", "", &served);
    assert_int_equal(served.result, RESPONSE_BODY_MAX_BYTES);
    close_instance(&host);
    open_instance(64, &host); /* 4 MiB */
    for (int i = 0; i < 2; i++) {
        serve(&host, "capacity", "", &served);
        assert_in_range(served.result, 1 << 20, 2 << 20);
    }
    serve(&host, "a=b", "some body", &served);
    assert_string_equal(served.answer, "POST /some/where a=b one's value (none) same SOME BODY");
    assert_false(host.memory_refused);
    close_instance(&host);
}

static void large_bodies_arrive_whole(void **state)
{
    enum { BYTES = 5 << 20 };
    _cleanup_(freep) char *body = malloc(BYTES + 1);
    struct served served;
    struct host host;

    (void)state;
    memset(body, 'b', BYTES);
    body[BYTES] = '\0';
    open_instance(1024, &host);
    serve(&host, "a=b", body, &served);
    assert_true(served.result > BYTES);
    uint32_t at = library_face(library)->answer_buffer(host.instance);
    const char *answer = host_memory(&host, at, (uint64_t)served.result);
    assert_non_null(answer);
    assert_int_equal(answer[served.result - 1], 'B');
    close_instance(&host);
}

/* A body that the instance's memory can't hold is told by a null buffer, not a trap. */
static void a_body_that_does_not_fit_gets_no_buffer(void **state)
{
    struct host host;

    (void)state;
    open_instance(16, &host);
    struct served served;
    enum { BYTES = 2 << 20 };
    _cleanup_(freep) char *body = malloc(BYTES + 1);
    memset(body, 'b', BYTES);
    body[BYTES] = '\0';
    serve(&host, "a=b", body, &served);
    assert_int_equal(served.result, INT64_MIN);
    assert_true(host.memory_refused);
    close_instance(&host);
}

/* ---- host functions against a hostile guest ---- */

uint32_t Z_vireoZ_request_text(struct host *host, uint32_t which, uint32_t to, uint32_t capacity);
uint32_t Z_vireoZ_request_header(struct host *host, uint32_t name, uint32_t name_bytes, uint32_t to,
                                 uint32_t capacity);
uint32_t Z_vireoZ_response_header(struct host *host, uint32_t name, uint32_t name_bytes,
                                  uint32_t value, uint32_t value_bytes);

static void text_outside(void *argument)
{
    Z_vireoZ_request_text(argument, 1, UINT32_MAX - 2, 100);
}

static void name_outside(void *argument)
{
    Z_vireoZ_request_header(argument, 8, UINT32_MAX, 0, 0);
}

static void value_outside(void *argument)
{
    struct host *host = argument;

    Z_vireoZ_response_header(host, 8, 1, host->memory->size - 1, 2);
}

static void pointers_outside_of_memory_trap(void **state)
{
    void (*const calls[])(void *) = {text_outside, name_outside, value_outside};
    struct host host;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        set_call("", "");
        open_instance(64, &host);
        assert_int_equal(wasm_enter(&host, calls[i], &host), HOST_TRAPPED);
        assert_string_equal(host.trap, "out of bounds memory access");
        close_instance(&host);
    }
}

static void unknown_texts_and_no_call_are_absent(void **state)
{
    struct host host;

    (void)state;
    set_call("", "");
    open_instance(64, &host);
    assert_int_equal(Z_vireoZ_request_text(&host, 5, 0, 0), UINT32_MAX);
    assert_int_equal(Z_vireoZ_request_text(&host, UINT32_MAX, 0, 0), UINT32_MAX);
    host.call = NULL;
    assert_int_equal(Z_vireoZ_request_text(&host, 0, 0, 0), UINT32_MAX);
    assert_int_equal(Z_vireoZ_request_header(&host, 0, 0, 0, 0), UINT32_MAX);
    assert_int_equal(Z_vireoZ_response_header(&host, 0, 0, 0, 0), UINT32_MAX);
    close_instance(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_sees_its_request),
        cmocka_unit_test(calls_do_not_grow_the_memory),
        cmocka_unit_test(a_handler_sets_status_and_headers),
        cmocka_unit_test(a_handlers_own_failure_comes_back),
        cmocka_unit_test(the_answers_room_is_the_limit_or_half_of_the_memory),
        cmocka_unit_test(large_bodies_arrive_whole),
        cmocka_unit_test(a_body_that_does_not_fit_gets_no_buffer),
        cmocka_unit_test(pointers_outside_of_memory_trap),
        cmocka_unit_test(unknown_texts_and_no_call_are_absent),
    };
    return cmocka_run_group_tests(tests, open_library, close_library);
}
