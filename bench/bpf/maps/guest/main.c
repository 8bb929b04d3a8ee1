/* The guest; native.c is the same with libbpf. */
#include "maps.skel.h"
#include "operations.h"

static struct maps_skel skeleton;

int write_one(uint32_t key, uint64_t value)
{
    return wasm_bpf_map_operate(skeleton.maps.table, BPF_MAP_UPDATE, &key, &value, NULL, 0);
}

int read_one(uint32_t key, uint64_t *value)
{
    return wasm_bpf_map_operate(skeleton.maps.table, BPF_MAP_LOOKUP, &key, value, NULL, 0);
}

int read_many(uint32_t *keys, uint64_t *values)
{
    struct vireo_bpf_batch batch = {.count = ELEMENTS};

    int r = vireo_bpf_batch(skeleton.maps.table, VIREO_BPF_BATCH_LOOKUP, &batch, keys, values);
    return r < 0 && batch.count == 0 ? r : (int)batch.count;
}

int map_write(uint32_t key, uint64_t value)
{
    return vireo_bpf_copy(skeleton.maps.numbers, key * sizeof value, &value, sizeof value, 1);
}

int map_read(uint32_t key, uint64_t *value)
{
    return vireo_bpf_copy(skeleton.maps.numbers, key * sizeof *value, value, sizeof *value, 0);
}

int main(int argc, char **argv)
{
    if (maps_load(&skeleton) < 0)
        return 1;
    run_all(argc > 1 ? atof(argv[1]) : 1);
    return 0;
}
