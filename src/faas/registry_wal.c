/*
 * SQLite takes of a write-ahead log what is whole, up to the last commit, and drops the rest
 * without a word (https://sqlite.org/fileformat2.html, "The Write-Ahead Log"). What it dropped is
 * said here: the frames that the file had before it was opened, less those that SQLite has.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "faas/registry_internal.h"

#define WAL_HEADER_BYTES 32
#define FRAME_HEADER_BYTES 24
#define SALTS_BYTES 8
#define WAL_SALTS_AT 16
#define FRAME_SALTS_AT 8
#define WAL_FRAMES_MAX 1000000 /* are looked at */

static uint32_t word_at(const unsigned char *bytes)
{
    uint32_t word;

    memcpy(&word, bytes, sizeof word);
    return be32toh(word);
}

/* Frames of the log's present round, whole or not: those of a former one have other salts, and are
 * in the database. */
static int64_t count_frames(int fd, const unsigned char header[WAL_HEADER_BYTES], off_t size)
{
    unsigned char frame[FRAME_HEADER_BYTES];
    int64_t count = 0;
    off_t step = FRAME_HEADER_BYTES + (off_t)word_at(header + 8);

    for (off_t at = WAL_HEADER_BYTES; at + step <= size && count < WAL_FRAMES_MAX; at += step) {
        if (pread(fd, frame, sizeof frame, at) != sizeof frame ||
            memcmp(frame + FRAME_SALTS_AT, header + WAL_SALTS_AT, SALTS_BYTES) != 0)
            break;
        count++;
    }
    return count;
}

void registry_wal_look(struct registry *registry)
{
    unsigned char header[WAL_HEADER_BYTES];
    char path[sizeof registry->path + 4];
    struct stat status;

    registry->wal_frames = 0;
    snprintf(path, sizeof path, "%s-wal", registry->path);
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
        status.st_size <= WAL_HEADER_BYTES || pread(fd, header, sizeof header, 0) != sizeof header)
        return;
    /* The last bit says in which byte order its checksums are. */
    bool known = (word_at(header) & ~1u) == 0x377f0682;
    registry->wal_frames = known ? count_frames(fd, header, status.st_size) : 0;
    if (registry->wal_frames == 0)
        registry->wal_frames = -1;
}

void registry_wal_compare(const struct registry *registry)
{
    int frames = 0;

    if (registry->wal_frames == 0 ||
        sqlite3_wal_checkpoint_v2(registry->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, NULL) !=
            SQLITE_OK)
        return;
    if (registry->wal_frames < 0 && frames <= 0)
        log_line(LOG_WARNING,
                 "registry '%s': nothing of its write-ahead log could be read: it was damaged, or "
                 "cut off before anything in it was acknowledged",
                 registry->path);
    else if (registry->wal_frames > frames)
        log_line(LOG_WARNING,
                 "registry '%s': the last %lld of %lld frames of its write-ahead log were dropped: "
                 "they were damaged, or of a change that was not acknowledged",
                 registry->path, (long long)(registry->wal_frames - frames),
                 (long long)registry->wal_frames);
}
