"""What bench/run-container.sh measures, turn and turn about, and its tables.

usage: turns.py BUILD WORK ROOT ROUNDS FIRST_ROUNDS IDLE NAME=RUNTIME...
"""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

BUILD, WORK, ROOT = sys.argv[1:4]
ROUNDS, FIRST_ROUNDS, IDLE = map(int, sys.argv[4:7])
RUNTIMES = [text.split('=', 1) for text in sys.argv[7:]]
PAUSE_S = 0.05
FIRST_FUNCTIONS = 9
AT_ONCE = 8, 32
SHELL = ['sh', '-c', 'echo hello']


class Daemon:
    """`vireo serve` with a state and a port of its own, and a configuration."""
    port = 21000 + os.getpid() % 9000

    def __init__(self, name, config=''):
        self.state, self.config = f'{WORK}/state-{name}', f'{WORK}/{name}.yaml'
        Daemon.port += 1
        self.port, self.process = Daemon.port, None
        with open(self.config, 'w') as out:
            out.write(config)
        self.environment = dict(os.environ, VIREO_STATE=self.state,
                                VIREO_SERVER=f'http://127.0.0.1:{self.port}')
        self.start()

    def start(self):
        with open(f'{self.state}.log', 'a') as log:
            self.process = subprocess.Popen(
                [f'{BUILD}/vireo', 'serve', '--listen', f'127.0.0.1:{self.port}', '--state',
                 self.state, '--config', self.config], stdout=log, stderr=log)
        for _ in range(200):
            if self.request('GET', '/readyz')[1].startswith(b'HTTP/1.1 200'):
                return
            time.sleep(0.05)
        sys.exit(f'cannot measure: the daemon does not start: {self.state}.log')

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def run(self, *words):
        done = subprocess.run([f'{BUILD}/vireo', *words], env=self.environment,
                              capture_output=True, text=True)
        if done.returncode:
            sys.exit(f'cannot measure: vireo {" ".join(words)}: {done.stderr}')
        return done.stdout

    def request(self, method, path, body=b''):
        """The seconds to the first byte, what came first, and the seconds to the end."""
        begin = time.perf_counter()
        try:
            with socket.create_connection(('127.0.0.1', self.port)) as connection:
                connection.sendall(f'{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
                                   f'Content-Length: {len(body)}\r\n\r\n'.encode() + body)
                text = connection.recv(65536)
                first = time.perf_counter() - begin
                while connection.recv(65536):
                    pass
                return first, text, time.perf_counter() - begin
        except OSError:
            return 0, b'', 0

    def call(self, name, whole=False):
        first, text, end = self.request('POST', f'/function/{name}', b'x')
        if not text.startswith(b'HTTP/1.1 200'):
            sys.exit(f'cannot measure: {name} answers {text.decode(errors="replace")}')
        return end if whole else first


def function(name, manifest):
    """A folder with the bundle's root file system and this manifest."""
    folder = f'{WORK}/{name}'
    os.mkdir(folder)
    os.symlink(f'{WORK}/bundle/rootfs', f'{folder}/rootfs')
    with open(f'{folder}/vireo.yaml', 'w') as out:
        out.write(manifest)
    return folder


def spawn(program, *words):
    """The same for every program: from posix_spawn to the first byte that it says."""
    r, w = os.pipe()
    begin = time.perf_counter()
    pid = os.posix_spawn(program, words, os.environ,
                         file_actions=[(os.POSIX_SPAWN_DUP2, w, 1)])
    os.close(w)
    said = os.read(r, 1)
    seconds = time.perf_counter() - begin
    os.close(r)
    _, status = os.waitpid(pid, 0)
    if not said or status:
        sys.exit(f'cannot measure: {words} said nothing, or failed')
    return seconds


