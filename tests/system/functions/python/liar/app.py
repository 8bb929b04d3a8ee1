# A module whose import lies to the supervisor: tests/system/python.bats. HOW is in its manifest.
# What it does once its template serves, it does round each fork.
import ctypes
import os
import socket
import stat
import struct
import time

how = os.environ["HOW"]
control = socket.socket(fileno=os.dup(3))
made = 0
kept, seen = [], set()
libc = ctypes.PyDLL(None)


def say_garbage():
    control.send(b"nonsense")


def end_others():
    """Says of every instance that there may be that it has ended: struct guest_ended."""
    for life in range(1, 60):
        for slot in range(4):
            control.send(struct.pack("=IiQQQ", 5, 0, life * 8192 + slot, 0, 0))


def keep():
    """A copy of each descriptor of a group that came for the fork."""
    for fd in range(4, 40):
        try:
            status = os.fstat(fd)
        except OSError:
            continue
        node = status.st_dev, status.st_ino
        if stat.S_ISREG(status.st_mode) and status.st_size == 0 and node not in seen:
            seen.add(node)
            kept.append(os.dup(fd))


def enter():
    """A process of its own goes wherever a descriptor leads, and stays there for a while."""
    for fd in kept:
        if libc.fork() == 0:
            if libc.write(fd, b"0", 1) == 1:
                time.sleep(2)
            os._exit(0)


if how == "forks":
    try:
        while True:
            if os.fork() == 0:
                time.sleep(600)
                os._exit(0)
            made += 1
    except OSError:
        pass
elif how == "slow":
    time.sleep(8)
elif how == "early":
    say_garbage()
elif how == "garbage":
    os.register_at_fork(after_in_parent=say_garbage)
elif how == "others":
    os.register_at_fork(after_in_parent=end_others)
elif how == "groups":
    os.register_at_fork(before=lambda: (enter(), keep()))
elif how == "dies":
    os.register_at_fork(after_in_parent=lambda: os._exit(0))


def handler(request):
    return {"made": made}
