"""What the runners of this folder and of tests/soak share: requests, and looks at the machine."""
import ctypes
import glob
import http.client
import io
import os
import socket
import sys
import tarfile
import time


class Wrong(Exception):
    """What was promised and is not so."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tar_of_files(files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    return packed.getvalue()


class AdminConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(connection, method, page, body=None):
    """(status, body); 0 when there was no whole answer, -1 when nobody listened."""
    try:
        connection.connect()
    except OSError:
        time.sleep(0.02)
        return -1, b""
    try:
        connection.request(method, page, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


# ---- processes, groups, mounts ----


def stat_of(pid):
    """(state, start time), or None."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return fields[0], fields[19]


def alive(pid, started):
    now = stat_of(pid)
    return now is not None and now[1] == started and now[0] not in "ZX"


def children(pid):
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(path) as file:
                found += [int(word) for word in file.read().split()]
        except OSError:
            pass
    return found


def family(pid):
    """Every descendant, with its start time."""
    found = []
    for child in children(pid):
        stat = stat_of(child)
        if stat:
            found.append((child, stat[1]))
            found += family(child)
    return found


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return [b""]


def groups(names):
    """The directories of these names that stand below a directory 'vireo' of the trees."""
    found = []
    for top, directories, _ in os.walk("/sys/fs/cgroup"):
        if os.path.basename(top) == "vireo":
            found += [os.path.join(top, one) for one in directories if names(one)]
            directories.clear()
        elif top.count("/") > 8:
            directories.clear()
    return found


def members(directories):
    found = set()
    for top in directories:
        for path in glob.glob(top + "/**/cgroup.procs", recursive=True):
            try:
                with open(path) as file:
                    found.update(int(word) for word in file.read().split())
            except OSError:
                pass
    return found


def own_mounts():
    """A mount namespace of our own, so that what others mount meanwhile is not taken for ours."""
    libc = ctypes.CDLL(None, use_errno=True)
    clone_newns, ms_rec, ms_private = 0x20000, 0x4000, 0x40000
    if libc.unshare(clone_newns) < 0 or \
            libc.mount(b"none", b"/", None, ctypes.c_ulong(ms_rec | ms_private), None) < 0:
        sys.exit(f"crash: cannot make a mount namespace: {os.strerror(ctypes.get_errno())}")


def mounts():
    with open("/proc/self/mountinfo") as file:
        return sorted(file)
