/* Every way to trap is told by WebAssembly's words and the function's name; the rest is a crash. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "guest/linker.h"
#include "guest/wasm_runtime.h"
#include "library_file.h"

/* As the br_table of modules/traps.wat has them. */
enum {
    STORE_PAST_END,
    STORE_OVER_END,
    LOAD_FAR,
    LOAD_4GIB,
    LOAD_LAST,
    DIVIDE_BY_ZERO,
    DIVIDE_OVERFLOW,
    NOT_REACHABLE,
    WRONG_TYPE,
    NO_ELEMENT,
    NULL_ELEMENT,
    NOT_A_NUMBER,
    RECURSE,
    RECURSE_HOST,
    FILL_PAST_END,
    ODD_NAME,
    GROW,
    EXIT,
    COUNT,
};

static struct library *library;

static int open_library(void **state)
{
    (void)state;
    library = library_of("traps");
    return 0;
}

static int close_library(void **state)
{
    (void)state;
    library_close(library);
    return 0;
}

static void expect_trap(uint32_t which, const char *trap, const char *function)
{
    struct host host;

    instance_of(library, 16, &host);
    assert_int_equal(instance_handle(&host, which, 0, NULL), HOST_TRAPPED);
    assert_string_equal(host.trap, trap);
    assert_string_equal(host.trap_function, function);
    wasm_instance_close(&host);
}

static void accesses_outside_of_memory_trap(void **state)
{
    (void)state;
    expect_trap(STORE_PAST_END, "out of bounds memory access", "store_past_end");
    expect_trap(STORE_OVER_END, "out of bounds memory access", "store_over_end");
    expect_trap(LOAD_FAR, "out of bounds memory access", "load_far");
    expect_trap(LOAD_4GIB, "out of bounds memory access", "load_4gib");
    expect_trap(FILL_PAST_END, "out of bounds memory or table access", "fill_past_end");
}

static void the_last_byte_is_inside(void **state)
{
    struct host host;
    int64_t result = 0;

    (void)state;
    instance_of(library, 16, &host);
    assert_int_equal(instance_handle(&host, LOAD_LAST, 0, &result), HOST_RETURNED);
    assert_int_equal(result, 't');
    wasm_instance_close(&host);
}

static void arithmetic_traps(void **state)
{
    (void)state;
    expect_trap(DIVIDE_BY_ZERO, "integer divide by zero", "divide_by_zero");
    expect_trap(DIVIDE_OVERFLOW, "integer overflow", "divide_overflow");
    expect_trap(NOT_A_NUMBER, "invalid conversion to integer", "not_a_number");
}

static void unreachable_traps(void **state)
{
    (void)state;
    expect_trap(NOT_REACHABLE, "unreachable", "not_reachable");
}

static void indirect_calls_are_checked(void **state)
{
    (void)state;
    expect_trap(WRONG_TYPE, "undefined element or indirect call type mismatch", "wrong_type");
    expect_trap(NO_ELEMENT, "undefined element or indirect call type mismatch", "no_element");
    expect_trap(NULL_ELEMENT, "undefined element or indirect call type mismatch", "null_element");
}

static void endless_recursion_exhausts_the_call_stack(void **state)
{
    (void)state;
    expect_trap(RECURSE, "call stack exhausted", "recurse");
    /* Again, and through host functions, which must not be stopped half-way. */
    expect_trap(RECURSE_HOST, "call stack exhausted", "recurse_host");
    expect_trap(RECURSE, "call stack exhausted", "recurse");
}

static void odd_names_are_printable(void **state)
{
    (void)state;
    expect_trap(ODD_NAME, "unreachable", "with_odd_characters");
}

static void exit_leaves_with_its_status(void **state)
{
    struct host host;

    (void)state;
    instance_of(library, 16, &host);
    assert_int_equal(instance_handle(&host, EXIT, 7, NULL), HOST_EXITED);
    assert_int_equal(host.exit_status, 7);
    wasm_instance_close(&host);
}

static void traps_can_follow_each_other(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++)
        expect_trap(STORE_PAST_END, "out of bounds memory access", "store_past_end");
}

static void signal_mask_is_kept_across_traps(void **state)
{
    sigset_t before, after;

    (void)state;
    sigprocmask(SIG_SETMASK, NULL, &before);
    expect_trap(STORE_PAST_END, "out of bounds memory access", "store_past_end");
    sigprocmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&before, SIGSEGV), 0);
    assert_int_equal(sigismember(&after, SIGSEGV), 0);
}

