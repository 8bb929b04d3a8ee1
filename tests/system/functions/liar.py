# For the tests: speaks to a connector as its supervisor and as instances that lie to it.
import array, os, socket, struct, subprocess, sys

PLACE_BYTES = 263
port = sys.argv[2]
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def keep_three():
    os.dup2(theirs.fileno(), 3)


connector = subprocess.Popen([sys.argv[1], '127.66.0.1:*'], preexec_fn=keep_three, pass_fds=[3])
theirs.close()


def instance(name, places):
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    message = struct.pack('<Q64sII', 1, name.encode(), len(places), 0)
    for place in places + [''] * (16 - len(places)):
        message += place.encode().ljust(PLACE_BYTES, b'\0')
    socket.send_fds(ours, [message.ljust((len(message) + 7) // 8 * 8, b'\0')], [its.fileno()])
    its.close()
    mine.settimeout(10)
    return mine


def ask(connection, index):
    connection.send(struct.pack('<I', index))
    answer, fds, _, _ = socket.recv_fds(connection, 16, 4)
    for fd in fds:
        os.close(fd)
    return struct.unpack('<i', answer)[0] if len(answer) == 4 else None, len(fds)


place = '127.66.0.1:' + port
honest = instance('honest', [place])
assert ask(honest, 0) == (0, 1)

# Numbers that it has no grant for; places that the operator does not allow, whatever its manifest was.
liar = instance('liar', [place])
assert ask(liar, 1) == (-13, 0)
assert ask(liar, 0xffffffff) == (-13, 0)
assert ask(liar, 0) == (0, 1)
old = instance('old', ['127.66.0.2:' + port, '169.254.169.254:80', 'not a place', ''])
assert [ask(old, index) for index in range(4)] == [(-13, 0)] * 4

# No requests: each costs it its socket, and descriptors in them are closed.
for message in (b'', b'x', b'xxxxxxxx', b'x' * 4096):
    liar = instance('liar', [place])
    if message:
        liar.send(message)
        assert liar.recv(16) == b''
reader, writer = os.pipe()
liar = instance('liar', [place])
socket.send_fds(liar, [struct.pack('<I', 0)], [writer])
os.close(writer)
assert liar.recv(16) == b''
assert os.read(reader, 1) == b''

# One that never reads its answers, and one that is gone before them.
flood = instance('flood', [place])
flood.setblocking(False)
try:
    while True:
        flood.send(struct.pack('<I', 0))
except BlockingIOError:
    pass
for _ in range(20):
    gone = instance('gone', [place])
    gone.send(struct.pack('<I', 0))
    gone.close()

assert ask(honest, 0) == (0, 1)
assert connector.poll() is None
ours.close()
connector.wait(10)
assert connector.returncode == 0
