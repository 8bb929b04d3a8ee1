"""Many connections to a server at once, all held until the last is answered.

usage: crowd.py PORT COUNT {ping|get}

ping: RESP; get: HTTP, a small file. Each connection asks once when it is made, and again when all
are there. Prints how many were answered each time, and how many were told that there is no room.
"""
import resource
import select
import socket
import sys
import time

ASKS = {'ping': (b'PING\r\n', b'+PONG\r\n'),
        'get': (b'GET /sub/ HTTP/1.1\r\nHost: x\r\n\r\n', b'</p>\n')}
FULL = b'-ERR max number of clients reached\r\n'
SECONDS = 60


def answers(asked, ask, end):
    """Asks on each of these sockets; those that were answered, and how many have no room."""
    answered, full, waiting = [], 0, {}
    poll = select.poll()
    deadline = time.monotonic() + SECONDS
    for one in asked:
        try:
            one.send(ask)
        except OSError:
            pass  # closed behind the answer, which is still to be read
        poll.register(one, select.POLLIN)
        waiting[one.fileno()] = [one, b'']
    while waiting and time.monotonic() < deadline:
        for number, _ in poll.poll(1000):
            entry = waiting[number]
            try:
                part = entry[0].recv(4096)
            except ConnectionResetError:
                part = b''
            entry[1] += part
            if part and not entry[1].endswith((end, FULL)):
                continue
            poll.unregister(number)
            del waiting[number]
            if entry[1].endswith(end):
                answered.append(entry[0])
            full += entry[1] == FULL
    return answered, full


def main():
    port, count, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 64, count + 64))
    ask, end = ASKS[kind]
    sockets = []
    for _ in range(count):
        one = socket.create_connection(('127.0.0.1', port), timeout=SECONDS)
        one.setblocking(False)
        sockets.append(one)
    first, full = answers(sockets, ask, end)
    again, _ = answers(first, ask, end)
    print(len(first), 'answered,', len(again), 'again,', full, 'told that it is full')


main()
