/* Loads and stores reach the memory of the instance that runs, and none other, by whatever way. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <asm/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"
#include "guest/linker.h"
#include "guest/wasm_internal.h"
#include "guest/wasm_runtime.h"
#include "library_file.h"

/* See modules/accesses.wat. */
enum {
    LOAD,
    STORE,
    LOAD_OFFSET,
    LOAD_SUM,
    LOAD_SCALED,
    LOAD_ZERO,
    LOAD_HALF,
    LOAD_PAST,
    STORE_HALF,
    STORE_PAST,
    LOAD_KNOWN,
    DROP_FLOAT,
    DROP_DOUBLE,
    MERGE,
    LOOP,
    COPY,
    GROW,
};

#define PAGES_MAX 16
#define OUTSIDE (PAGES_MAX * 65536u)

static struct library *library;

static int open_library(void **state)
{
    (void)state;
    library = library_of("accesses");
    return 0;
}

static int close_library(void **state)
{
    (void)state;
    library_close(library);
    return 0;
}

static int64_t call(struct host *host, uint32_t which, uint32_t argument)
{
    int64_t result = -1;

    assert_int_equal(instance_handle(host, which, argument, &result), HOST_RETURNED);
    return result;
}

static void expect_trap(uint32_t which, uint32_t argument)
{
    struct host host;

    instance_of(library, PAGES_MAX, &host);
    assert_int_equal(instance_handle(&host, which, argument, NULL), HOST_TRAPPED);
    assert_string_equal(host.trap, "out of bounds memory access");
    wasm_instance_close(&host);
}

static void addresses_are_added_as_they_should(void **state)
{
    struct host host;

    (void)state;
    instance_of(library, PAGES_MAX, &host);
    *(uint8_t *)host_memory(&host, 100, 1) = 42;
    *(uint8_t *)host_memory(&host, 801, 1) = 43;
    assert_int_equal(call(&host, LOAD, 100), 42);
    assert_int_equal(call(&host, LOAD_OFFSET, 84), 42);
    assert_int_equal(call(&host, LOAD_SUM, 84), 42);
    assert_int_equal(call(&host, LOAD_SCALED, 100), 43);
    /* 32 bits: what overflows begins again. */
    assert_int_equal(call(&host, LOAD_SUM, UINT32_MAX - 15), 'f');
    assert_int_equal(call(&host, LOAD_SCALED, 0x20000000u + 100), 43);
    assert_int_equal(call(&host, LOAD_ZERO, 0), 'f');
    wasm_instance_close(&host);
    /* The offset does not overflow. */
    expect_trap(LOAD_OFFSET, UINT32_MAX - 15);
}

static void constant_addresses_of_any_size_trap_outside(void **state)
{
    (void)state;
    expect_trap(LOAD_HALF, 0);
    expect_trap(LOAD_PAST, 0);
    expect_trap(STORE_HALF, 1);
    expect_trap(STORE_PAST, 1);
    expect_trap(LOAD_KNOWN, 0x90000000u);
}

static void a_load_that_nobody_wants_traps(void **state)
{
    struct host host;

    (void)state;
    expect_trap(DROP_FLOAT, OUTSIDE);
    expect_trap(DROP_DOUBLE, OUTSIDE - 4);
    instance_of(library, PAGES_MAX, &host);
    assert_int_equal(call(&host, DROP_DOUBLE, 8), 0);
    wasm_instance_close(&host);
}

static void what_the_compiler_joins_is_the_same(void **state)
{
    struct host host;

    (void)state;
    instance_of(library, PAGES_MAX, &host);
    memset(host_memory(&host, 2000, 32), 0xff, 32);
    assert_int_equal(call(&host, MERGE, 2000), 0x0807060504030201);
    assert_memory_equal(host_memory(&host, 2000, 32),
                        "\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\377\377\377\377\377",
                        29);
    assert_int_equal(call(&host, LOOP, 1000), 999 * 1000 / 2);
    assert_int_equal(call(&host, COPY, 60000), 0x090407020101);
    wasm_instance_close(&host);
}

static void a_memory_that_grew_is_where_it_was(void **state)
{
    struct host host;

    (void)state;
    instance_of(library, PAGES_MAX, &host);
    const void *before = host.memory->data;
    assert_int_equal(call(&host, GROW, 2 * 65536 + 8), 77);
    assert_ptr_equal(host.memory->data, before);
    assert_int_equal(*(uint64_t *)host_memory(&host, 2 * 65536 + 8, 8), 77);
    wasm_instance_close(&host);
}

static void a_start_section_has_its_memory(void **state)
{
    struct library *starts = library_of("start_stores");
    struct host other, host = {.memory_pages_max = PAGES_MAX};
    struct err err = {0};

    (void)state;
    instance_of(library, PAGES_MAX, &other);
    assert_int_equal(wasm_instance_open(starts, &host, &err), 0);
    assert_int_equal(*(uint32_t *)host_memory(&host, 16, 4), 5);
    assert_int_equal(*(uint32_t *)host_memory(&host, 20, 4), 6);
    assert_int_equal(*(uint32_t *)host_memory(&other, 16, 4), 0);
    wasm_instance_close(&host);
    wasm_instance_close(&other);
    library_close(starts);
}

static bool has_stored(const struct host *host, uint32_t address)
{
    return *(const uint32_t *)host_memory(host, address, 4) == address;
}

