/* What the runtime has in place of its libc: the heap, under names of its own here, and the names
 * of errors and signals, beside glibc's. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmocka_all.h"

void *heap_malloc(size_t bytes);
void *heap_calloc(size_t count, size_t bytes);
void *heap_realloc(void *memory, size_t bytes);
void heap_free(void *memory);
size_t heap_usable_size(void *memory);
const char *own_strerrorname(int number);
const char *own_sigabbrev(int number);

#define BLOCKS 512

/* Each block has its own byte all over, from its taking to its end. */
static bool is_filled(const unsigned char *block, size_t size, unsigned char with)
{
    for (size_t i = 0; i < size; i++)
        if (block[i] != with)
            return false;
    return true;
}

static void blocks_never_overlap_whatever_is_freed_and_grown(void **state)
{
    static unsigned char *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    uint32_t random = 1;

    (void)state;
    for (unsigned turn = 0; turn < 40000; turn++) {
        random = random * 1664525 + 1013904223;
        unsigned at = (random >> 8) % BLOCKS;
        size_t size = (random >> 20) % 16 == 0 ? random % 400000 : (random >> 4) % 900;
        if (blocks[at])
            assert_true(is_filled(blocks[at], sizes[at], (unsigned char)at));
        if (turn % 3 == 0) {
            heap_free(blocks[at]);
            blocks[at] = heap_calloc(1, size);
            assert_true(is_filled(blocks[at], size, 0));
        } else {
            blocks[at] = heap_realloc(blocks[at], size);
            assert_true(
                is_filled(blocks[at], size < sizes[at] ? size : sizes[at], (unsigned char)at));
        }
        assert_non_null(blocks[at]);
        assert_int_equal((uintptr_t)blocks[at] % 16, 0);
        assert_true(heap_usable_size(blocks[at]) >= size);
        sizes[at] = size;
        memset(blocks[at], (int)at, size);
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        heap_free(blocks[i]);
}

static void a_freed_block_is_the_next_of_its_size(void **state)
{
    (void)state;
    void *first = heap_malloc(100);
    heap_free(first);
    assert_ptr_equal(heap_malloc(90), first);
    heap_free(first);
    heap_free(NULL);
}

static void sizes_that_no_memory_has_are_refused(void **state)
{
    volatile size_t huge = SIZE_MAX; /* or the compiler would say it */

    (void)state;
    errno = 0;
    assert_null(heap_malloc(huge));
    assert_int_equal(errno, ENOMEM);
    assert_null(heap_malloc(huge - 20));
    assert_null(heap_calloc(huge / 2, 3));
    assert_null(heap_malloc(huge / 4));
    void *kept = heap_malloc(10);
    assert_null(heap_realloc(kept, huge / 2));
    heap_free(kept);
}

static int signal_of(void (*deed)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        deed();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void free_twice(void)
{
    void *block = heap_malloc(40);

    heap_free(block);
    heap_free(block);
}

static void free_the_middle(void)
{
    char *block = heap_calloc(1, 400);

    heap_free(block + 64);
}

static void write_over_the_next(void)
{
    char *block, *next = heap_malloc(40);
    size_t size = heap_usable_size(next);

    do { /* until the arena gives two that are neighbours */
        block = next;
        next = heap_malloc(40);
    } while (next != block + size + 16);
    memset(block, 'x', size + 16);
    heap_free(next);
}

static void what_is_freed_wrongly_ends_the_process(void **state)
{
    (void)state;
    assert_int_equal(signal_of(free_twice), SIGABRT);
    assert_int_equal(signal_of(free_the_middle), SIGABRT);
    assert_int_equal(signal_of(write_over_the_next), SIGABRT);
}

static void names_are_those_of_glibc(void **state)
{
    (void)state;
    for (int i = -1; i < 300; i++) {
        const char *own = own_strerrorname(i), *theirs = strerrorname_np(i);
        assert_true(own ? theirs && strcmp(own, theirs) == 0 : !theirs);
        own = own_sigabbrev(i);
        theirs = sigabbrev_np(i);
        assert_true(own ? theirs && strcmp(own, theirs) == 0 : !theirs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_never_overlap_whatever_is_freed_and_grown),
        cmocka_unit_test(a_freed_block_is_the_next_of_its_size),
        cmocka_unit_test(sizes_that_no_memory_has_are_refused),
        cmocka_unit_test(what_is_freed_wrongly_ends_the_process),
        cmocka_unit_test(names_are_those_of_glibc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
