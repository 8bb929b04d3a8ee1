"""Many instances of one function at once, and what the kernel counts of them: for idle.py, memory.py."""
import collections
import glob
import os
import socket
import time


def meminfo():
    with open('/proc/meminfo', encoding='ascii') as file:
        return {line.split(':')[0]: int(line.split()[1]) for line in file}


def settled():
    """The kernel's counters once they have come to rest: what was freed comes back by and by."""
    time.sleep(2)
    values = collections.defaultdict(list)
    for _ in range(5):
        for key, value in meminfo().items():
            values[key].append(value)
        time.sleep(0.1)
    return {key: sorted(list)[2] for key, list in values.items()}


def family(pid):
    """A process and all that descends from it."""
    found = [pid]
    for path in glob.glob(f'/proc/{pid}/task/*/children'):
        with open(path, encoding='ascii') as file:
            for child in file.read().split():
                found += family(int(child))
    return found


def rollup_kib(pid):
    """What /proc/PID/smaps_rollup says, by name."""
    with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as file:
        rows = [line.split() for line in file][1:]
    return {row[0].rstrip(':'): int(row[1]) for row in rows}


def call_all(port, target, instances):
    """A call for each instance, all at once; the bodies of those that were answered well."""
    sockets = []
    for _ in range(instances):
        one = socket.create_connection(('127.0.0.1', port))
        one.settimeout(50)
        one.sendall(f'GET {target} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n'.encode())
        sockets.append(one)
    bodies = []
    for one in sockets:
        answer = b''
        while piece := one.recv(4096):
            answer += piece
        if answer.startswith(b'HTTP/1.1 200'):
            bodies.append(answer.split(b'\r\n\r\n', 1)[1].decode())
        one.close()
    return bodies


def group_bytes(path):
    """What a control group is charged, by the path of a process in it as /proc/PID/cgroup has it."""
    with open(path, encoding='ascii') as file:
        lines = [line.rstrip('\n').split(':', 2) for line in file]
    for _, controllers, group in lines:
        if 'memory' in controllers.split(','):
            return read_number(f'/sys/fs/cgroup/memory{group}/memory.usage_in_bytes')
    for _, controllers, group in lines:
        if not controllers and os.path.exists(f'/sys/fs/cgroup{group}/memory.current'):
            return read_number(f'/sys/fs/cgroup{group}/memory.current')
    return 0


def read_number(path):
    with open(path, encoding='ascii') as file:
        return int(file.read())
