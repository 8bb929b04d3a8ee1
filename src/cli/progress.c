/* Progress: one line a stage. On a terminal a thread redraws the running one ten times a second. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/progress.h"
#include "cli/table.h"

struct progress {
    bool animated, plain;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    bool ended;
    char stage[32]; /* "" before the first */
    int64_t since_ns;
    unsigned frame;
};

static unsigned long long elapsed_ms(const struct progress *progress)
{
    return (unsigned long long)(clock_now_ns() - progress->since_ns) / 1000000;
}

/* Draws the running stage over its own line; the lock is held. */
static void draw(struct progress *progress, const char *mark, bool last)
{
    char time_text[32];

    text_duration(elapsed_ms(progress), time_text, sizeof time_text);
    fprintf(stderr, "\r\033[K  %s %-12s %s%s", mark, progress->stage, time_text, last ? "\n" : "");
    fflush(stderr);
}

static void *animate(void *argument)
{
    static const char *const marks[] = {"|", "/", "-", "\\"};
    struct progress *progress = argument;

    pthread_mutex_lock(&progress->lock);
    while (!progress->ended) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += 100000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        pthread_cond_timedwait(&progress->changed, &progress->lock, &until);
        if (!progress->ended && progress->stage[0] != '\0')
            draw(progress, marks[progress->frame++ % ARRAY_LEN(marks)], false);
    }
    pthread_mutex_unlock(&progress->lock);
    return NULL;
}

struct progress *progress_new(bool plain, bool quiet)
{
    bool terminal = isatty(STDERR_FILENO) == 1;
    pthread_condattr_t attributes;

    struct progress *progress = calloc(1, sizeof *progress);
    if (!progress)
        return NULL;
    progress->plain = plain && !quiet && !terminal;
    pthread_mutex_init(&progress->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&progress->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    progress->animated =
        terminal && !quiet && pthread_create(&progress->thread, NULL, animate, progress) == 0;
    return progress;
}

/* The running stage is over; the lock is held. */
static void stage_end(struct progress *progress, bool failed)
{
    char time_text[32];

    if (progress->stage[0] == '\0')
        return;
    if (progress->animated)
        draw(progress, failed ? "x" : "+", true);
    else if (progress->plain) {
        text_duration(elapsed_ms(progress), time_text, sizeof time_text);
        fprintf(stderr, "%s: %s (%s)\n", progress->stage, failed ? "failed" : "done", time_text);
    }
}

void progress_stage(struct progress *progress, const char *stage)
{
    if (!progress)
        return;
    pthread_mutex_lock(&progress->lock);
    stage_end(progress, false);
    snprintf(progress->stage, sizeof progress->stage, "%s", stage);
    text_make_printable(progress->stage, strlen(progress->stage), 0);
    progress->since_ns = clock_now_ns();
    if (progress->animated)
        draw(progress, "|", false);
    pthread_mutex_unlock(&progress->lock);
}

void progress_free(struct progress *progress, bool failed)
{
    if (!progress)
        return;
    pthread_mutex_lock(&progress->lock);
    stage_end(progress, failed);
    progress->ended = true;
    pthread_cond_signal(&progress->changed);
    pthread_mutex_unlock(&progress->lock);
    if (progress->animated)
        pthread_join(progress->thread, NULL);
    pthread_cond_destroy(&progress->changed);
    pthread_mutex_destroy(&progress->lock);
    free(progress);
}
