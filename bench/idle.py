"""The rounds of run-idle.sh: a daemon, calls that start instances, and what the kernel counts then."""
import glob
import http.client
import json
import os
import signal
import subprocess
import sys
import time

from instances import call_all, family, settled

vireo, port, work, rounds, instances = sys.argv[1:]
port, rounds, instances = int(port), int(rounds), int(instances)
state = work + '/state'
QUIET_SECONDS = 10


def switches(pids):
    """How often each thread has been put on a CPU."""
    counts = {}
    for pid in pids:
        for path in glob.glob(f'/proc/{pid}/task/*/status'):
            with open(path, encoding='utf-8', errors='replace') as file:
                counts[path] = sum(int(line.split()[1]) for line in file if 'ctxt_switches' in line)
    return counts


def call(query=''):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=10)
    try:
        connection.request('GET', '/function/held' + query)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def measure(daemon):
    before = settled()
    begin = time.monotonic()
    good = len(call_all(port, '/function/held?slow', instances))
    ready_ms = (time.monotonic() - begin) * 1000
    after = settled()
    pids = family(daemon.pid)
    # The supervisor, two gateways, the template.
    if good != instances or len(pids) - 4 != instances:
        sys.exit(f'cannot measure: {good} calls were answered, {len(pids) - 4} instances live, '
                 f'{instances} were wanted')
    first = switches(pids)
    time.sleep(QUIET_SECONDS)
    last = switches(pids)
    # Behind the supervisor, the gateways and the template: they are the oldest.
    private, tables = own(sorted(pids)[4:])
    group, mounts = empty_group_kib()

    def each(*names):
        return round(sum(after[name] - before[name] for name in names) / instances, 1)
    return {
        'available': -each('MemAvailable'), 'anonymous': each('AnonPages'), 'shared': each('Shmem'),
        'tables': each('PageTables'), 'stacks': each('KernelStack'), 'slab': each('Slab'),
        'percpu': each('Percpu'), 'ready_ms': round(ready_ms), 'threads': len(last),
        'wakes': sum(last.values()) - sum(first.values()), 'group': group, 'mounts': mounts,
        'private': round(private / instances, 1), 'own_tables': round(tables / instances, 1),
        'without': round(-each('MemAvailable') - mounts, 1),
    }


def own(pids):
    """KiB that processes have to themselves: private pages, and page tables."""
    private = tables = 0
    for pid in pids:
        with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as file:
            private += sum(int(line.split()[1]) for line in file if line.startswith('Private_'))
        with open(f'/proc/{pid}/status', encoding='utf-8', errors='replace') as file:
            tables += sum(int(line.split()[1]) for line in file if line.startswith('VmPTE:'))
    return private, tables


def slab_kib(cache=''):
    """What is in use of the kernel's caches, by objects: whole slabs come and go late."""
    with open('/proc/slabinfo', encoding='ascii') as file:
        rows = [line.split() for line in file][2:]
    return sum(int(row[1]) * int(row[3]) for row in rows if row[0].startswith(cache)) / 1024


def empty_group_kib(count=200):
    """The kernel's own slab for an empty group with a memory controller, and of that the tables of
    its file systems: 1 KiB for every 64 that were ever mounted at once since the boot
    (shrinker_info), which never shrinks; whoever mounted them."""
    tree = '/sys/fs/cgroup/memory' if os.path.isdir('/sys/fs/cgroup/memory') else '/sys/fs/cgroup'
    paths = [f'{tree}/vireo-bench-{os.getpid()}-{i}' for i in range(count)]
    before, before_tables = slab_kib(), slab_kib('kmalloc-1k')
    try:
        for path in paths:
            os.mkdir(path)
        return (round((slab_kib() - before) / count, 1),
                round((slab_kib('kmalloc-1k') - before_tables) / count, 1))
    finally:
        for path in paths:
            if os.path.isdir(path):
                os.rmdir(path)


def one_round(deploy):
    with open(work + '/daemon.log', 'ab') as log:
        daemon = subprocess.Popen([vireo, 'serve', '--listen', f'127.0.0.1:{port}', '--state', state],
                                  stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        if deploy:
            end = time.monotonic() + 15
            while not os.path.exists(state + '/admin.sock') and time.monotonic() < end:
                time.sleep(0.05)
            subprocess.run([vireo, '-q', 'deploy', work + '/held', '--state', state], check=True)
        end = time.monotonic() + 15
        while call() != 200:
            if daemon.poll() is not None or time.monotonic() > end:
                sys.exit('cannot measure: the function does not answer')
            time.sleep(0.05)
        print(json.dumps(measure(daemon), separators=(',', ':')), flush=True)
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(30)


for number in range(rounds):
    one_round(number == 0)
