/*
 * The face of a library of native code. Compiled with its sources; -DVIREO_ENTRY=name is the
 * handler's name, -DVIREO_MAIN=main of a program; neither where there are only exported functions.
 */
#include "library.h"

#ifdef VIREO_ENTRY
int64_t VIREO_ENTRY(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap);
#endif

#ifdef VIREO_MAIN
int VIREO_MAIN(int argc, char **argv, char **env);
void vireo_main(int (*program)(int, char **, char **)) __attribute__((noreturn));

static void start(void *instance)
{
    (void)instance;
    vireo_main(VIREO_MAIN);
}
#endif

__attribute__((visibility("default"))) extern const struct library_face vireo_library;

/* Among what is made read-only after linking, also where nothing in it is relocated. */
__attribute__((section(".data.rel.ro"))) const struct library_face vireo_library = {
    .abi = LIBRARY_ABI,
#ifdef VIREO_ENTRY
    .native_handler = VIREO_ENTRY,
#endif
#ifdef VIREO_MAIN
    .start = start,
#endif
};
