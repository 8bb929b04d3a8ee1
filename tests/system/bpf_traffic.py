"""Connections over the loopback to the port of functions/bpf_acts/kinds.h, until it is ended."""

import socket
import threading
import time

PORT = 17325


def answer(listener):
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.recv(16)


with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PORT))
    listener.listen()
    threading.Thread(target=answer, args=(listener,), daemon=True).start()
    while True:
        with socket.create_connection(("127.0.0.1", PORT)) as connection:
            connection.sendall(b"hello")
            connection.recv(1)
        time.sleep(0.02)
