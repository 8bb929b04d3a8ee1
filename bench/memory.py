"""The rounds of run-memory.sh: a daemon, instances of one function, a library linked into each."""
import json
import os
import signal
import subprocess
import sys
import time

from instances import call_all, family, group_bytes, rollup_kib, settled

vireo, port, work, rounds, instances = sys.argv[1:]
port, rounds, instances = int(port), int(rounds), int(instances)
state = work + '/state'


def ask(*words):
    return subprocess.run([vireo, *words, '--state', state], check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def start():
    with open(work + '/daemon.log', 'ab') as log:
        daemon = subprocess.Popen([vireo, 'serve', '--listen', f'127.0.0.1:{port}', '--state', state,
                                   '--config', work + '/config.yaml'],
                                  stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while not os.path.exists(state + '/admin.sock'):
        if daemon.poll() is not None or time.monotonic() > end:
            sys.exit('cannot measure: the daemon is not ready')
        time.sleep(0.05)
    return daemon


def stop(daemon):
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(60)


def deploy():
    """What is deployed stays with the state: the function, the one library, and one for each pVM."""
    daemon = start()
    try:
        for name in ['user', 'maths'] + [f'maths{i}' for i in range(instances)]:
            ask('deploy', '-q', f'{work}/{name}' + ('' if name == 'user' else '.so'), '--name', name)
    finally:
        stop(daemon)


def call_each(target, wanted):
    """Each instance is called once: each answers with the number of its own calls, and the sum."""
    bodies = call_all(port, target, instances)
    if sorted(bodies) != [wanted] * instances:
        sys.exit(f'cannot measure: {len(bodies)} of {instances} answered {sorted(set(bodies))}, '
                 f'not {wanted!r}')


def measure(kind):
    before = settled()
    daemon = start()
    try:
        call_each('/function/user?slow', '1 0')
        pvms = [pvm for pvm in json.loads(ask('ps', '-o', 'json')) if pvm['function'] == 'user']
        if len(pvms) != instances:
            sys.exit(f'cannot measure: {len(pvms)} pVMs live, {instances} were wanted')
        for number, pvm in enumerate(pvms):
            if kind != 'none':
                ask('link', '-q', pvm['id'], 'maths' if kind == 'shared' else f'maths{number}')
        # Every function and variable of the library is used.
        call_each('/function/user?' + ('slow' if kind == 'none' else 'all'),
                  '2 0' if kind == 'none' else f'2 {sum(2 * i for i in range(1, 101))}')
        after = settled()
        # Behind the supervisor, the gateways and the template: they are the oldest.
        pids = sorted(family(daemon.pid))[-instances:]
        sums = {}
        for pid in pids:
            for name, kib in rollup_kib(pid).items():
                sums[name] = sums.get(name, 0) + kib
        return {
            'kind': kind,
            'pss': sums['Pss'], 'anonymous': sums['Pss_Anon'], 'shmem': sums['Pss_Shmem'],
            'file': sums['Pss_File'],
            'groups': sum(group_bytes(f'/proc/{pid}/cgroup') for pid in pids) // 1024,
            'machine': before['MemAvailable'] - after['MemAvailable'],
        }
    finally:
        stop(daemon)


deploy()
for _ in range(rounds):
    for kind in 'none', 'shared', 'private':
        print(json.dumps(measure(kind), separators=(',', ':')), flush=True)
