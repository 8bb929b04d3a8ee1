/*
 * Libraries that others are linked with, kept in memory: sealed, checked once, and the same pages
 * for every pVM that maps them. A library stands in the cache by the hash of its bytes, so that a
 * verdict is never of other bytes than those that are mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/supervisor.h"
#include "faas/supervisor_link.h"

#define IMAGES_MAX 64

struct slot {
    struct image image; /* fd -1: free */
    uint64_t used;
};

struct images {
    pthread_mutex_t lock; /* of all below: the loop and the quick thread ask */
    uint64_t clock;
    struct slot slots[IMAGES_MAX];
};

static struct images cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct slot *find(const char *hash)
{
    for (size_t i = 0; i < IMAGES_MAX; i++)
        if (strcmp(cache.slots[i].image.hash, hash) == 0)
            return &cache.slots[i];
    return NULL;
}

static int lend(struct slot *slot, struct image *ret_image)
{
    int fd = fcntl(slot->image.fd, F_DUPFD_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    slot->used = ++cache.clock;
    *ret_image = slot->image;
    ret_image->fd = fd;
    return 0;
}

int image_peek(const char *hash, struct image *ret_image)
{
    pthread_mutex_lock(&cache.lock);
    struct slot *slot = find(hash);
    int r = slot ? lend(slot, ret_image) : -ENOENT;
    pthread_mutex_unlock(&cache.lock);
    return r;
}

/* In place of the one that was used longest ago. */
static void keep(const struct image *image)
{
    struct slot *oldest = &cache.slots[0];

    pthread_mutex_lock(&cache.lock);
    for (size_t i = 0; i < IMAGES_MAX && !find(image->hash); i++)
        if (cache.slots[i].used < oldest->used)
            oldest = &cache.slots[i];
    int fd = find(image->hash) ? -1 : fcntl(image->fd, F_DUPFD_CLOEXEC, 0);
    if (fd >= 0) {
        if (oldest->image.hash[0])
            close(oldest->image.fd);
        oldest->image = *image;
        oldest->image.fd = fd;
        oldest->used = ++cache.clock;
    }
    pthread_mutex_unlock(&cache.lock);
}

/* A new one, whose descriptor and note are there. */
static int complete(struct image *image, const char *hash, struct image *ret_image, struct err *err)
{
    struct stat status;

    memcpy(image->hash, hash, BUILD_HASH_TEXT);
    if (fstat(image->fd, &status) < 0) {
        int r = err_set(err, -errno, "cannot use library '%s'", hash);
        close(image->fd);
        return r;
    }
    image->bytes = (uint64_t)status.st_size;
    keep(image);
    *ret_image = *image;
    return 0;
}

int image_open(struct supervisor *supervisor, const char *hash, struct image *ret_image,
               struct err *err)
{
    struct image image = {.fd = -1};

    if (image_peek(hash, ret_image) == 0)
        return 0;
    int r = store_get(supervisor->store, hash, supervisor->key, &supervisor->config.trust,
                      &image.fd, &image.note, err);
    return r < 0 ? r : complete(&image, hash, ret_image, err);
}

int image_open_quick(struct supervisor *supervisor, const char *hash, struct image *ret_image)
{
    struct image image = {.fd = -1};
    int r = store_get_quick(supervisor->store, hash, supervisor->key, &supervisor->config.trust,
                            &image.fd, &image.note);

    return r < 0 ? r : complete(&image, hash, ret_image, NULL);
}

void image_close(struct image *image)
{
    closep(&image->fd);
    image->fd = -1;
}
