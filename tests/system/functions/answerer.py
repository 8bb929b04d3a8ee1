# For the tests: answers what it is sent, turned round, on one port of the addresses given.
import socket, sys, threading

def serve(listener):
    while True:
        connection, _ = listener.accept()
        data = b''
        while True:
            piece = connection.recv(4096)
            if not piece:
                break
            data += piece
        connection.sendall(data[::-1])
        connection.close()

for address in sys.argv[2:]:
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    listener = socket.create_server((address, int(sys.argv[1])), family=family, backlog=1024)
    threading.Thread(target=serve, args=(listener,)).start()
