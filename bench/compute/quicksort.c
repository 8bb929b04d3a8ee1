/* Quicksort of five million integers: compares, swaps and branches that can't be foreseen. */
#include "timed.h"

#define COUNT 5000000

static int32_t *numbers;

static void prepare(void)
{
    numbers = timed_memory(COUNT * sizeof *numbers);
    for (size_t i = 0; i < COUNT; i++)
        numbers[i] = (int32_t)timed_random();
}

static void insertion_sort(int32_t *data, int32_t count)
{
    for (int32_t i = 1; i < count; i++) {
        int32_t value = data[i], at = i;
        for (; at > 0 && data[at - 1] > value; at--)
            data[at] = data[at - 1];
        data[at] = value;
    }
}

static int32_t median(int32_t a, int32_t b, int32_t c)
{
    if (a > b) {
        int32_t swap = a;
        a = b;
        b = swap;
    }
    return c < a ? a : c > b ? b : c;
}

static void sort(int32_t *data, int32_t count)
{
    while (count > 16) {
        int32_t pivot = median(data[0], data[count / 2], data[count - 1]);
        int32_t i = -1, j = count;
        for (;;) {
            do
                i++;
            while (data[i] < pivot);
            do
                j--;
            while (data[j] > pivot);
            if (i >= j)
                break;
            int32_t swap = data[i];
            data[i] = data[j];
            data[j] = swap;
        }
        /* The smaller part by recursion: the stack stays short. */
        if (j + 1 < count - j - 1) {
            sort(data, j + 1);
            data += j + 1;
            count -= j + 1;
        } else {
            sort(data + j + 1, count - j - 1);
            count = j + 1;
        }
    }
    insertion_sort(data, count);
}

static uint64_t work(void)
{
    uint64_t hash = TIMED_HASH_START;

    sort(numbers, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        hash = (hash ^ (uint32_t)numbers[i]) * 1099511628211u;
    return hash;
}

TIMED_MAIN(prepare, work)
