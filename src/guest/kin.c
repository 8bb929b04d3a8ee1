/* A member's words to the supervisor, and how it is answered: see kin.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest/family.h"

/* The supervisor's loop answers in microseconds; one that does not is gone or in trouble. */
#define ANSWER_NS INT64_C(1000000000)

int kin_take(int socket, int page_fd, int place, struct family_options *ret_family)
{
    void *page = mmap(NULL, KIN_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, page_fd, 0);

    if (page == MAP_FAILED || dup3(socket, place, O_CLOEXEC) < 0)
        return -errno;
    ret_family->kin = place;
    ret_family->page = page;
    return 0;
}

/* System call: write. It may be full: what is not said is not needed by who says it. */
void kin_say(const struct family *family, const struct kin_message *message)
{
    if (family->kin >= 0 && write(family->kin, message, sizeof *message) < 0)
        return;
}

static int64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Waits for room as long as an answer would take. */
static bool written(const struct family *family, const struct kin_message *message, int64_t end)
{
    struct pollfd room = {.fd = family->kin, .events = POLLOUT};
    const struct timespec some = {0, 100000000};

    for (;;) {
        if (write(family->kin, message, sizeof *message) == sizeof *message)
            return true;
        if ((errno != EAGAIN && errno != EINTR) || now_ns() >= end)
            return false;
        ppoll(&room, 1, &some, NULL);
    }
}

/* System calls: write; ppoll where it is full. */
void kin_tell(const struct family *family, const struct kin_message *message)
{
    if (family->kin >= 0)
        written(family, message, now_ns() + ANSWER_NS);
}

/* System calls: write, futex; ppoll where it is full. */
int kin_ask(const struct family *family, struct kin_message *message)
{
    if (family->kin < 0)
        return -ETIME;
    do
        message->ticket = atomic_fetch_add(&family->page->last_ticket, 1) + 1;
    while (message->ticket == 0);
    struct kin_answer *answer = &family->page->answers[message->ticket % KIN_ANSWERS];
    const int64_t end = now_ns() + ANSWER_NS;
    if (!written(family, message, end))
        return -ETIME;
    while (now_ns() < end) {
        uint32_t seen = atomic_load(&answer->ticket);
        if (seen == message->ticket)
            return atomic_load(&answer->error);
        struct timespec some = {0, 100000000};
        syscall(__NR_futex, &answer->ticket, FUTEX_WAIT, seen, &some, NULL, 0);
    }
    return -ETIME;
}
