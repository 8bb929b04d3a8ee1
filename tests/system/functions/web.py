"""An HTTP server and a name server for the tests: web.py HTTP_PORT DIRECTORY ADDRESS...

Each request's line is written into DIRECTORY/requests, with the address it came to. /to/URL redirects
there (307), /hop/N redirects N times to itself. The name server listens on port 53 of 127.66.0.53 and
gives a name 127.66.0.1 at one question and 169.254.169.254 at the next; questions are counted in
DIRECTORY/questions.NAME. both.NAME has the two at once, the bad one first; alias.NAME is another name
of localhost, 127.0.0.1; mapped.NAME, nat.NAME and loop.NAME have IPv6 addresses that mean the same.
"""
import http.server
import os
import socket
import struct
import sys
import threading

PORT, DIRECTORY = int(sys.argv[1]), sys.argv[2]


class Handler(http.server.BaseHTTPRequestHandler):
    def do(self):
        with open(os.path.join(DIRECTORY, "requests"), "a") as log:
            log.write(f"{self.server.server_address[0]} {self.command} {self.path} {self.headers.get('X-Test')}\n")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, where, answer = 200, None, b"page " + self.path.encode() + b" " + body
        if self.path.startswith("/to/"):
            status, where = 307, self.path[4:]
        elif self.path.startswith("/hop/"):
            left = int(self.path[5:])
            if left > 0:
                status, where = 302, f"/hop/{left - 1}"
        elif self.path == "/large":
            answer = b"x" * 100000
        self.send_response(status)
        if where:
            self.send_header("Location", where)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do

    def log_message(self, *args):
        pass


V6 = {"mapped": "::ffff:169.254.169.254", "nat": "64:ff9b::a9fe:a9fe", "loop": "::1"}
GOOD, BAD = "127.66.0.1", "169.254.169.254"
counts = {}


def record(name, kind, data):
    return name + struct.pack(">HHIH", kind, 1, 0, len(data)) + data


def answers_of(name, kind):
    first = name.split(".")[0]
    if kind == 28 and first in V6:
        return [record(b"\xc0\x0c", 28, socket.inet_pton(socket.AF_INET6, V6[first]))]
    if kind != 1 or first in V6:
        return []
    if first == "both":
        return [record(b"\xc0\x0c", 1, socket.inet_aton(address)) for address in (BAD, GOOD)]
    if first == "alias":
        real = b"\x09localhost\0"
        return [record(b"\xc0\x0c", 5, real), record(real, 1, socket.inet_aton("127.0.0.1"))]
    counts[name] = counts.get(name, 0) + 1
    with open(os.path.join(DIRECTORY, f"questions.{name}"), "w") as log:
        log.write(str(counts[name]))
    return [record(b"\xc0\x0c", 1, socket.inet_aton(GOOD if counts[name] % 2 else BAD))]


def name_of(question):
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += 1 + question[at]
    return ".".join(labels).lower()


def names():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.66.0.53", 53))
    while True:
        question, peer = server.recvfrom(512)
        end = question.index(b"\0", 12) + 5
        kind = struct.unpack(">H", question[end - 4 : end - 2])[0]
        answers = answers_of(name_of(question), kind)
        header = question[:2] + b"\x81\x80\0\1" + struct.pack(">H", len(answers)) + b"\0\0\0\0"
        server.sendto(header + question[12:end] + b"".join(answers), peer)


threading.Thread(target=names, daemon=True).start()
servers = [http.server.ThreadingHTTPServer((address, PORT), Handler) for address in sys.argv[3:]]
for server in servers[1:]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
servers[0].serve_forever()