def percentile(values, percent):
    values = sorted(values)
    return values[max(0, (len(values) * percent + 99) // 100 - 1)] * 1e3


def turns(ways, rounds):
    """Each way once a round, in their order: its seconds."""
    seconds = {name: [] for name, _ in ways}
    for _ in range(rounds):
        for name, way in ways:
            time.sleep(PAUSE_S)
            seconds[name].append(way())
    return seconds


def at_once(way, width, pool):
    """`way` from so many threads in one moment: the seconds of each, and until the last has ended."""
    gate = threading.Barrier(width + 1)

    def one():
        gate.wait()
        return way()
    runs = [pool.submit(one) for _ in range(width)]
    gate.wait()
    begin = time.perf_counter()
    return [run.result() for run in runs], time.perf_counter() - begin


def batches(ways, rounds):
    """Each way with 8 and 32 at once, in turns, half a second apart: rows of a table."""
    print('| at once | | n | minimum | median | p99 | containers a second, median (least to most) |\n'
          '| ---: | --- | ---: | ---: | ---: | ---: | ---: |')
    with ThreadPoolExecutor(max(AT_ONCE)) as pool:
        for width in AT_ONCE:
            seconds, rates = {name: [] for name, _ in ways}, {name: [] for name, _ in ways}
            for turn in range(rounds + 1):
                for name, way in ways if turn % 2 else ways[::-1]:
                    time.sleep(0.5)
                    values, whole = at_once(way, width, pool)
                    if turn:  # by the first a burst is known to come
                        seconds[name] += values
                        rates[name].append(width / whole)
            for name, values in seconds.items():
                rate = sorted(rates[name])
                print(f'| {width} | {name} | {len(values)} | {min(values) * 1e3:.2f} '
                      f'| {percentile(values, 50):.2f} | {percentile(values, 99):.2f} '
                      f'| {rate[len(rate) // 2]:.0f} ({rate[0]:.0f} to {rate[-1]:.0f}) |')
    print(flush=True)


def first_calls(daemons):
    """Of functions of which nothing is ready, since their daemon has just started; in turns."""
    seconds = {name: [] for name in daemons}
    for _ in range(FIRST_ROUNDS):
        for name, daemon in daemons.items():
            daemon.stop()
            daemon.start()
            daemon.call('first-0')  # from the first one on there are generic ones
            for i in range(1, FIRST_FUNCTIONS + 1):
                time.sleep(0.5)
                seconds[name].append(daemon.call(f'first-{i}'))
    return seconds


def print_table(seconds):
    print('| | n | minimum | median | p99 |\n| --- | ---: | ---: | ---: | ---: |')
    for name, values in seconds.items():
        print(f'| {name} | {len(values)} | {min(values) * 1e3:.2f} | {percentile(values, 50):.2f} '
              f'| {percentile(values, 99):.2f} |')
    print(flush=True)


def verdict(value, limit):
    return f'{value:.2f}: ' + ('met' if value <= limit else f'missed by {value - limit:.2f}')


def print_aims(seconds):
    rows = [('10 ms to the first byte, no container ready', 'a call, no container ready', 10, None),
            ('10 ms, a generic container', 'a first call, a generic container', 10, None),
            ('10 ms, nothing ready', 'a first call, nothing ready', 10, None),
            ("1 ms over the program's median, from the pool", 'a call, from the warm pool', 1,
             'the program by itself'),
            ('5 ms to the answer of a warm fork of Python', 'Python by warm fork, the whole answer',
             5, None)]
    print('| aim | median | p99 |\n| --- | --- | --- |')
    for text, name, limit, under in rows:
        less = percentile(seconds[under], 50) if under else 0
        cells = [percentile(seconds[name], p) - less for p in (50, 99)]
        print(f'| {text} | {verdict(cells[0], limit)} | {verdict(cells[1], limit)} |')
    print(flush=True)


def children(pid):
    try:
        text = ''.join(open(f'/proc/{pid}/task/{task}/children').read()
                       for task in os.listdir(f'/proc/{pid}/task'))
    except OSError:
        return []
    return [int(child) for child in text.split()]


def below(pid, depth=0):
    yield pid, depth
    for child in children(pid):
        yield from below(child, depth + 1)


def pss_kib(pid):
    try:
        with open(f'/proc/{pid}/smaps_rollup') as lines:
            return sum(int(line.split()[1]) for line in lines if line.startswith('Pss:'))
    except OSError:
        return 0


def idle_vireo(daemon):
    """KiB a container: in all, and of launcher, keepers, what waits in them, the daemon's rest."""
    before = sum(pss_kib(pid) for pid, _ in below(daemon.process.pid))
    daemon.run('deploy', function('idle', f'talk: lambda\npool:\n  instances: {IDLE}\n  spares: {IDLE}\n'),
               '--name', 'idle', '-q', '--', 'sleep', '1000')
    try:
        with socket.create_connection(('127.0.0.1', daemon.port), timeout=1) as connection:
            connection.sendall(b'POST /function/idle HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx')
            connection.recv(1)
    except OSError:
        pass
    count = 0
    for _ in range(300):
        count = sum(row['function'] == 'idle' and row['parent'] is None
                    for row in json.loads(daemon.run('ps', '-o', 'json')))
        if count >= IDLE:
            break
        time.sleep(0.2)
    time.sleep(2)
    parts = {}
    keepers = set()
    for pid, _ in below(daemon.process.pid):
        try:
            comm = open(f'/proc/{pid}/comm').read().strip()
        except OSError:
            continue
        if comm == 'vireo-contain':
            keepers.update(children(pid))
            comm = 'keepers' if pid in keepers else 'launchers'
        elif comm.startswith(('memfd:', 'sleep', 'vireo-container')):
            comm = 'what waits'
        else:
            comm = 'daemon'
        parts[comm] = parts.get(comm, 0) + pss_kib(pid)
    total = sum(parts.values()) - before
    return count, total / count, {name: kib / count for name, kib in parts.items()}


def idle_runtime(path):
    """Of containers by themselves: no process of the runtime stays."""
    with open(f'{WORK}/bundle/config.json') as text:
        config = json.load(text)
    os.makedirs(f'{WORK}/idle-bundle', exist_ok=True)
    config['process']['args'] = ['sleep', '1000']
    config['root']['path'] = f'{WORK}/bundle/rootfs'
    with open(f'{WORK}/idle-bundle/config.json', 'w') as out:
        json.dump(config, out)
    command = [path, '--root', f'{WORK}/idle-runtime']
    names = [f'vireo-bench-{os.getpid()}-{i}' for i in range(IDLE)]
    try:
        for name in names:
            subprocess.run([*command, 'run', '--detach', '-b', f'{WORK}/idle-bundle', name],
                           check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        pids = [json.loads(subprocess.run([*command, 'state', name], check=True,
                                          capture_output=True).stdout)['pid'] for name in names]
        return sum(pss_kib(pid) for pid in pids) / IDLE
    finally:
        for name in names:
            subprocess.run([*command, 'delete', '--force', name], stderr=subprocess.DEVNULL)


def deploy_all(daemons):
    own = daemons['own']
    own.run('deploy', f'{WORK}/bundle/rootfs', '--name', 'cold', '-q', '--', *SHELL)
    warm = function('warm', 'pool:\n  spares: 4\n')
    for name in ('own', 'crun', 'runc'):
        if name in daemons:
            daemons[name].run('deploy', warm, '--name', 'warm', '-q', '--', *SHELL)
    os.mkdir(f'{WORK}/python')
    with open(f'{ROOT}/bench/python/app.py') as source, open(f'{WORK}/python/app.py', 'w') as out:
        out.write(source.read())
    with open(f'{WORK}/python/vireo.yaml', 'w') as out:
        out.write('runtime: python\nimports: [json, re, sqlite3]\n')
    own.run('deploy', f'{WORK}/python', '--name', 'python', '--isolation', 'request', '-q')
    for name in ('none', 'generic'):
        for i in range(FIRST_FUNCTIONS + 1):
            daemons[name].run('deploy', f'{WORK}/bundle/rootfs', '--name', f'first-{i}', '-q', '--',
                              *SHELL)


def measure(daemons):
    own, bundle = daemons['own'], f'{WORK}/bundle'
    deploy_all(daemons)
    number = iter(range(1 << 30))
    ways = [('the program by itself', lambda: spawn('/bin/busybox', 'busybox', *SHELL)),
            ('a call, no container ready', lambda: own.call('cold')),
            ('a call, from the warm pool', lambda: own.call('warm'))]
    for name in ('crun', 'runc'):
        if name in daemons:
            ways.append((f"a call, from a warm pool of {name}'s",
                         lambda daemon=daemons[name]: daemon.call('warm')))
    ways.append(('Python by warm fork, the whole answer', lambda: own.call('python', whole=True)))
    runs = [(f'{name} run', lambda path=path, i=i: spawn(
        path, path, '--root', f'{WORK}/root-{i}', 'run', '-b', bundle,
        f'vireo-bench-{os.getpid()}-{next(number)}')) for i, (name, path) in enumerate(RUNTIMES)]
    ways += runs
    turns(ways, 3)  # pools are filled, files are in memory
    seconds = turns(ways, ROUNDS)
    seconds.update(first_calls({'a first call, a generic container': daemons['generic'],
                                'a first call, nothing ready': daemons['none']}))
    print_table(seconds)
    print_aims(seconds)
    own.run('deploy', function('batch', f'pool:\n  instances: {max(AT_ONCE)}\n'), '--name', 'batch',
            '-q', '--', *SHELL)
    batches([('calls, no container ready', lambda: own.call('batch', whole=True))] + runs,
            max(3, ROUNDS // 5))
    count, kib, parts = idle_vireo(own)
    print(f'{count} idle containers: {kib:.0f} KiB each of proportional memory ('
          + ', '.join(f'{name} {part:.0f}' for name, part in sorted(parts.items())) + ')')
    for name, path in RUNTIMES[1:]:
        if name.startswith('crun'):
            print(f'{IDLE} of {name}: {idle_runtime(path):.0f} KiB each')


def main():
    daemons = {}
    try:
        daemons['own'] = Daemon('own')
        for name in ('crun', 'runc'):
            if any(runtime.startswith(f'{name} ') for runtime, _ in RUNTIMES):
                daemons[name] = Daemon(name, f'containers:\n  runtime: {name}\n')
        daemons['none'] = Daemon('none', 'containers:\n  spares: 0\n')
        daemons['generic'] = Daemon('generic', 'containers:\n  spares: 1\n')
        measure(daemons)
    finally:
        for daemon in daemons.values():
            daemon.stop()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
