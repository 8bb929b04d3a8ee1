/* What main.c does, by libbpf itself. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>

#include "maps.native.h"
#include "operations.h"

static int table;
static volatile uint64_t *numbers;

int write_one(uint32_t key, uint64_t value)
{
    return bpf_map_update_elem(table, &key, &value, BPF_ANY);
}

int read_one(uint32_t key, uint64_t *value)
{
    return bpf_map_lookup_elem(table, &key, value);
}

int read_many(uint32_t *keys, uint64_t *values)
{
    uint32_t token, count = ELEMENTS;

    int r = bpf_map_lookup_batch(table, NULL, &token, keys, values, &count, NULL);
    return r < 0 && count == 0 ? r : (int)count;
}

int map_write(uint32_t key, uint64_t value)
{
    numbers[key] = value;
    return 0;
}

int map_read(uint32_t key, uint64_t *value)
{
    *value = numbers[key];
    return 0;
}

int main(int argc, char **argv)
{
    struct maps_bpf *skeleton = maps_bpf__open_and_load();

    if (!skeleton)
        return 1;
    table = bpf_map__fd(skeleton->maps.table);
    void *mapped = mmap(NULL, ELEMENTS * sizeof *numbers, PROT_READ | PROT_WRITE, MAP_SHARED,
                        bpf_map__fd(skeleton->maps.numbers), 0);
    if (mapped == MAP_FAILED)
        return 1;
    numbers = mapped;
    run_all(argc > 1 ? atof(argv[1]) : 1);
    return 0;
}
