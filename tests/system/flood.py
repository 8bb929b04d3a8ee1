#!/usr/bin/env python3
"""Peers that a server has to bear.

flood.py malformed PORT           one line a request: name, status, problem|other|none, closed|open
flood.py idle PORT COUNT          COUNT connections, each served once; says "open", waits for its input
flood.py slow-body PORT PATH      a byte of the body a second; the seconds until it is cut, the answer
flood.py slow-head PORT           a byte of the head a second; the same
flood.py slow-reader PORT PATH    reads 1 KiB a second; says "reading", waits for its input to end
flood.py pipeline PORT PATH COUNT COUNT requests in one segment; the bodies in their order
"""
import resource
import select
import socket
import sys
import time

H = b'Host: a\r\n'
CHUNKED = b'POST /function/echo HTTP/1.1\r\n' + H + b'Transfer-Encoding: chunked\r\n'
POST = b'POST /function/echo HTTP/1.1\r\n' + H
GET = b'GET /function/echo HTTP/1.1\r\n' + H
GOOD = GET + b'\r\n'
REQUESTS = {
    'good': GET + b'\r\n',
    'length-and-chunks': POST + b'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'chunks-and-length': CHUNKED + b'Content-Length: 5\r\n\r\n0\r\n\r\n',
    'two-lengths': POST + b'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
    'same-length-twice': POST + b'Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
    'list-of-lengths': POST + b'Content-Length: 5, 5\r\n\r\nhello',
    'negative-length': POST + b'Content-Length: -5\r\n\r\nhello',
    'endless-length': POST + b'Content-Length: 99999999999999999999\r\n\r\n',
    'unknown-coding': POST + b'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'chunk-garbage': CHUNKED + b'\r\nzz\r\n\r\n',
    'chunk-overrun': CHUNKED + b'\r\n1\r\nabc\r\n0\r\n\r\n',
    'no-host': b'GET /function/echo HTTP/1.1\r\n\r\n',
    'two-hosts': GET + b'Host: b\r\n\r\n',
    'bad-host': b'GET /function/echo HTTP/1.1\r\nHost: a/b\r\n\r\n',
    'absolute': b'GET http://a/function/echo HTTP/1.1\r\n' + H + b'\r\n',
    'absolute-elsewhere': b'GET http://b/function/echo HTTP/1.1\r\n' + H + b'\r\n',
    'options': b'OPTIONS * HTTP/1.1\r\n' + H + b'\r\n',
    'get-star': b'GET * HTTP/1.1\r\n' + H + b'\r\n',
    'connect': b'CONNECT a:1 HTTP/1.1\r\n' + H + b'\r\n',
    'http-0.9': b'GET /function/echo\r\n\r\n',
    'http-2': b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'long-target': b'GET /function/echo?' + b'a' * 20000 + b' HTTP/1.1\r\n' + H + b'\r\n',
    'huge-target': b'GET /' + b'a' * 60000 + b' HTTP/1.1\r\n' + H + b'\r\n',
    'long-header': GET + b'X: ' + b'a' * 34000 + b'\r\n\r\n',
    'huge-header': GET + b'X: ' + b'a' * 60000 + b'\r\n\r\n',
    'many-headers': GET + b'X: a\r\n' * 500 + b'\r\n',
    'control': GET + b'X: a\x01b\r\n\r\n',
    # A reader before us may take these for a length; what is behind is another's request.
    'blank-before-colon': POST + b'Content-Length : 33\r\n\r\n' + GET + b'\r\n',
    'folded-length': POST + b'X: a\r\n Content-Length: 33\r\n\r\n' + GET + b'\r\n',
    'bare-cr': POST + b'X: a\rContent-Length: 33\r\n\r\n' + GET + b'\r\n',
    'folded-empty-length': POST + b'Content-Length:\r\n 30\r\n\r\n' + GOOD,
    'folded-chunks': POST + b'Transfer-Encoding:\r\n\tchunked\r\n\r\n' + GOOD,
    'folded': GET + b'X-A: a\r\n b\r\n\r\n',
    'folded-host': b'GET /healthz HTTP/1.1\r\nHost: a\r\n\tb\r\nHost: c\r\n\r\n',
    'line-of-a-colon': GET + b': a\r\n' + GOOD,
    'bare-colon': GET + b':\r\n' + GOOD,
    'colon-with-lf': GET.replace(b'\r', b'') + b':\n' + GOOD,
    'nul-in-value': POST + b'Content-Length: 0\x000\r\n\r\n' + GOOD,
    'nul-in-target': b'GET /function/echo\0/x HTTP/1.1\r\n' + H + b'\r\n',
    'nul-in-query': b'GET /function/echo?x\0/x HTTP/1.1\r\n' + H + b'\r\n',
    'two-blanks': b'GET  /function/echo HTTP/1.1\r\n' + H + b'\r\n',
    'mixed-line-ends': GET + b'X-A: a\nX-B: b\r\n\r\n',
    'query': b'GET /function/echo?a=%00&b=c%2f+d?e HTTP/1.1\r\n' + H + b'\r\n',
    'line-feeds': GET.replace(b'\r', b'') + b'X-A: a\n\n',
    'odd-blanks': GET + b'X-A:a\r\nX-B: \t a\r\nX-C:\r\nX-D: \r\nX-E: a \t\r\n\r\n',
    'empty-lines-before': b'\r\n\r\n' + GET + b'\r\n',
    'refused-size': POST + b'Content-Length: 7000000\r\nExpect: 100-continue\r\n\r\n',
}


