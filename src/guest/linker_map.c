/* Puts a library's file and its image into memory, each segment with its own rights. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/limits.h"
#include "guest/linker_internal.h"

#define PAGE 4096ull
/* Room for the signature behind the ELF file. */
#define TRAILER_BYTES_MAX 4096

static int refuse(struct err *err, const char *cause)
{
    return err_say(err, -ENOEXEC, "cannot link library: %s", cause);
}

static int map_bytes(int fd, uint64_t bytes, struct library *library, struct err *err)
{
    if (bytes == 0 || bytes > LIBRARY_MAX_BYTES + TRAILER_BYTES_MAX)
        return refuse(err, "it is empty or too long");
    void *file = mmap(NULL, (size_t)bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED)
        return err_set(err, -errno, "cannot link library");
    library->image.file = file;
    library->image.file_bytes = bytes;
    return 0;
}

int library_map_file(int fd, uint64_t bytes, struct library *library, struct err *err)
{
    struct stat status;

    if (bytes > 0)
        return map_bytes(fd, bytes, library, err);

    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)) !=
                         (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW))
        return refuse(err, "its memory file is not sealed");
    if (fstat(fd, &status) < 0)
        return err_set(err, -errno, "cannot link library");
    return map_bytes(fd, status.st_size > 0 ? (uint64_t)status.st_size : 0, library, err);
}

/* The part of a segment beyond its bytes in the file. */
static int zero_rest(const struct library *library, const Elf64_Phdr *segment)
{
    uint8_t *start = library->base + segment->p_vaddr + segment->p_filesz;
    uint8_t *end = library->base + segment->p_vaddr + segment->p_memsz;
    uint8_t *page = (uint8_t *)(((uintptr_t)start + PAGE - 1) & ~(uintptr_t)(PAGE - 1));

    /* The last page of the file part; when there is none, `start` may be on a fresh page. */
    if (segment->p_filesz > 0 && page > start)
        memset(start, 0, (size_t)((end < page ? end : page) - start));
    else
        page = (uint8_t *)((uintptr_t)start & ~(uintptr_t)(PAGE - 1));
    if (end <= page)
        return 0;
    void *rest = mmap(page, (size_t)(end - page), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return rest == MAP_FAILED ? -errno : 0;
}

static int map_segment(const struct library *library, int fd, const Elf64_Phdr *segment)
{
    int protection = PROT_READ;

    if (segment->p_flags & PF_X)
        protection |= PROT_EXEC;
    if (segment->p_flags & PF_W)
        protection |= PROT_WRITE;
    if (segment->p_filesz > 0) {
        uint64_t lead = segment->p_vaddr % PAGE;
        void *at = mmap(library->base + (segment->p_vaddr - lead), segment->p_filesz + lead,
                        protection, MAP_PRIVATE | MAP_FIXED, fd, (off_t)(segment->p_offset - lead));
        if (at == MAP_FAILED)
            return -errno;
    }
    return segment->p_memsz > segment->p_filesz ? zero_rest(library, segment) : 0;
}

int library_map_image(struct library *library, int fd, struct err *err)
{
    void *base = mmap(NULL, library->image.span, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return err_set(err, -errno, "cannot map library");
    library->base = base;
    for (uint32_t i = 0; i < library->image.segment_count; i++) {
        int r = map_segment(library, fd, &library->image.segments[i]);
        if (r < 0)
            return err_set(err, r, "cannot map library");
    }
    return 0;
}

int library_protect(const struct library *library, struct err *err)
{
    const struct elf_image *image = &library->image;

    if (image->relro_end && mprotect(library->base + image->relro_start,
                                     image->relro_end - image->relro_start, PROT_READ) < 0)
        return err_set(err, -errno, "cannot protect library");
    return 0;
}

void library_unmap(struct library *library)
{
    if (library->base)
        munmap(library->base, library->image.span);
    if (library->image.file)
        munmap((void *)(uintptr_t)library->image.file, library->image.file_bytes);
    library->base = NULL;
    library->image.file = NULL;
}
