/*
 * What the service manager is told: the protocol of sd_notify(3), one datagram of lines to the
 * socket that NOTIFY_SOCKET names. Written out here because libsystemd would be the largest library
 * of a privileged program, for the sake of one sendmsg(2).
 */
#pragma once

#include <stdint.h>

struct err;

struct notify {
    int fd;              /* -1: nobody listens */
    int64_t watchdog_ns; /* between two signs of life; 0: none are wanted */
    int64_t next_ns;     /* clock_now_ns() of the next one */
};

/*
 * Connects to the service manager, if there is one, and takes NOTIFY_SOCKET, WATCHDOG_USEC and
 * WATCHDOG_PID out of the environment. Before the first thread, and before a network namespace is
 * entered: an abstract socket's name belongs to one. 0, or an error when NOTIFY_SOCKET is set but
 * can't be used: a manager that is never told would end the service later, for no visible reason.
 */
int notify_open(struct notify *notify, struct err *err);
void notify_close(struct notify *notify);

/* Tells it `lines` ("READY=1\nSTATUS=..."); a message that can't be sent is dropped. Any thread. */
void notify_send(const struct notify *notify, const char *lines);

/*
 * Gives a sign of life when one is due. Returns how many milliseconds an event loop may sleep
 * before it calls again: -1, for ever, when none are wanted.
 */
int notify_alive(struct notify *notify, int64_t now_ns);
