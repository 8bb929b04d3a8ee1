"""For the tests: speaks to vireo-platform over the socket of a running instance, as hostile code in it
would: platform_liar.py PID. Prints what came of each."""

import ctypes
import os
import socket
import struct
import sys

PIDFD_OPEN, PIDFD_GETFD = 434, 438
KEY, TEXT, DATA = 512, 16 << 10, 64 << 10
libc = ctypes.CDLL(None, use_errno=True)


def steal(pid, fd):
    handle = libc.syscall(PIDFD_OPEN, pid, 0)
    got = libc.syscall(PIDFD_GETFD, handle, fd, 0)
    if got < 0:
        sys.exit(f"cannot take descriptor {fd} of {pid}: {os.strerror(ctypes.get_errno())}")
    os.close(handle)
    return socket.socket(fileno=got)


def head(operation, sequence, first, second, room):
    return struct.pack("<6I", operation, sequence, first, second, room, 0)


def ask(link, operation, first=b"", second=b"", room=0, sequence=7):
    link.send(head(operation, sequence, len(first), len(second), room) + first + second)
    answer = link.recv(1 << 18)
    got, error, length, _ = struct.unpack("<IiII", answer[:16])
    assert got == sequence and length == len(answer) - 16 <= room
    return error, answer[16:]


link = steal(int(sys.argv[1]), 4)
link.settimeout(10)
assert ask(link, 2, b"liar", b"kept") == (0, b"")
assert ask(link, 1, b"liar", b"", DATA) == (0, b"kept")
# Too little room is an error, not a longer answer.
assert ask(link, 1, b"liar", b"", 3) == (-90, b"")
assert ask(link, 1, b"", b"", 9)[0] == -22
assert ask(link, 2, b"k" * (KEY + 1), b"v")[0] == -90
assert ask(link, 2, b"k" * KEY, b"v" * DATA)[0] == 0
# Parameters that are not what they say, and statements with bytes that are no text.
for params in (b"i", b"i1234567", b"t\xff\xff\xff\xff", b"b\x05\0\0\0abcd", b"z", b"nn", b"\0", b"i" * 4096, b""):
    assert ask(link, 4, b"SELECT ?", params, DATA)[0] == -22, params
for text in (b"", b"\0", b"SELECT 1\0; DROP TABLE people", b"\xff" * 100, b"(" * TEXT, b"SELECT 1 --" + b"x" * 9000 + b"\0y"):
    assert ask(link, 4, text, b"", DATA)[0] in (-22, -90), text
assert ask(link, 4, b"SELECT 1", b"", 11)[0] == -90
for name in (b"", b"\0", b"../x", b"k" * 512, b"liar\n"):
    assert ask(link, 5, name, b"body")[0] == -13
for lines in (b"", b"GET", b"GET  \n", b"GET http://a\r\nX: y\n", b"\0" * 99, b"GET http://a:1/\n" + b"x" * 999):
    assert ask(link, 6, lines, b"", DATA)[0] in (-13, -22)
print("every answer was within its room")

# What is no request costs the instance its socket.
message = {
    "lengths": head(1, 1, 5, 0, 9) + b"four",
    "overflow": head(1, 1, 0xffffffff, 1, 9),
    "room": head(1, 1, 1, 0, 0xffffffff) + b"k",
    "beyond": head(9, 1, 1, 0, 9) + b"k",
    "huge": b"x" * 150000,
}[sys.argv[2]]
link.send(message)
assert link.recv(16) == b""
print("ended")
