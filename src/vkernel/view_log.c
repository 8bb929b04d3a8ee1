/* A container's kernel log: what the kernel says of its tasks and what they say themselves. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "vkernel/kmsg_record.h"
#include "vkernel/log_ring.h"
#include "vkernel/log_source.h"
#include "vkernel/view.h"

/* Of the container's own words: so many at once, and a second. */
#define WRITES_BURST 200
#define WRITES_SECOND 50
#define SECOND_US 1000000

/* A kernel's message has no level here: the tracepoint comes behind where it is cut off. */
#define LEVEL_KERNEL 6
#define LEVEL_DEATH 4
#define LEVEL_LOST (5 << 3 | 4) /* of syslog itself */

/* An out-of-memory report lists others' tasks when it is of a group above: of each report are shown
 * its first line, and who was killed if it was about this group. */
#define REPORT_LINES_MAX 4096

struct view_log {
    struct log_ring *ring;
    struct log_source *source;
    uint64_t cleared, read; /* numbers: of SYSLOG_ACTION_CLEAR, and of _READ */
    int files[2], current;
    size_t written; /* in the current one */
    struct {
        uint64_t left, since_us, lost;
    } rate;
    struct report {
        unsigned tid, lines; /* of whom one is being printed; 0: of nobody */
        bool path_next, own;
    } report;
    /* The kernel prints some lines in pieces, which come one by one: this one may go on. */
    struct {
        unsigned tid;
        uint64_t time_us;
        size_t length;
        char text[LOG_RING_TEXT_BYTES];
    } line;
    bool changed;
};

struct log_ring *view_log_ring(struct view *view)
{
    return view->log->ring;
}

uint64_t view_log_cleared(const struct view *view)
{
    return view->log->cleared;
}

int view_log_fd(const struct view *view)
{
    return view->log ? log_source_fd(view->log->source) : -1;
}

int view_log_open(struct view *view, struct err *err)
{
    struct view_log *log = calloc(1, sizeof *log);

    if (log)
        *log = (struct view_log){.ring = log_ring_new(view->options.log_bytes),
                                 .files = {VIEW_FD_LOG, VIEW_FD_LOG_SECOND},
                                 .rate = {.left = WRITES_BURST}};
    if (!log || !log->ring)
        return err_set(err, -ENOMEM, "cannot make a kernel log");
    view->log = log;
    return log_source_open(&log->source, err);
}

int view_log_begin(struct view *view, struct err *err)
{
    return log_source_follow(view->log->source, VIEW_FD_GROUP, err);
}

/* Two files in turns: the older half goes when the newer one is full. */
static void keep(struct view_log *log, const struct log_record *record, const char *who)
{
    char line[LOG_RING_LINE_BYTES];
    int n = snprintf(line, sizeof line, "%" PRIu64 " %" PRIu64 " %s %.*s\n", record->number,
                     record->time_us, who, record->length, record->text);

    if (log->written + (size_t)n > VIEW_LOG_FILE_BYTES) {
        log->current ^= 1;
        log->written = 0;
        if (ftruncate(log->files[log->current], 0) < 0)
            return;
    }
    if (fd_write_full(log->files[log->current], line, (size_t)n) == 0)
        log->written += (size_t)n;
}

static void put(struct view_log *log, const char *who, unsigned priority, uint64_t time_us,
                const char *text, size_t length)
{
    if (log_ring_put(log->ring, priority, time_us, text, length) < 0)
        return;
    keep(log, log_ring_get(log->ring, log_ring_next(log->ring) - 1), who);
    log->changed = true;
}

/* ---- the container's own words ---- */

static bool may_write(struct view_log *log, uint64_t now_us)
{
    uint64_t more = (now_us - log->rate.since_us) * WRITES_SECOND / SECOND_US;

    if (more > 0) {
        log->rate.left =
            log->rate.left + more > WRITES_BURST ? WRITES_BURST : log->rate.left + more;
        log->rate.since_us = now_us;
    }
    if (log->rate.left == 0) {
        log->rate.lost++;
        return false;
    }
    log->rate.left--;
    return true;
}

void view_log_write(struct view *view, const char *text, size_t length)
{
    struct view_log *log = view->log;
    uint64_t now_us = (uint64_t)clock_now_ns() / 1000;
    unsigned priority;
    char said[64];

    if (!may_write(log, now_us))
        return;
    if (log->rate.lost > 0) {
        int n =
            snprintf(said, sizeof said, "kmsg: %" PRIu64 " messages were too many", log->rate.lost);
        log->rate.lost = 0;
        put(log, "own", LEVEL_LOST, now_us, said, (size_t)n);
    }
    const char *at = log_parse_write(text, &length, &priority);
    put(log, "own", priority, now_us, at, length);
    view_kmsg_wake(view);
    log->changed = false;
}

/* ---- the kernel's ---- */

static bool has(const char *text, size_t length, const char *word)
{
    return memmem(text, length, word, strlen(word)) != NULL;
}

/* The group that the report is about: our own or one below it. */
static bool is_ours(const struct view *view, const char *path, size_t length)
{
    size_t group = strlen(view->options.group);

    return length >= group && memcmp(path, view->options.group, group) == 0 &&
           (length == group || path[group] == '/');
}

/* The kernel prints it in pieces: "...oom_memcg=", and then the path. */
static void follow_report(struct view *view, const struct kmsg_record *record)
{
    static const char key[] = "oom_memcg=";
    struct view_log *log = view->log;
    size_t length = record->length;

    if (log->report.path_next)
        log->report.own = is_ours(view, record->text, length);
    log->report.path_next =
        length >= sizeof key - 1 &&
        memcmp(record->text + length - (sizeof key - 1), key, sizeof key - 1) == 0;
    if (++log->report.lines > REPORT_LINES_MAX)
        log->report.tid = 0;
}