static void a_trap_works_in_a_fork_of_an_open_instance(void **state)
{
    struct host host;
    int status;

    (void)state;
    instance_of(library, 16, &host);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        bool good = instance_handle(&host, STORE_PAST_END, 0, NULL) == HOST_TRAPPED &&
                    strcmp(host.trap_function, "store_past_end") == 0;
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    wasm_instance_close(&host);
}

static void a_start_section_that_traps_fails_the_opening(void **state)
{
    struct library *starts = library_of("start_traps");
    struct host host = {.memory_pages_max = 16};
    struct err err = {0};

    (void)state;
    assert_int_equal(library_face(starts)->start_section, 1);
    assert_int_equal(wasm_instance_open(starts, &host, &err), -EFAULT);
    assert_int_equal(host.exit, HOST_TRAPPED);
    assert_string_equal(host.trap, "unreachable");
    assert_string_equal(host.trap_function, "at_start");
    assert_null(host.instance);
    wasm_instance_close(&host);
    library_close(starts);
}

/* ---- crashes ---- */

static void read_null(void *argument)
{
    volatile int *const *at = argument;

    (void)**at;
}

static void read_other_memory(void *argument)
{
    const struct host *other = argument;

    (void)*(volatile uint8_t *)(other->memory->data + other->memory->size);
}

static void raise_fpe(void *argument)
{
    (void)argument;
    raise(SIGFPE);
}

static void raise_segv(void *argument)
{
    (void)argument;
    raise(SIGSEGV);
}

/* Runs `function` on the call stack of an instance, in a child: the signal that ended it. */
static int signal_of(void (*function)(void *), void *argument)
{
    int status;

    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = {0, 0};
        struct host host;

        setrlimit(RLIMIT_CORE, &none);
        signal(SIGFPE, SIG_DFL); /* cmocka's */
        instance_of(library, 16, &host);
        wasm_enter(&host, function, argument ? argument : &host);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void faults_elsewhere_are_crashes(void **state)
{
    struct host other;
    volatile int *null = NULL;

    (void)state;
    assert_int_equal(signal_of(read_null, (void *)&null), SIGSEGV);
    /* Another instance's guard is not this one's. */
    instance_of(library, 16, &other);
    assert_int_equal(signal_of(read_other_memory, &other), SIGSEGV);
    wasm_instance_close(&other);
    /* Host code must not rely on the guard of its own instance either. */
    assert_int_equal(signal_of(read_other_memory, NULL), SIGSEGV);
    assert_int_equal(signal_of(raise_fpe, NULL), SIGFPE);
    assert_int_equal(signal_of(raise_segv, NULL), SIGSEGV);
}

static void a_fault_outside_of_any_instance_is_a_crash(void **state)
{
    int status;

    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = {0, 0};

        setrlimit(RLIMIT_CORE, &none);
        if (wasm_runtime_init(NULL) < 0)
            _exit(1);
        void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *(volatile char *)page = 1;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* ---- calls that nest ---- */

static void enter_again(void *argument)
{
    struct host *inner = argument;
    int64_t result = 0;

    if (instance_handle(inner, STORE_PAST_END, 0, NULL) != HOST_TRAPPED ||
        instance_handle(inner, LOAD_LAST, 0, &result) != HOST_RETURNED || result != 't')
        _exit(1);
}

static void an_inner_trap_leaves_the_outer_call_running(void **state)
{
    struct host outer, inner;

    (void)state;
    instance_of(library, 16, &outer);
    instance_of(library, 16, &inner);
    assert_int_equal(wasm_enter(&outer, enter_again, &inner), HOST_RETURNED);
    assert_int_equal(instance_handle(&outer, NOT_REACHABLE, 0, NULL), HOST_TRAPPED);
    wasm_instance_close(&inner);
    wasm_instance_close(&outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accesses_outside_of_memory_trap),
        cmocka_unit_test(the_last_byte_is_inside),
        cmocka_unit_test(arithmetic_traps),
        cmocka_unit_test(unreachable_traps),
        cmocka_unit_test(indirect_calls_are_checked),
        cmocka_unit_test(endless_recursion_exhausts_the_call_stack),
        cmocka_unit_test(odd_names_are_printable),
        cmocka_unit_test(exit_leaves_with_its_status),
        cmocka_unit_test(traps_can_follow_each_other),
        cmocka_unit_test(signal_mask_is_kept_across_traps),
        cmocka_unit_test(a_trap_works_in_a_fork_of_an_open_instance),
        cmocka_unit_test(a_start_section_that_traps_fails_the_opening),
        cmocka_unit_test(faults_elsewhere_are_crashes),
        cmocka_unit_test(a_fault_outside_of_any_instance_is_a_crash),
        cmocka_unit_test(an_inner_trap_leaves_the_outer_call_running),
    };
    return cmocka_run_group_tests(tests, open_library, close_library);
}
