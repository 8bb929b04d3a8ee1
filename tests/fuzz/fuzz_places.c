/* Places in ELF files, for uprobes and USDT probes: whatever a file says, what is found is within
 * bounds, and looking for it ends. */
#include <stdlib.h>
#include <string.h>

#include "bpf/reader.h"
#include "fuzz.h"

static struct reader_places places;

static void check(int error)
{
    CHECK(error <= 0 && places.count <= READER_PLACES_MAX);
    CHECK(error != 0 || places.count > 0);
    for (uint32_t i = 0; i < places.count; i++) {
        const struct reader_arguments *arguments = &places.places[i].arguments;
        CHECK(arguments->count >= 0 && arguments->count <= READER_ARGUMENTS_MAX);
        for (int j = 0; j < arguments->count; j++)
            CHECK(arguments->arguments[j].type <= 2 && arguments->arguments[j].shift < 64);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Of its own size, so that what is read behind it is seen. */
    uint8_t *file = malloc(size ? size : 1);

    CHECK(file);
    memcpy(file, data, size);
    places.count = 0;
    check(symbol_find(file, size, "*", &places));
    places.count = 0;
    check(symbol_find(file, size, "main", &places));
    places.count = 0;
    check(usdt_find(file, size, "victim:turn", &places));
    free(file);
    return 0;
}
