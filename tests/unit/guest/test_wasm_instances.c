/* Memories keep to their limits, instances to themselves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "guest/linker.h"
#include "guest/wasi.h"
#include "guest/wasm_runtime.h"
#include "library_file.h"

/* See modules/traps.wat. */
enum { GROW = 16, COUNT = 18 };

static int64_t grow(struct host *host, uint32_t pages)
{
    int64_t before = 0;

    assert_int_equal(instance_handle(host, GROW, pages, &before), HOST_RETURNED);
    return before;
}

static void memory_grows_to_the_limit_and_no_further(void **state)
{
    struct library *library = library_of("traps");
    struct host host;

    (void)state;
    instance_of(library, 8, &host);
    assert_int_equal(grow(&host, 0), 1);
    assert_int_equal(grow(&host, 7), 1);
    assert_int_equal(host.memory->size, 8 * 65536);
    memset(host_memory(&host, 7 * 65536, 65536), 1, 65536);
    assert_false(host.memory_refused);
    assert_int_equal(grow(&host, 1), -1);
    assert_true(host.memory_refused);
    assert_int_equal(grow(&host, 0), 8);
    assert_int_equal(grow(&host, UINT32_MAX), -1);
    wasm_instance_close(&host);
    library_close(library);
}

static void the_modules_own_limit_is_not_the_instances(void **state)
{
    struct library *library = library_of("traps");
    struct host host;

    (void)state;
    instance_of(library, 65535, &host);
    assert_int_equal(grow(&host, 100), -1); /* it says: 100 pages at most */
    assert_false(host.memory_refused);
    assert_int_equal(grow(&host, 99), 1);
    wasm_instance_close(&host);
    library_close(library);
}

static void fresh_memory_is_zero_and_not_executable(void **state)
{
    struct library *library = library_of("traps");
    struct host host;
    char line[256];
    bool found = false;

    (void)state;
    instance_of(library, 8, &host);
    assert_int_equal(grow(&host, 1), 1);
    const uint8_t *fresh = host_memory(&host, 65536, 65536);
    for (int i = 0; i < 65536; i++)
        assert_int_equal(fresh[i], 0);
    _cleanup_(fclosep) FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char protection[8];
        if (sscanf(line, "%lx-%lx %7s", &start, &end, protection) != 3)
            continue;
        if ((uintptr_t)fresh >= start && (uintptr_t)fresh < end) {
            assert_string_equal(protection, "rw-p");
            found = true;
        }
    }
    assert_true(found);
    wasm_instance_close(&host);
    library_close(library);
}

static void two_instances_share_nothing(void **state)
{
    struct library *library = library_of("traps");
    struct host one, other;
    int64_t count = 0;

    (void)state;
    instance_of(library, 8, &one);
    instance_of(library, 8, &other);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(instance_handle(&one, COUNT, 1, &count), HOST_RETURNED);
        assert_int_equal(count, 100 + i);
    }
    assert_int_equal(instance_handle(&other, COUNT, 1, &count), HOST_RETURNED);
    assert_int_equal(count, 101);
    assert_int_equal(*(uint32_t *)host_memory(&one, 8, 4), 103);
    assert_int_equal(*(uint32_t *)host_memory(&other, 8, 4), 101);
    wasm_instance_close(&one);
    /* The other one still runs. */
    assert_int_equal(instance_handle(&other, COUNT, 1, &count), HOST_RETURNED);
    assert_int_equal(count, 102);
    wasm_instance_close(&other);
    wasm_instance_close(&other);
    library_close(library);
}

static void the_same_library_opens_twice(void **state)
{
    struct library *one = library_of("traps");
    struct library *other = library_of("traps");
    struct host host;
    int64_t count = 0;

    (void)state;
    library_close(one);
    instance_of(other, 8, &host);
    assert_int_equal(instance_handle(&host, COUNT, 0, &count), HOST_RETURNED);
    assert_int_equal(count, 101);
    wasm_instance_close(&host);
    library_close(other);
}

static void guest_pointers_are_checked_whole(void **state)
{
    struct library *library = library_of("traps");
    struct host host;

    (void)state;
    instance_of(library, 8, &host);
    assert_non_null(host_memory(&host, 0, 65536));
    assert_non_null(host_memory(&host, 65536, 0));
    assert_null(host_memory(&host, 0, 65537));
    assert_null(host_memory(&host, 65535, 2));
    assert_null(host_memory(&host, UINT32_MAX, 1));
    assert_null(host_memory(&host, 1, UINT64_MAX >> 1));
    wasm_instance_close(&host);
    assert_null(host_memory(&host, 0, 1));
    library_close(library);
}

static void expect_refused(const char *name, uint32_t pages_max, int code, const char *message)
{
    struct library *library = library_of(name);
    struct host host = {.memory_pages_max = pages_max};
    struct err err = {0};

    assert_int_equal(wasm_instance_open(library, &host, &err), code);
    assert_string_equal(err.message, message);
    assert_null(host.instance);
    assert_null(host.memory);
    library_close(library);
}

static void what_is_too_large_is_refused_by_numbers(void **state)
{
    (void)state;
    expect_refused("large", 256, -E2BIG,
                   "cannot start function: it needs 32 MiB of memory, the limit is 16 MiB");
    expect_refused("large", 33, -E2BIG,
                   "cannot start function: it needs 32 MiB of memory, the limit is 2112 KiB");
    expect_refused("large_table", 256, -E2BIG,
                   "cannot start function: it needs a table of 2000000 elements, the limit is "
                   "1048576");
    expect_refused("data_outside", 256, -EFAULT,
                   "cannot start function: out of bounds memory or table access");
}

static void enter_start(void *argument)
{
    struct host *host = argument;

    library_face(host->library)->start(host->instance);
}

static void a_command_exits_with_its_status(void **state)
{
    const char *const args[] = {"hello"};
    struct wasi_options options = {.args = args, .arg_count = 1};
    struct library *library = library_of("hello");
    struct host host = {.memory_pages_max = 64};
    struct err err = {0};

    (void)state;
    assert_int_equal(wasi_new(&options, &host.wasi, &err), 0);
    assert_int_equal(wasm_instance_open(library, &host, &err), 0);
    assert_int_equal(wasm_enter(&host, enter_start, &host), HOST_EXITED);
    assert_int_equal(host.exit_status, 3);
    wasm_instance_close(&host);
    wasi_free(host.wasi);
    library_close(library);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_grows_to_the_limit_and_no_further),
        cmocka_unit_test(the_modules_own_limit_is_not_the_instances),
        cmocka_unit_test(fresh_memory_is_zero_and_not_executable),
        cmocka_unit_test(two_instances_share_nothing),
        cmocka_unit_test(the_same_library_opens_twice),
        cmocka_unit_test(guest_pointers_are_checked_whole),
        cmocka_unit_test(what_is_too_large_is_refused_by_numbers),
        cmocka_unit_test(a_command_exits_with_its_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
