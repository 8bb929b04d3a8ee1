/* Events of perf_event_open(2): what may be asked for, and how it is opened. */
#include "bpf/events.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"

#define PROCESSORS_MAX 8192
#define TRACEPOINTS_MAX 0xffff /* TRACE_EVENT_TYPE_MAX of the kernel */

static int opener = -1;

bool is_kernel_name(const char *text, unsigned slashes)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

    for (const char *at = text;; at++) {
        size_t length = strspn(at, good);
        if (length == 0 || length > 100)
            return false;
        at += length;
        if (*at == '\0')
            return slashes == 0;
        if (*at != '/' || slashes-- == 0)
            return false;
    }
}

int read_number(const char *path, uint64_t *ret_number)
{
    char text[32];
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n <= 0)
        return n < 0 ? -errno : -EIO;
    text[n] = '\0';
    *ret_number = strtoull(text, NULL, 10);
    return 0;
}

/* Tracepoints, probes and other devices' events are no samples. */
static bool good_samples(const struct event_request *request)
{
    return request->frequency > 0 && request->frequency <= EVENT_FREQUENCY_MAX &&
           (request->type == PERF_TYPE_SOFTWARE || request->type == PERF_TYPE_HARDWARE ||
            request->type == PERF_TYPE_HW_CACHE || request->type == PERF_TYPE_RAW);
}

int event_check(const struct event_request *request)
{
    struct event_request alone = {.kind = request->kind};
    bool good = request->processor < PROCESSORS_MAX;

    switch (request->kind) {
    case EVENT_TRACEPOINT:
        alone.number = request->number;
        good = request->number > 0 && request->number <= TRACEPOINTS_MAX;
        break;
    case EVENT_KPROBE:
        alone.number = request->number;
        alone.returns = request->returns;
        memcpy(alone.function, request->function, sizeof alone.function - 1);
        good = request->number <= EVENT_OFFSET_MAX && request->returns <= 1 &&
               !(request->returns && request->number) && is_kernel_name(alone.function, 0);
        break;
    case EVENT_SAMPLES:
        alone.processor = request->processor;
        alone.number = request->number;
        alone.type = request->type;
        alone.frequency = request->frequency;
        good &= good_samples(request);
        break;
    case EVENT_OUTPUT:
        alone.processor = request->processor;
        break;
    default:
        good = false;
    }
    return good && memcmp(&alone, request, sizeof alone) == 0 ? 0 : -EINVAL;
}

int event_open_own(const struct event_request *request, uint32_t kprobe_type)
{
    struct perf_event_attr attr = {.size = sizeof attr};

    if (event_check(request) < 0)
        return -EINVAL;
    switch (request->kind) {
    case EVENT_TRACEPOINT:
        attr.type = PERF_TYPE_TRACEPOINT;
        attr.config = request->number;
        attr.disabled = 1;
        attr.sample_period = 1;
        attr.wakeup_events = 1;
        break;
    case EVENT_KPROBE:
        attr.type = kprobe_type;
        attr.config = request->returns; /* format/retprobe is config:0 */
        attr.kprobe_func = (uintptr_t)request->function;
        attr.probe_offset = request->number;
        break;
    case EVENT_SAMPLES:
        attr.type = request->type;
        attr.config = request->number;
        attr.freq = 1;
        attr.sample_freq = request->frequency;
        break;
    default: /* as libbpf's perf_buffer opens it */
        attr.type = PERF_TYPE_SOFTWARE;
        attr.config = PERF_COUNT_SW_BPF_OUTPUT;
        attr.sample_type = PERF_SAMPLE_RAW;
        attr.sample_period = 1;
        attr.wakeup_events = 1;
    }
    long event = syscall(__NR_perf_event_open, &attr, -1L, (long)request->processor, -1L,
                         (long)PERF_FLAG_FD_CLOEXEC);
    return event < 0 ? -errno : (int)event;
}

int event_kprobe_type(uint32_t *ret_type)
{
    uint64_t type;
    int r = read_number(BROKER_SOURCES "/kprobe/type", &type);

    if (r < 0)
        return r == -ENOENT ? -EOPNOTSUPP : r; /* a kernel without CONFIG_KPROBE_EVENTS */
    *ret_type = (uint32_t)type;
    return 0;
}

void event_ask_at(int socket)
{
    opener = socket;
}

static int ask(const struct event_request *request)
{
    int fds[FD_MESSAGE_MAX];
    size_t count = 0;
    int32_t answer;
    ssize_t n;

    _cleanup_(closep) int ours = desk_ask(opener, request, sizeof *request, -1);
    if (ours < 0)
        return -EPERM; /* it has ended */
    do
        n = fd_receive(ours, &answer, sizeof answer, fds, &count, 0);
    while (n == -EINTR);
    if (n == sizeof answer && answer == 0 && count == 1)
        return fds[0];
    fd_close_all(fds, count);
    return n == sizeof answer && answer < 0 ? answer : -EIO;
}

int event_open(const struct event_request *request)
{
    uint32_t kprobe_type = 0;
    int event = request->kind == EVENT_KPROBE ? event_kprobe_type(&kprobe_type) : 0;

    if (event == 0)
        event = event_open_own(request, kprobe_type);
    if ((event == -EACCES || event == -EPERM) && opener >= 0)
        event = ask(request);
    return event == -EACCES ? -EPERM : event; /* EACCES is the verifier's here */
}
