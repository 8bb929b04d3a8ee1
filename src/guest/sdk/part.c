/*
 * Linked before each library for others that is laid out for live update (build/layout_part.c): so
 * that none of its variables is at address 0, which says "nowhere" in a symbol map, and so that an
 * index of the table whose function is gone has one that traps. All of it is the library's own:
 * what is marked as used would be exported.
 */
const char vireo_part_begin[16] __attribute__((aligned(16)));

static void vireo_part_gone(void)
{
    __builtin_trap();
}

/* Takes its address, so that every version has it in its table. */
void (*vireo_part_table(void))(void);
void (*vireo_part_table(void))(void)
{
    return vireo_part_gone;
}
