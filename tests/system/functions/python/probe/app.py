# Tells what an instance has: tests/system/python.bats. State is drawn before the fork on purpose.
import asyncio
import ctypes
import os
import random
import signal
import socket
import ssl
import tempfile
import time
import uuid

PIPE = os.pipe()  # what an import opens
PARENT = os.getpid()
random.random(), ssl.RAND_bytes(8), uuid.uuid1(), next(tempfile._get_candidate_names())
libc = ctypes.CDLL(None, use_errno=True)
libc.random()
calls = 0


def failure(what, *arguments):
    try:
        what(*arguments)
    except OSError as error:
        return error.strerror
    return "done"


def seeds():
    return [random.random(), ssl.RAND_bytes(8).hex(), str(uuid.uuid1()), str(uuid.uuid4()),
            next(tempfile._get_candidate_names()), libc.random(), os.urandom(8).hex()]


def descriptors():
    found = {}
    for fd in range(256):
        try:
            found[fd] = oct(os.fstat(fd).st_mode >> 12)
        except OSError:
            pass
    return found


def place():
    return {
        "pid": os.getpid(), "template": PARENT, "host": os.uname().nodename, "uid": os.getuid(),
        "descriptors": descriptors(), "tmp": os.listdir("/tmp"), "root": sorted(os.listdir("/")),
    }


def refused():
    open("/tmp/mine", "w").write("mine")
    return {
        "source": failure(open, "/function/app.py", "a"),
        "usr": failure(open, "/usr/mine", "w"),
        "folder": failure(os.mkdir, "/tmp/folder"),  # its virtual kernel has none
        "socket": failure(socket.socket),
        "pair": failure(socket.socketpair),
        "others": [pid for pid in range(2, 300) if failure(os.kill, pid, 0) == "done"],
        "namespace": libc.unshare(0x10000000) and os.strerror(ctypes.get_errno()),
        "mount": libc.mount(b"x", b"/tmp", b"tmpfs", 0, None) and os.strerror(ctypes.get_errno()),
    }


def processes():
    children = []
    try:
        for _ in range(4000):
            pid = os.fork()
            if pid == 0:
                time.sleep(60)
                os._exit(0)
            children.append(pid)
    except OSError as error:
        return [len(children), error.strerror]
    return len(children)


def group():
    """What a process group shares: its signals, which it ignores itself, and its priority."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.kill(0, signal.SIGTERM), os.kill(0, signal.SIGKILL)
    return [failure(os.setpriority, os.PRIO_PGRP, 0, 19), failure(os.setpriority, os.PRIO_USER, 0, 19),
            libc.syscall(251, 2, 0, 3 << 13), os.getpriority(os.PRIO_PROCESS, 0)]


def beyond():
    """What leads out of a fork: the template's process, keys."""
    calls = {"ptrace": (101, 16, PARENT, 0, 0), "pidfd": (434, PARENT, 0),
             "prlimit": (302, PARENT, 7, 0, 0), "keyctl": (250, 0, -3, 1), "add_key": (248, b"user", b"a", b"b", 1, -4)}
    return {name: os.strerror(ctypes.get_errno()) if libc.syscall(*call) < 0 else "done" for name, call in calls.items()}


async def later():
    await asyncio.sleep(0.01)
    return "later"


def handler(request):
    global calls
    calls += 1
    ways = {
        "/seeds": seeds, "/place": place, "/refused": refused, "/group": group, "/beyond": beyond, "/processes": processes,
        "/later": later, "/none": lambda: None,
        "/count": lambda: calls,
        "/sleep": lambda: time.sleep(30),
        "/nap": lambda: time.sleep(1) or os.getpriority(os.PRIO_PROCESS, 0),
        "/memory": lambda: len(bytearray(1 << 30)),
        "/exit": lambda: os._exit(3),
        "/raise": lambda: 1 / 0,
        "/leave": lambda: exit(4),
        "/status": lambda: (418, {"X-Pot": "tea"}, b"short"),
        "/bad-status": lambda: (101, "no"),
        "/bad-header": lambda: (200, {"Connection": "close"}, "no"),
        "/print": lambda: print("printed", request.query),
        "/echo": lambda: {"method": request.method, "query": request.query, "json": request.json(),
                          "header": request.headers.get("x-mine"), "env": os.environ.get("MINE")},
    }
    return ways[request.path]()
