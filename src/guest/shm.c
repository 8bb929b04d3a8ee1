/*
 * Module "vireo": shmget, shmat, shmdt, shmctl. The segments are the kernel's, of the family's own
 * ipc namespace: they go with it, and its memory limit counts their pages. One is attached inside
 * the linear memory, which is grown for it by whole pages of WebAssembly, so that translated code
 * reads and writes it as any other memory. The place stays when it is detached and is used again.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "guest/family.h"
#include "guest/template.h"
#include "guest/wasi_internal.h"
#include "guest/wasm_internal.h"

#define VIREO(name) Z_vireoZ_##name

uint32_t VIREO(shmget)(struct host *host, uint32_t key, uint32_t bytes, uint32_t flags);
uint32_t VIREO(shmat)(struct host *host, uint32_t id, uint32_t address, uint32_t flags);
uint32_t VIREO(shmdt)(struct host *host, uint32_t address);
uint32_t VIREO(shmctl)(struct host *host, uint32_t id, uint32_t command, uint32_t buffer);

/* What a guest is told of a segment: by IPC_STAT, and by FAMILY_STAT. */
struct guest_shm {
    uint32_t bytes, attached, creator, last;
};
struct guest_shm_whole {
    struct guest_ipc ipc;
    struct guest_shm segment;
    int64_t attached, detached, changed;
};

static uint32_t refuse(int error)
{
    return (uint32_t) - (int)wasi_errno_from(error);
}

static struct family *family_of(const struct host *host)
{
    return host->family && (host->family->grants & GUEST_GRANT_IPC) ? host->family : NULL;
}

/* System call: shmget. */
uint32_t VIREO(shmget)(struct host *host, uint32_t key, uint32_t bytes, uint32_t flags)
{
    struct family *family = family_of(host);

    if (!family)
        return refuse(EPERM);
    if (flags & ~(uint32_t)(IPC_CREAT | IPC_EXCL | 0777))
        return refuse(EINVAL);
    /* Its pages are counted when they are touched: what could never be is not promised. */
    if (bytes > (uint64_t)host->memory_pages_max * WASM_PAGE_BYTES)
        return refuse(EINVAL);
    int id = family_key_get(family, KIN_MEMORY, (int)key, bytes, (int)flags);
    return id < 0 ? refuse(-id) : (uint32_t)id;
}

/* A place of so many pages: one that was left, or new memory. NULL: the limit is reached. */
static struct family_place *take_place(struct host *host, struct family *family, uint32_t pages)
{
    struct family_place *free_place = NULL;

    for (size_t i = 0; i < FAMILY_PLACES_MAX; i++) {
        struct family_place *place = &family->places[i];
        if (!place->used && place->pages == pages)
            return place;
        if (!place->used && place->pages == 0 && !free_place)
            free_place = place;
    }
    if (!free_place)
        return NULL;
    uint32_t at = wasm_rt_grow_memory(host->memory, pages);
    if (at == UINT32_MAX)
        return NULL;
    *free_place = (struct family_place){.first = at, .pages = pages};
    return free_place;
}

/* System calls: shmctl, shmat, mremap; mprotect when memory grows. */
uint32_t VIREO(shmat)(struct host *host, uint32_t id, uint32_t address, uint32_t flags)
{
    struct family *family = family_of(host);
    struct shmid_ds segment;

    if (!family)
        return refuse(EPERM);
    /* Where it lies is ours to say. SHM_RDONLY is the one flag left. */
    if (address || (flags & ~(uint32_t)SHM_RDONLY) || !host->memory)
        return refuse(EINVAL);
    if (shmctl((int)id, IPC_STAT, &segment) < 0)
        return refuse(errno);
    uint64_t pages = (segment.shm_segsz + WASM_PAGE_BYTES - 1) / WASM_PAGE_BYTES;
    struct family_place *place =
        pages > 0 && pages < WASM_PAGES_MAX ? take_place(host, family, (uint32_t)pages) : NULL;
    if (!place)
        return refuse(ENOMEM);
    uint8_t *to = host->memory->data + (uint64_t)place->first * WASM_PAGE_BYTES;
    /* First anywhere: an id may have become another, larger segment's, which must not lie over what
     * follows the place. What is moved there is as long as the place, at most. */
    void *any = shmat((int)id, NULL, (int)flags);
    if (any == (void *)-1)
        return refuse(errno);
    size_t bytes = (segment.shm_segsz + 4095) & ~(size_t)4095;
    if (mremap(any, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) {
        int error = errno;
        shmdt(any);
        return refuse(error);
    }
    place->used = true;
    return place->first * WASM_PAGE_BYTES;
}

/* System call: mmap. */
uint32_t VIREO(shmdt)(struct host *host, uint32_t address)
{
    struct family *family = family_of(host);

    if (!family)
        return refuse(EPERM);
    for (size_t i = 0; i < FAMILY_PLACES_MAX; i++) {
        struct family_place *place = &family->places[i];
        if (!place->used || place->first * WASM_PAGE_BYTES != address)
            continue;
        /* Never a hole: new memory takes the segment's place in one step. */
        if (mmap(host->memory->data + address, (uint64_t)place->pages * WASM_PAGE_BYTES,
                 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
                 -1, 0) == MAP_FAILED)
            return refuse(errno);
        place->used = false;
        return 0;
    }
    return refuse(EINVAL);
}

/* System call: shmctl. */
uint32_t VIREO(shmctl)(struct host *host, uint32_t id, uint32_t command, uint32_t buffer)
{
    const bool whole = command == FAMILY_STAT, asks = whole || command == IPC_STAT;
    void *to = host_memory(host, buffer,
                           whole ? sizeof(struct guest_shm_whole) : sizeof(struct guest_shm));
    struct shmid_ds segment;

    if (!family_of(host))
        return refuse(EPERM);
    if (command != IPC_RMID && !asks)
        return refuse(command == IPC_SET ? EPERM : EINVAL);
    if (asks && !to)
        return refuse(EFAULT);
    if (!asks) {
        int r = family_key_remove(host->family, KIN_MEMORY, (int)id);
        return r < 0 ? refuse(-r) : 0;
    }
    if (shmctl((int)id, IPC_STAT, &segment) < 0)
        return refuse(errno);
    const struct guest_shm_whole told = {
        .ipc = family_ipc(&segment.shm_perm),
        .segment = {(uint32_t)segment.shm_segsz, (uint32_t)segment.shm_nattch,
                    (uint32_t)segment.shm_cpid, (uint32_t)segment.shm_lpid},
        .attached = segment.shm_atime,
        .detached = segment.shm_dtime,
        .changed = segment.shm_ctime,
    };
    if (whole)
        memcpy(to, &told, sizeof told);
    else
        memcpy(to, &told.segment, sizeof told.segment);
    return 0;
}
