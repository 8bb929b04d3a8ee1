/* A contract, checked: contract.h. */
#include <string.h>
#include <sys/mman.h>

#include "contract.h"

#define PAGE 4096u
#define PAINT 0xa5

uint8_t *contract_page(void)
{
    uint8_t *all = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(all, MAP_FAILED);
    assert_int_equal(mprotect(all + PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
    return all + PAGE;
}

static uint64_t bytes_of(const struct allow_entry *entry, unsigned at, const union argument *a)
{
    const struct allow_param *param = &entry->params[at];

    return param->size == ALLOW_FIXED ? param->most : a[param->size].number;
}

static void result_check(const struct allow_entry *entry, const union argument *a, int64_t result)
{
    switch (entry->result) {
    case ALLOW_FIRST:
        assert_int_equal(result, 1);
        break;
    case ALLOW_STATUS:
        assert_true(result <= 0);
        break;
    case ALLOW_COUNT:
        assert_true(result < 0 || (uint64_t)result <= a[entry->result_of].number);
        break;
    default:
        break;
    }
}

void contract_check(const struct allow_entry *entry, union argument *a,
                    uint8_t *const pages[ALLOW_PARAMS], bool at_end, const char *text,
                    int64_t (*call)(const char *name, const union argument *a))
{
    uint8_t before[ALLOW_PARAMS][PAGE];

    for (unsigned i = 0; i < ALLOW_PARAMS && entry->params[i].kind; i++) {
        if (entry->params[i].kind < ALLOW_READ)
            continue;
        uint64_t bytes = bytes_of(entry, i, a);
        a[i].pointer = at_end ? pages[i] + PAGE - bytes : pages[i];
        memset(pages[i], PAINT, PAGE);
        for (uint64_t j = 0; entry->params[i].kind == ALLOW_READ && j < bytes; j++)
            pages[i][a[i].pointer - pages[i] + (ptrdiff_t)j] = (uint8_t)text[j % strlen(text)];
        memcpy(before[i], pages[i], PAGE);
    }
    int64_t result = call(entry->name, a);
    result_check(entry, a, result);
    for (unsigned i = 0; i < ALLOW_PARAMS && entry->params[i].kind; i++) {
        if (entry->params[i].kind < ALLOW_READ)
            continue;
        size_t offset = (size_t)(a[i].pointer - pages[i]);
        size_t bytes = entry->params[i].kind == ALLOW_READ ? 0 : bytes_of(entry, i, a);
        assert_memory_equal(pages[i], before[i], offset);
        assert_memory_equal(pages[i] + offset + bytes, before[i] + offset + bytes,
                            PAGE - offset - bytes);
        /* Of what may be written no more than the result says. */
        if (entry->params[i].kind == ALLOW_WRITE && entry->result == ALLOW_COUNT) {
            size_t written = result < 0 ? 0 : (size_t)result;
            assert_memory_equal(pages[i] + offset + written, before[i] + offset + written,
                                bytes - written);
        }
    }
}
