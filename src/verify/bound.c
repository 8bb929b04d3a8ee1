/* The bound of what a call does: instructions, and the processor time that they can take. */
#include "verify/prove.h"

#define MOST (UINT64_MAX - 1)

/*
 * Nanoseconds, on the slowest processor that is in use: an honest call never meets the limit that
 * is made of them. Memory that no cache need hold is waited for at each access, its page's table
 * entries too.
 */
#define PLAIN_NS 10
/* Divisions, floats, and what is too large for the nearest cache. */
#define SLOW_NS 100
#define FAR_NS 300
#define NEAR_BYTES (256u << 10)
#define CACHED_BYTES (32u << 20)

static uint64_t saturate_add(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return __builtin_add_overflow(a, b, &sum) || sum > MOST ? MOST : sum;
}

static uint64_t saturate_multiply(uint64_t a, uint64_t b)
{
    uint64_t product;

    return __builtin_mul_overflow(a, b, &product) || product > MOST ? MOST : product;
}

/* Bytes that all objects have together, and the largest of them: at most. */
struct sizes {
    uint64_t all, largest;
};

static struct sizes measure(const struct facts *facts)
{
    struct sizes sizes = {0};

    for (uint32_t i = 1; i < facts->program->object_count; i++) {
        uint64_t size = facts_size(facts, i).high;
        sizes.all = saturate_add(sizes.all, size);
        if (size > sizes.largest)
            sizes.largest = size;
    }
    return sizes;
}

static uint64_t access_ns(const struct facts *facts, vid pointer, const struct sizes *sizes)
{
    const struct pointees *pointees = facts->known ? &facts->pointees[pointer] : NULL;
    uint64_t largest = 0;

    if (!pointees || pointees->count == 0)
        largest = sizes->all;
    for (uint32_t i = 0; pointees && i < pointees->count; i++) {
        uint64_t size = pointees->objects[i] ? facts_size(facts, pointees->objects[i]).high : 0;
        if (size > largest)
            largest = size;
    }
    return largest <= NEAR_BYTES ? PLAIN_NS : largest <= CACHED_BYTES ? SLOW_NS : FAR_NS;
}

/* An instruction of its own for each byte that is copied or filled, and a nanosecond. */
static uint64_t bytes_of(const struct facts *facts, const struct value *value, uint32_t block,
                         const struct sizes *sizes)
{
    uint64_t most = facts->known ? facts_range(facts, value->operands[2], block).high : MOST;

    return most < sizes->largest ? most : sizes->largest;
}

struct cost {
    uint64_t instructions, ns;
};

static struct cost cost_of(const struct facts *facts, vid id, uint32_t block,
                           const struct sizes *sizes)
{
    const struct value *value = value_at(facts->program, id);

    switch (value->op) {
    case OP_LOAD:
    case OP_STORE:
        return (struct cost){1, access_ns(facts, value->operands[0], sizes)};
    case OP_MEMSET:
    case OP_MEMCPY: {
        uint64_t bytes = bytes_of(facts, value, block, sizes);
        return (struct cost){saturate_add(1, bytes), saturate_add(2 * FAR_NS, bytes)};
    }
    case OP_UDIV:
    case OP_SDIV:
    case OP_UREM:
    case OP_SREM:
    case OP_FBINARY:
    case OP_FUNARY:
        return (struct cost){1, SLOW_NS};
    default:
        return (struct cost){1, PLAIN_NS};
    }
}

void proof_find_bound(struct proof *proof)
{
    const struct facts *facts = proof->encoding->facts;
    const struct program *program = proof->encoding->program;
    struct sizes sizes = measure(facts);

    proof->bound = proof->bound_ns = 0;
    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n];
        const struct block *block = &program->blocks[b];
        uint64_t times = 1;
        struct cost sum = {1, PLAIN_NS};
        for (uint32_t h = block->loop; h != UINT32_MAX; h = program->blocks[h].outer) {
            if (proof->ranks[h].count == 0) {
                proof->bound = proof->bound_ns = UINT64_MAX;
                return;
            }
            times = saturate_multiply(times, saturate_add(proof->ranks[h].most, 1));
        }
        for (uint32_t i = 0; i < block->count; i++) {
            struct cost cost = cost_of(facts, block->values[i], b, &sizes);
            sum.instructions = saturate_add(sum.instructions, cost.instructions);
            sum.ns = saturate_add(sum.ns, cost.ns);
        }
        proof->bound = saturate_add(proof->bound, saturate_multiply(times, sum.instructions));
        proof->bound_ns = saturate_add(proof->bound_ns, saturate_multiply(times, sum.ns));
    }
}
