/*
 * What the linker would define by itself, and can then not write into its symbol table: linked with
 * each module that is laid out for live update (build/layout.h).
 */

/* The layout moves it behind everything else. */
char __heap_base[16] __attribute__((aligned(16)));
char __data_end[1];
void *__dso_handle;