/*
 * Whether a message is shown. The words are looked for only to leave something out: who forges them
 * hides his own messages from himself.
 */
static bool is_shown(struct view *view, const struct kmsg_record *record)
{
    struct view_log *log = view->log;
    const char *text = record->text;

    if (has(text, record->length, " invoked oom-killer: ")) {
        log->report = (struct report){.tid = record->tid};
        return true;
    }
    if (record->tid != log->report.tid || log->report.tid == 0)
        return true;
    follow_report(view, record);
    if (!has(text, record->length, ": Killed process "))
        return false;
    log->report.tid = 0;
    return log->report.own;
}

static void line_end(struct view_log *log)
{
    if (log->line.length > 0)
        put(log, "kernel", LEVEL_KERNEL, log->line.time_us, log->line.text, log->line.length);
    log->line.length = 0;
}

/* A piece begins with a space, or is nothing, and is the same thread's. */
static void line_add(struct view_log *log, const struct kmsg_record *record)
{
    bool goes_on = log->line.length > 0 && log->line.tid == record->tid &&
                   (record->length == 0 || record->text[0] == ' ') &&
                   log->line.length + record->length <= sizeof log->line.text;

    if (!goes_on) {
        line_end(log);
        log->line.tid = record->tid;
        log->line.time_us = record->time_ns / 1000;
    }
    memcpy(log->line.text + log->line.length, record->text, record->length);
    log->line.length += record->length;
}

static void take(const struct kmsg_record *record, void *user)
{
    struct view *view = user;
    uint64_t time_us = record->time_ns / 1000;
    char text[128];
    int n;

    switch ((enum kmsg_kind)record->kind) {
    case KMSG_PRINTK:
        if (record->length <= sizeof record->text && is_shown(view, record))
            line_add(view->log, record);
        return;
    case KMSG_FAULT:
        n = snprintf(text, sizeof text, "%.*s[%u]: fault: signal %d, code %d, address %llx",
                     KMSG_COMM_BYTES, record->comm, record->tid, record->signal, record->code,
                     record->address);
        break;
    case KMSG_SECCOMP:
        n = snprintf(text, sizeof text, "%.*s[%u]: seccomp: killed, syscall %d", KMSG_COMM_BYTES,
                     record->comm, record->tid, record->code);
        break;
    default:
        return;
    }
    line_end(view->log);
    put(view->log, "kernel", LEVEL_DEATH, time_us, text, (size_t)n);
}

void view_log_serve(struct view *view)
{
    log_source_read(view->log->source, take, view);
    line_end(view->log);
    if (view->log->changed)
        view_kmsg_wake(view);
    view->log->changed = false;
}

/* ---- syslog(2) ---- */

enum {
    ACTION_CLOSE,
    ACTION_OPEN,
    ACTION_READ,
    ACTION_READ_ALL,
    ACTION_READ_CLEAR,
    ACTION_CLEAR,
    ACTION_SIZE_UNREAD = 9,
    ACTION_SIZE_BUFFER = 10,
};

static int64_t unread_bytes(const struct view_log *log)
{
    char line[LOG_RING_LINE_BYTES];
    uint64_t at = log->read > log_ring_first(log->ring) ? log->read : log_ring_first(log->ring);
    int64_t bytes = 0;

    for (; at < log_ring_next(log->ring); at++)
        bytes += (int64_t)log_record_syslog(log_ring_get(log->ring, at), line);
    return bytes;
}

/* From where the last one ended: whole records. The kernel's waits for one; this can't. */
static int64_t read_on(struct view_log *log, char *text, size_t size)
{
    char line[LOG_RING_LINE_BYTES];
    size_t used = 0;

    if (log->read < log_ring_first(log->ring))
        log->read = log_ring_first(log->ring);
    for (; log->read < log_ring_next(log->ring); log->read++) {
        size_t length = log_record_syslog(log_ring_get(log->ring, log->read), line);
        if (used + length > size)
            break;
        memcpy(text + used, line, length);
        used += length;
    }
    return used > 0 ? (int64_t)used : -EAGAIN;
}

static int64_t act(struct view *view, const struct view_ask *ask, char *text, size_t *ret_length)
{
    struct view_log *log = view->log;
    size_t size = ask->length < VIEW_TEXT_MAX ? (size_t)ask->length : VIEW_TEXT_MAX;
    int64_t value = 0;

    switch (ask->type) {
    case ACTION_CLOSE:
    case ACTION_OPEN:
        return 0;
    case ACTION_READ:
        value = read_on(log, text, size);
        break;
    case ACTION_READ_ALL:
    case ACTION_READ_CLEAR:
        value = (int64_t)log_ring_read_all(log->ring, log->cleared, text, size);
        break;
    case ACTION_CLEAR:
        break;
    case ACTION_SIZE_UNREAD:
        return unread_bytes(log);
    case ACTION_SIZE_BUFFER:
        return (int64_t)view->options.log_bytes;
    default: /* the console is the host's */
        return -EPERM;
    }
    if (ask->type == ACTION_CLEAR || ask->type == ACTION_READ_CLEAR)
        log->cleared = log_ring_next(log->ring);
    *ret_length = value > 0 ? (size_t)value : 0;
    return value;
}

bool view_log_answer(struct view *view, int socket)
{
    static struct view_answer answer;
    struct view_ask ask;
    size_t length = 0;

    ssize_t n = recv(socket, &ask, sizeof ask, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return true;
    if (n != sizeof ask)
        return false;
    answer.value = !view->log || ask.length < 0 ? -EINVAL : act(view, &ask, answer.text, &length);
    return send(socket, &answer, sizeof answer.value + length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}
