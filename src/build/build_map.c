/* The symbol map of a library: it stands behind the ELF file, under the signature. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/symbol_map.h"
#include "build/build_internal.h"

_Static_assert(LIBRARY_TRAILER_BYTES == SYMBOL_MAP_BEHIND_BYTES, "what is behind a map");

uint32_t build_slack(const struct manifest *manifest)
{
    /* Each call begins anew there: nothing to carry over. */
    return manifest->isolation == MANIFEST_REQUEST ? 0 : (uint32_t)manifest->update.slack_bytes;
}

int library_map_append(void **elf, size_t *size, const void *map, size_t map_size, struct err *err)
{
    size_t at = (*size + 7) & ~(size_t)7;
    const struct symbol_map_footer footer = {.bytes = map_size, .magic = SYMBOL_MAP_MAGIC};

    uint8_t *both = realloc(*elf, at + map_size + sizeof footer);
    if (!both)
        return err_set(err, -ENOMEM, "cannot put a symbol map behind a library");
    memset(both + *size, 0, at - *size);
    memcpy(both + at, map, map_size);
    memcpy(both + at + map_size, &footer, sizeof footer);
    *elf = both;
    *size = at + map_size + sizeof footer;
    return 0;
}
