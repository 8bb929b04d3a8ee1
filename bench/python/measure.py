# The client of bench/run-python.sh: each way to have the same answer, turn and turn about, so that all
# meet the same noise. usage: measure.py ROUNDS COLD_ROUNDS PORT UID_OF_COLD. Prints
# "label|n|p50 ms|p99 ms".
import http.client
import os
import signal
import sys
import time

rounds, cold_rounds, port, uid = (int(text) for text in sys.argv[1:5])
here = os.path.dirname(os.path.abspath(__file__))
body = "three words here"
answer = b'{"words": 3}'
connection = http.client.HTTPConnection("127.0.0.1", port)
python = "/usr/bin/python3"
handled = f"""
import sys
sys.path.insert(0, {here!r})
import json, app
class request: text = {body!r}
print(json.dumps(app.handler(request)))
"""


def call(name):
    connection.request("POST", "/function/" + name, body)
    response = connection.getresponse()
    given = response.read()
    if response.status != 200 or given != answer:
        sys.exit(f"{name}: {response.status} {given!r}")


def spawn(*arguments):
    pid = os.posix_spawn(python, (python, *arguments), os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    if os.waitpid(pid, 0)[1] != 0:
        sys.exit(f"{arguments}: it failed")


def of_uid():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat("/proc/" + pid).st_uid == uid:
                found.append(int(pid))
        except OSError:
            pass
    return found


def end_template():
    """Not timed: the next call of it starts a container, an interpreter and its imports."""
    for pid in of_uid():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    while of_uid():
        time.sleep(0.01)
    time.sleep(0.05)


ways = [
    ("vireo: warm fork for the request, over HTTP", rounds, None, lambda: call("fork")),
    ("vireo: the same, forked ahead (pool: spares), over HTTP", rounds, None,
     lambda: call("spare")),
    ("vireo: an instance that is there, over HTTP", rounds, None, lambda: call("warm")),
    ("vireo: cold, the container and its imports first, over HTTP", cold_rounds, end_template,
     lambda: call("cold")),
    ("python3 -S -c pass", rounds, None, lambda: spawn("-S", "-c", "pass")),
    ("python3 -c 'import json, re, sqlite3'", rounds, None,
     lambda: spawn("-c", "import json, re, sqlite3")),
    ("python3, the same handler called once", rounds, None, lambda: spawn("-c", handled)),
]
times = {label: [] for label, *_ in ways}
for turn in range(rounds):
    for label, count, prepare, run in ways:
        if turn * count // rounds == (turn - 1) * count // rounds and turn > 0:
            continue
        if prepare:
            prepare()
        begin = time.perf_counter()
        run()
        times[label].append((time.perf_counter() - begin) * 1e3)
for label, _, _, _ in ways:
    sample = sorted(times[label])
    p99 = sample[min(len(sample) - 1, (len(sample) * 99 + 99) // 100 - 1)]
    print(f"{label}|{len(sample)}|{sample[len(sample) // 2]:.2f}|{p99:.2f}")