def connect(port):
    peer = socket.create_connection(('127.0.0.1', port))
    peer.settimeout(3)
    return peer


def malformed(port):
    for name, request in REQUESTS.items():
        answer, end = b'', 'open'
        with connect(port) as peer:
            peer.settimeout(0.4)
            try:
                peer.sendall(request)
                while True:
                    piece = peer.recv(65536)
                    if not piece:
                        end = 'closed'
                        break
                    answer += piece
            except socket.timeout:
                pass
            except OSError:
                end = 'closed'
        status = answer[9:12].decode() if answer.startswith(b'HTTP/1.1 ') else 'none'
        kind = 'problem' if b'application/problem+json' in answer else 'other' if answer else 'none'
        print(name, status, kind, end)


def idle(port, count):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    peers = []
    for _ in range(count):
        peer = connect(port)
        peer.sendall(b'GET /healthz HTTP/1.1\r\n' + H + b'\r\n')
        assert peer.recv(4096).startswith(b'HTTP/1.1 200'), 'it was not answered'
        peers.append(peer)
    print('open', flush=True)
    sys.stdin.read()


def drip(port, first):
    with connect(port) as peer:
        begin = time.monotonic()
        answer = b''
        peer.sendall(first)
        try:
            while not select.select([peer], [], [], 1)[0] and time.monotonic() - begin < 100:
                peer.sendall(b'a')
            answer = peer.recv(65536)
        except OSError:
            pass
        print(int(time.monotonic() - begin), *answer.decode().split('\r\n\r\n'), sep='\n')


def slow_reader(port, path):
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.connect(('127.0.0.1', port))
    peer.sendall(b'GET ' + path.encode() + b' HTTP/1.1\r\n' + H + b'\r\n')
    assert peer.recv(1024).startswith(b'HTTP/1.1 200')
    print('reading', flush=True)
    while not select.select([sys.stdin], [], [], 1)[0]:
        peer.recv(1024)


def pipeline(port, path, count):
    peer = connect(port)
    peer.sendall(b''.join(b'POST %s HTTP/1.1\r\n%sContent-Length: 4\r\n\r\n%04d' %
                          (path.encode(), H, i) for i in range(count)))
    peer.shutdown(socket.SHUT_WR)
    answer = b''
    while piece := peer.recv(65536):
        answer += piece
    print(' '.join(part[:4].decode() for part in answer.split(b'\r\n\r\n')[1:]))


def main():
    what, port = sys.argv[1], int(sys.argv[2])
    if what == 'malformed':
        malformed(port)
    elif what == 'idle':
        idle(port, int(sys.argv[3]))
    elif what == 'slow-body':
        drip(port, b'POST %s HTTP/1.1\r\n%sContent-Length: 5000\r\n\r\n' % (sys.argv[3].encode(), H))
    elif what == 'slow-head':
        drip(port, b'GET /healthz HTTP/1.1\r\nX: ')
    elif what == 'slow-reader':
        slow_reader(port, sys.argv[3])
    elif what == 'pipeline':
        pipeline(port, sys.argv[3], int(sys.argv[4]))
    else:
        sys.exit(__doc__)


main()
