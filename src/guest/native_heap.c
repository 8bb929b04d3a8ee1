/* What native code has allocated: see native_heap.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guest/native_heap.h"

/* Before each block; a multiple of 16, as what malloc() gives is aligned. */
struct head {
    struct head *next, *previous;
    size_t bytes;
    void *start; /* what the C library gave */
};
_Static_assert(sizeof(struct head) % 16 == 0, "blocks keep malloc's alignment");

static struct head list = {&list, &list, 0, NULL};

static void *add(void *start, size_t lead, size_t bytes)
{
    struct head *head = (struct head *)((char *)start + lead) - 1;

    *head = (struct head){.next = list.next, .previous = &list, .bytes = bytes, .start = start};
    list.next->previous = head;
    list.next = head;
    return head + 1;
}

static void take_out(struct head *head)
{
    head->next->previous = head->previous;
    head->previous->next = head->next;
}

static void *allocate(size_t bytes, bool zeroed)
{
    size_t whole;

    if (__builtin_add_overflow(bytes, sizeof(struct head), &whole)) {
        errno = ENOMEM;
        return NULL;
    }
    void *start = zeroed ? calloc(1, whole) : malloc(whole);
    return start ? add(start, sizeof(struct head), bytes) : NULL;
}

void *native_malloc(size_t bytes)
{
    return allocate(bytes, false);
}

void *native_calloc(size_t count, size_t bytes)
{
    size_t whole;

    if (__builtin_mul_overflow(count, bytes, &whole)) {
        errno = ENOMEM;
        return NULL;
    }
    return allocate(whole, true);
}

void native_free(void *block)
{
    if (!block)
        return;
    struct head *head = (struct head *)block - 1;
    take_out(head);
    free(head->start);
}

void *native_realloc(void *old, size_t bytes)
{
    size_t whole;

    if (!old)
        return native_malloc(bytes);
    struct head *head = (struct head *)old - 1;
    if (head->start != head) { /* aligned: it moves */
        void *block = native_malloc(bytes);
        if (block) {
            memcpy(block, old, bytes < head->bytes ? bytes : head->bytes);
            native_free(old);
        }
        return block;
    }
    if (__builtin_add_overflow(bytes, sizeof *head, &whole)) {
        errno = ENOMEM;
        return NULL;
    }
    struct head *moved = realloc(head, whole);
    if (!moved)
        return NULL;
    moved->bytes = bytes;
    moved->start = moved;
    moved->next->previous = moved->previous->next = moved;
    return moved + 1;
}

void *native_aligned_alloc(size_t align, size_t bytes)
{
    size_t whole, unit = align > 16 ? align : 16, lead = unit;

    while (lead < sizeof(struct head))
        lead += unit;
    if (align == 0 || (align & (align - 1)) || __builtin_add_overflow(bytes, lead, &whole) ||
        __builtin_add_overflow(whole, unit - 1, &whole)) {
        errno = EINVAL;
        return NULL;
    }
    void *start = aligned_alloc(unit, whole & ~(unit - 1));
    return start ? add(start, lead, bytes) : NULL;
}

char *native_strndup(const char *text, size_t max)
{
    size_t bytes = strnlen(text, max);
    char *copy = native_malloc(bytes + 1);

    if (!copy)
        return NULL;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}

char *native_strdup(const char *text)
{
    return native_strndup(text, strlen(text));
}

int native_heap_each(int (*visit)(void *block, size_t bytes, void *user), void *user)
{
    for (struct head *head = list.next; head != &list; head = head->next) {
        int r = visit(head + 1, head->bytes, user);
        if (r != 0)
            return r;
    }
    return 0;
}