static void instances_take_turns(void **state)
{
    struct host hosts[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        instance_of(library, PAGES_MAX, &hosts[i]);
    for (uint32_t round = 1; round < 100; round++)
        call(&hosts[round % 3], STORE, 4000 + 4 * round);
    for (uint32_t round = 1; round < 100; round++)
        for (uint32_t i = 0; i < 3; i++)
            assert_int_equal(has_stored(&hosts[i], 4000 + 4 * round), round % 3 == i);
    for (int i = 0; i < 3; i++)
        wasm_instance_close(&hosts[i]);
}

/* ---- calls in calls ---- */

struct pair {
    struct host *outer, *inner;
};

static void store_here(const struct host *host, uint32_t address)
{
    library_face(host->library)->handle(host->instance, STORE, address);
}

/* As a host function that calls back would: the outer instance's code runs before and after. */
static void enter_pair(void *argument)
{
    const struct pair *pair = argument;
    struct host third;

    store_here(pair->outer, 100);
    call(pair->inner, STORE, 200);
    store_here(pair->outer, 300);
    assert_int_equal(instance_handle(pair->inner, LOAD, OUTSIDE, NULL), HOST_TRAPPED);
    store_here(pair->outer, 400);
    /* Opened and closed meanwhile. */
    instance_of(library, PAGES_MAX, &third);
    store_here(pair->outer, 500);
    wasm_instance_close(&third);
    store_here(pair->outer, 600);
}

static void an_inner_call_gives_the_memory_back(void **state)
{
    struct host outer, inner;
    struct pair pair = {&outer, &inner};

    (void)state;
    instance_of(library, PAGES_MAX, &outer);
    instance_of(library, PAGES_MAX, &inner);
    assert_int_equal(wasm_enter(&outer, enter_pair, &pair), HOST_RETURNED);
    for (uint32_t address = 100; address <= 600; address += 100) {
        assert_int_equal(has_stored(&outer, address), address != 200);
        assert_int_equal(has_stored(&inner, address), address == 200);
    }
    /* After a trap of one, another. */
    assert_int_equal(instance_handle(&inner, STORE, OUTSIDE, NULL), HOST_TRAPPED);
    call(&outer, STORE, 700);
    assert_true(has_stored(&outer, 700));
    wasm_instance_close(&inner);
    wasm_instance_close(&outer);
}

/* ---- forks ---- */

static bool ends_well(void (*function)(void))
{
    int status;

    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        function();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void check(bool good)
{
    if (!good)
        _exit(1);
}

static struct host open_before;

static void store_in_child(void)
{
    check(instance_handle(&open_before, STORE, 100, NULL) == HOST_RETURNED);
    check(has_stored(&open_before, 100));
    check(instance_handle(&open_before, LOAD, OUTSIDE, NULL) == HOST_TRAPPED);
}

static void a_fork_has_its_own_copy_at_the_same_place(void **state)
{
    (void)state;
    instance_of(library, PAGES_MAX, &open_before);
    call(&open_before, STORE, 200);
    for (int i = 0; i < 3; i++)
        assert_true(ends_well(store_in_child));
    assert_false(has_stored(&open_before, 100));
    call(&open_before, STORE, 300);
    assert_true(has_stored(&open_before, 300));
    wasm_instance_close(&open_before);
}

/* ---- without the instruction ---- */

static uint64_t base_now(void)
{
    uint64_t base = 0;

    check(syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0);
    return base;
}

static void run_by_call(void)
{
    struct host one, other;
    struct err err = {0};

    check(wasm_base_init(true, &err) == 0);
    uint64_t base = base_now();
    check(base != 0);
    /* One after the other: the base stays, so that no call is made for it. */
    for (int i = 0; i < 3; i++) {
        instance_of(library, PAGES_MAX, &one);
        check((uintptr_t)one.memory->data == base && base_now() == base);
        check(*(uint8_t *)host_memory(&one, 100, 1) == 0 && one.memory->size == 2 * 65536);
        check(instance_handle(&one, STORE, 100, NULL) == HOST_RETURNED && has_stored(&one, 100));
        check(instance_handle(&one, GROW, 2 * 65536, NULL) == HOST_RETURNED);
        check(instance_handle(&one, LOAD, 3 * 65536, NULL) == HOST_TRAPPED);
        wasm_instance_close(&one);
        check(base_now() == base);
    }
    /* Two at a time work, too. */
    instance_of(library, PAGES_MAX, &one);
    instance_of(library, PAGES_MAX, &other);
    check(one.memory->data != other.memory->data);
    for (uint32_t i = 0; i < 4; i++)
        check(instance_handle(i % 2 ? &one : &other, STORE, 200 + 4 * i, NULL) == HOST_RETURNED);
    for (uint32_t i = 0; i < 4; i++)
        check(has_stored(&one, 200 + 4 * i) == (i % 2 == 1) &&
              has_stored(&other, 200 + 4 * i) == (i % 2 == 0));
    wasm_instance_close(&one);
    wasm_instance_close(&other);
}

static void a_base_set_by_call_stays_where_it_is(void **state)
{
    (void)state;
    assert_true(ends_well(run_by_call));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_added_as_they_should),
        cmocka_unit_test(constant_addresses_of_any_size_trap_outside),
        cmocka_unit_test(a_load_that_nobody_wants_traps),
        cmocka_unit_test(what_the_compiler_joins_is_the_same),
        cmocka_unit_test(a_memory_that_grew_is_where_it_was),
        cmocka_unit_test(a_start_section_has_its_memory),
        cmocka_unit_test(instances_take_turns),
        cmocka_unit_test(an_inner_call_gives_the_memory_back),
        cmocka_unit_test(a_fork_has_its_own_copy_at_the_same_place),
        cmocka_unit_test(a_base_set_by_call_stays_where_it_is),
    };
    return cmocka_run_group_tests(tests, open_library, close_library);
}
