#!/usr/bin/env python3
"""Runs containers of malformed and hostile config.json: usage: oci_hostile.py RUNTIME ROOT BUNDLE NAME

From one configuration that starts, with every field of the specification that this machine has,
each value is made wrong in several ways, one at a time; and the text itself is cut, repeated and
garbled. Others are well formed and wrong for the kernel, so that they fail when groups, namespaces
and mounts are there. Each must be refused by one line that has the JSON path (where there is one),
an exit status that is not 0 nor a signal's, and leave nothing: no state in ROOT, group NAME, mount
below BUNDLE, process. Prints what was not, and last how many were tried.
"""
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

MAPPING = {"containerID": 0, "hostID": 100000, "size": 65536}
GOOD = {
    "ociVersion": "1.2.0",
    "root": {"path": "rootfs", "readonly": True},
    "hostname": "h",
    "domainname": "d",
    "process": {
        "terminal": False, "consoleSize": {"height": 24, "width": 80},
        "user": {"uid": 0, "gid": 0, "umask": 18, "additionalGids": [1]},
        "args": ["/bin/true"], "env": ["A=b"], "cwd": "/",
        "capabilities": {"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"], "inheritable": ["CAP_KILL"],
                         "ambient": ["CAP_KILL"]},
        "rlimits": [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}],
        "noNewPrivileges": True, "oomScoreAdj": 0,
        "apparmorProfile": "p", "selinuxLabel": "l",
        "scheduler": {"policy": "SCHED_BATCH", "nice": 1, "flags": ["SCHED_FLAG_RESET_ON_FORK"]},
        "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4},
    },
    "mounts": [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid"],
                "uidMappings": [MAPPING], "gidMappings": [MAPPING]}],
    "hooks": {kind: [{"path": "/bin/true", "args": ["true"], "env": ["A=b"], "timeout": 5}]
              for kind in ("prestart", "poststop")},
    "annotations": {"a": "b"},
    "linux": {
        "namespaces": [{"type": t} for t in
                       ("pid", "network", "ipc", "uts", "mount", "user", "cgroup", "time")],
        "uidMappings": [MAPPING], "gidMappings": [MAPPING],
        "timeOffsets": {"monotonic": {"secs": 1, "nanosecs": 1}},
        "devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3, "fileMode": 438,
                     "uid": 0, "gid": 0}],
        "cgroupsPath": "/" + sys.argv[4], "rootfsPropagation": "private",
        "sysctl": {"net.ipv4.ip_forward": "1"},
        "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"], "mountLabel": "l",
        "personality": {"domain": "LINUX"},
        "intelRdt": {"closID": "c", "enableCMT": False},
        "seccomp": {
            "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
            "flags": ["SECCOMP_FILTER_FLAG_LOG"], "listenerPath": "/run/x",
            "listenerMetadata": "m",
            "syscalls": [{"names": ["swapon"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
                          "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]},
        "resources": {
            "devices": [{"allow": False, "type": "c", "major": 1, "minor": 3, "access": "rwm"}],
            "memory": {"limit": 1 << 26, "reservation": 1 << 25, "swap": 1 << 26, "swappiness": 0,
                       "disableOOMKiller": False},
            "cpu": {"shares": 1024, "quota": 50000, "period": 100000, "cpus": "0", "mems": "0"},
            "pids": {"limit": 10},
            "blockIO": {"weight": 500, "throttleReadBpsDevice":
                        [{"major": 8, "minor": 0, "rate": 1000}]},
            "hugepageLimits": [{"pageSize": "2MB", "limit": 0}],
            "network": {"classID": 1, "priorities": [{"name": "lo", "priority": 1}]},
            "rdma": {"mlx5_0": {"hcaHandles": 1}},
            "unified": {"memory.high": "max"}},
    },
}
# What not every machine can apply: it is there where it, or what is in it, is made wrong.
RARE = [["process.apparmorProfile"], ["process.selinuxLabel"], ["linux.mountLabel"], ["linux.intelRdt"],
        ["mounts[0].uidMappings", "mounts[0].gidMappings"],
        ["linux.seccomp.listenerPath", "linux.seccomp.listenerMetadata"],
        ["linux.resources.memory.swappiness"], ["linux.resources.blockIO"], ["linux.resources.network"],
        ["linux.resources.rdma"], ["linux.resources.unified"], ["linux.resources.hugepageLimits"]]
# Wrong values of strings that mean something; by the end of their path.
WORDS = {
    "ociVersion": ["", "x", "0.9.0", "2.0.0", "1.2"],
    "root.path": [""],
    "cwd": ["", "relative", "../.."],
    "destination": ["", "/a/../../../etc", "../x"],
    "hooks.prestart[0].path": ["", "../bin/true"],
    "hooks.poststop[0].path": ["true"],
    "namespaces[0].type": ["", "PID", "mnt"],
    "namespaces[1].type": ["pid"],
    "rlimits[0].type": ["", "CORE", "RLIMIT_EVERYTHING"],
    "bounding[0]": ["", "CAP KILL", "all"],
    "env[0]": ["", "=b", "A"],
    "policy": ["SCHED_ISO", "", "OTHER"],
    "class": ["", "BE"],
    "devices[0].path": ["", "dev/x", "/dev/../../etc/x"],
    "devices[0].type": ["", "x"],
    "devices[0].access": ["x", "rwmx"],
    "cgroupsPath": ["/a/../../b", "..", "x\ny"],
    "rootfsPropagation": ["SHARED", "none"],
    "maskedPaths[0]": ["", "proc/kcore"],
    "readonlyPaths[0]": ["", "../sys"],
    "domain": ["", "BSD"],
    "closID": ["../../x", "a/b", "."],
    "defaultAction": ["", "ALLOW", "SCMP_ACT_NOTIFY"],
    "architectures[0]": ["", "X86"],
    "flags[0]": ["", "FLAG"],
    "listenerPath": ["", "x"],
    "names[0]": [""],
    "action": ["", "KILL"],
    "op": ["", "=="],
    "cpus": ["-1", "3-1", "a", "0,,1", "99999999"],
    "mems": ["0-"],
    "pageSize": ["2M", "MB", "0KB", "2MB/../x"],
    "priorities[0].name": ["", "a/b", "x" * 16],
}
NUMBERS = [-99999999999, 1.5, "1", 2**64]


def leaves(value, path=""):
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, path + "." + key if path else key)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from leaves(inner, "%s[%d]" % (path, i))


def put(config, path, value):
    keys = [int(k) if k.isdigit() else k for k in path.replace("[", "\0").replace("]", "")
            .replace("net.ipv4.ip_forward", "SYSCTL").replace("memory.high", "HIGH")
            .replace(".", "\0").replace("SYSCTL", "net.ipv4.ip_forward")
            .replace("HIGH", "memory.high").split("\0")]
    for key in keys[:-1]:
        config = config[key]
    if value is KeyError:
        del config[keys[-1]]
    else:
        config[keys[-1]] = value


def is_within(path, outer):
    return path == outer or path.startswith((outer + ".", outer + "["))


def around(path):
    """The configuration that starts, with what is rare where `path` is of it."""
    config = json.loads(json.dumps(GOOD))
    for paths in RARE:
        if not any(is_within(path, rare) or is_within(rare, path) for rare in paths):
            for rare in paths:
                put(config, rare, KeyError)
    return config


def wrong_values(path, value):
    if isinstance(value, bool):
        return ["true", 1]
    if isinstance(value, (int, float)):
        # Clocks go back, too.
        return NUMBERS[1:] if path.endswith(".secs") else NUMBERS
    if isinstance(value, str):
        for end, words in WORDS.items():
            if path.endswith(end):
                return [7, {}] + words
        return [7, ["x"], "a\0b"]
    if isinstance(value, list):
        return [{}, "x"]
    return [[], "x"]


REQUIRED = ["ociVersion", "root", "root.path", "process.args", "process.cwd",
            "process.rlimits[0].type", "process.rlimits[0].soft", "process.scheduler.policy",
            "mounts[0].destination", "mounts[0].gidMappings", "hooks.prestart[0].path",
            "linux.namespaces[0].type", "linux.uidMappings[0].size", "linux.devices[0].path",
            "linux.devices[0].major", "linux.personality.domain", "linux.seccomp.defaultAction",
            "linux.seccomp.syscalls[0].names", "linux.seccomp.syscalls[0].args[0].op",
            "linux.resources.devices[0].allow", "linux.resources.hugepageLimits[0].limit",
            "linux.resources.blockIO.throttleReadBpsDevice[0].rate"]


def texts():
    """Pairs of a text and what its refusal names."""
    for path, value in leaves(GOOD):
        if not path:
            continue
        for wrong in wrong_values(path, value):
            config = around(path)
            put(config, path, wrong)
            yield json.dumps(config), path
    for path in REQUIRED:
        config = around(path)
        put(config, path, KeyError)
        yield json.dumps(config), path
    text = json.dumps(around("none"))
    for i in range(0, len(text), max(1, len(text) // 24)):
        yield text[:i], "line 1"
    for key in ("root", "process", "linux", "args", "limit", "namespaces", "\\u0072oot"):
        at = text.index('"%s"' % key.replace("\\u0072", "r"))
        yield text[:at] + '"%s": null, ' % key + text[at:], "twice"
    for junk in (text + "x", text + "{}", text.replace("true", "True"), text.replace('"', "'"),
                 text.replace("{", "{,", 1), "/* c */" + text, text[:-1] + ",}", "[" * 5000,
                 text.replace("/bin/true", "/bin/\x01"), '{"a":' * 3000 + "1" + "}" * 3000,
                 "\ufeff" + text, "nul", "1e5", '"text"', "[]", "null", "NaN"):
        yield junk, "config.json"
    yield from spellings()
    yield from twice()
    yield from huge()


def spellings():
    """The text with one value spelt as JSON does not have it, or as no program would."""
    for path, value in leaves(GOOD):
        if not path or isinstance(value, (dict, list)):
            continue
        config = around(path)
        put(config, path, "@")
        before, after = json.dumps(config).split('"@"')
        if isinstance(value, bool):
            words = ("True", "1e400")
        elif isinstance(value, int):
            words = ("1e400", "-1e999", "9" * 400, "9" * 400 + ".5", "0x10", "+1", "01", "1.", ".5", "-", "1e", "NaN",
                     "-Infinity")
        else:
            words = (b'"a\xff"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xf8\x88\x80\x80\x80"', r'"a\u0000b"', r'"\x41"',
                     r'"\u12"', '"a\tb"', '"a\nb"', '"a', "'a'", '"a" "b"')
        for word in words:
            word = word.encode() if isinstance(word, str) else word
            yield before.encode() + word + after.encode(), "line 1" if word in UNNAMED else path


# Where the text goes on wrongly behind them.
UNNAMED = (b'"a', b'"a" "b"', b"01")


def twice():
    """Each key there twice, in a second spelling too; its place is told as it is spelt."""
    for path, _ in leaves(GOOD):
        above, _, key = path.rpartition(".")
        if "[" in key or not key or key in ("ip_forward", "high"):
            continue
        config = around(path)
        put(config, path, "@")
        before, after = json.dumps(config).split('"@"')
        for spelt in (key, "\\u%04x" % ord(key[0]) + key[1:]):
            yield before + '1, "%s": 2' % spelt + after, above + "." * bool(above) + spelt


def huge():
    """Lists and texts far beyond what any container has."""
    for path, value in leaves(GOOD):
        if isinstance(value, list) and value:
            config = around(path)
            put(config, path, value * 70000)
            longer = json.dumps(config)
            yield longer, path if len(longer) <= 4 << 20 else "longer than"
        if isinstance(value, (list, dict)) and path:
            config = around(path)
            put(config, path, "@")
            for deep in ("[" * 4000 + "]" * 4000, '{"a":' * 4000 + "1" + "}" * 4000):
                yield json.dumps(config).replace('"@"', deep), path
    # Several lists at once, none of them too long: "" is 3 bytes of text, and 24 of what is made of it.
    for path, value in (
            ("hooks.createContainer", [{"path": "/bin/true", "args": [""] * 65536}] * 20),
            ("hooks.startContainer", [{"path": "/bin/true", "env": ["A="] * 65536}] * 5
             + [{"path": "/bin/true", "args": [""] * 65536}] * 12),
            ("mounts", [{"destination": "/a", "type": "tmpfs", "source": "x", "options": ["a"] * 65536}] * 14)):
        config = around(path)
        put(config, path, value)
        yield json.dumps(config, separators=(",", ":")), path.partition(".")[0] + ":"
    for path in ("hostname", "process.cwd", "root.path", "linux.cgroupsPath", "mounts[0].destination",
                 "hooks.prestart[0].path", "linux.maskedPaths[0]", "linux.devices[0].path",
                 "linux.seccomp.listenerPath"):
        config = around(path)
        put(config, path, "/" + "a" * 300000)
        yield json.dumps(config), path


# Well formed, and wrong for the kernel: (path, value, how the refusal names the path). Engines look
# for the small letters of what is said of a program.
LATE = [
    ("root.path", "nowhere", "(root.path)"),
    ("root.path", "config.json", "(root.path)"),
    ("process.args", ["/no/such/program"], "no such file or directory (process.args[0])"),
    ("process.args", ["/etc"], "permission denied (process.args[0])"),
    ("process.args", ["x" * 100000], "(process.args[0])"),
    ("process.cwd", "/bin/true", "(process.cwd)"),
    ("process.cwd", "/proc/self/fd/0", "(process.cwd)"),
    ("process.user", {"uid": 70000, "gid": 0}, "(process.user.uid)"),
    ("process.user", {"uid": 0, "gid": 70000}, "(process.user.gid)"),
    ("process.user", {"uid": 0, "gid": 0, "additionalGids": [70000]}, "(process.user.additionalGids)"),
    ("process.rlimits", [{"type": "RLIMIT_NOFILE", "soft": 2**63, "hard": 2**63}], "process.rlimits 'RLIMIT_NOFILE'"),
    ("process.scheduler", {"policy": "SCHED_DEADLINE", "runtime": 2**62, "deadline": 2**62}, "process.scheduler"),
    ("mounts", [{"destination": "/a", "type": "nosuchfs", "source": "x"}], "mounts[0]"),
    ("mounts", [{"destination": "/a", "type": "bind", "source": "/no/such", "options": ["bind"]}], "mounts[0]"),
    ("mounts", [{"destination": "/a", "type": "tmpfs", "source": "x", "options": ["nosuchoption"]}], "mounts[0]"),
    ("mounts", [{"destination": "/a", "type": "tmpfs", "source": "x", "options": ["size=-1x"]}], "mounts[0]"),
    ("mounts", [{"destination": "/a", "type": "overlay", "source": "x", "options": ["lowerdir=/no/such"]}], "mounts[0]"),
    ("mounts", [{"destination": "/file/below", "type": "tmpfs", "source": "x"}], "mounts[0]"),
    ("mounts", [{"destination": "/loop/below", "type": "tmpfs", "source": "x"}], "mounts[0]"),
    ("mounts", [{"destination": "/" + "d/" * 3000, "type": "tmpfs", "source": "x"}], "mounts[0]"),
    ("mounts", [{"destination": "/" + "d" * 300, "type": "tmpfs", "source": "x"}], "mounts[0]"),
    ("mounts", [{"destination": "/proc", "type": "proc", "source": "proc"}]
     + [{"destination": "/a", "type": "tmpfs", "source": "x"}] * 40
     + [{"destination": "/proc/1/fd", "type": "tmpfs", "source": "x"}], "mounts[41]"),
    ("linux.maskedPaths", ["/" + "m" * 300], "(linux.maskedPaths[0])"),
    ("linux.readonlyPaths", ["/loop"], "(linux.readonlyPaths[0])"),
    ("linux.devices", [{"path": "/file/x", "type": "c", "major": 1, "minor": 3}], "(linux.devices[0])"),
    ("linux.devices", [{"path": "/dev/" + "d" * 300, "type": "c", "major": 1, "minor": 3}], "(linux.devices[0])"),
    ("linux.sysctl", {"net.ipv4.no_such": "1"}, "(linux.sysctl)"),
    ("linux.sysctl", {"net.ipv4.ip_forward": "many"}, "(linux.sysctl)"),
    ("linux.namespaces[1].path", "/no/such", "(linux.namespaces[1].path)"),
    ("linux.namespaces[1].path", "/dev/null", "(linux.namespaces[1].path)"),
    ("linux.namespaces[0].path", "/proc/self/ns/net", "(linux.namespaces[0].path)"),
    ("linux.uidMappings", [{"containerID": 0, "hostID": 100000, "size": 1}] * 1 + [
        {"containerID": 5 + i, "hostID": 100005 + i, "size": 1} for i in range(400)], "linux.uidMappings"),
    ("linux.timeOffsets", {"boottime": {"secs": 2**62}}, "(linux.timeOffsets)"),
    ("linux.timeOffsets", {"monotonic": {"secs": -2**62}}, "(linux.timeOffsets)"),
    ("linux.resources", {"memory": {"limit": 1}}, "linux.resources.memory.limit"),
    ("linux.resources", {"cpu": {"cpus": "4000"}}, "(linux.resources.cpu.cpus)"),
    ("linux.resources", {"cpu": {"quota": 1}}, "(linux.resources.cpu.quota)"),
    ("linux.resources", {"cpu": {"period": 2**63}}, "linux.resources.cpu.period"),
    ("linux.resources", {"unified": {"no.such": "1"}}, "linux.resources.unified.no.such"),
    ("linux.resources", {"unified": {"cgroup.procs": "1"}}, "linux.resources.unified.cgroup.procs"),
    ("linux.resources", {"rdma": {"none0": {"hcaHandles": 1}}}, "(linux.resources.rdma.none0)"),
    ("linux.resources", {"hugepageLimits": [{"pageSize": "3MB", "limit": 0}]}, "(linux.resources.hugepageLimits[0].pageSize)"),
    ("linux.resources", {"network": {"priorities": [{"name": "none0", "priority": 1}]}}, "(linux.resources.network.priorities[0])"),
    ("linux.netDevices", {"none0": {}}, "(linux.netDevices)"),
    ("linux.memoryPolicy", {"mode": "MPOL_BIND", "nodes": "1000"}, "linux.memoryPolicy"),
    ("linux.cgroupsPath", "/" + "c" * 300, "(linux.cgroupsPath)"),
    ("linux.seccomp.listenerPath", "/no/such/socket", "(linux.seccomp.listenerPath)"),
    ("linux.seccomp.listenerPath", "/" + "s" * 200, "(linux.seccomp.listenerPath)"),
    ("hooks.prestart", [{"path": "/bin/true"}, {"path": "/bin/false"}], "(hooks.prestart[1])"),
    ("hooks.prestart", [{"path": "/no/such"}], "(hooks.prestart[0])"),
    ("hooks.createRuntime", [{"path": "/bin/sleep", "args": ["sleep", "60"], "timeout": 1}], "(hooks.createRuntime[0])"),
    ("hooks.createContainer", [{"path": "/bin/false"}], "(hooks.createContainer[0])"),
    ("hooks.startContainer", [{"path": "/no/such"}], "(hooks.startContainer[0])"),
]


class Tried:
    """What a case must leave as it was, and what it left."""

    def __init__(self):
        self.runtime, self.root, self.bundle, self.name = sys.argv[1:5]
        self.count = 0
        # Every process that loses its parent becomes ours, and is seen.
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
        trees = [os.path.join("/sys/fs/cgroup", tree) for tree in os.listdir("/sys/fs/cgroup")]
        self.trees = trees + ["/sys/fs/cgroup"]
        self.groups = []
        self.look_at(self.name)

    def look_at(self, *names):
        """Groups of these names must be gone: the container's, and what its configuration asks for."""
        self.groups = [os.path.join(tree, name.lstrip("/")) for tree in self.trees for name in names if name]

    def call(self, *words):
        # Not pipes: a container that should not be there would keep them open.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+", errors="replace") as said:
            done = subprocess.run([self.runtime, "--root", self.root, *words], stdin=subprocess.DEVNULL,
                                  stdout=out, stderr=said, check=False, timeout=60)
            for name, file in (("stdout", out), ("stderr", said)):
                file.seek(0)
                setattr(done, name, file.read())
            return done

    def left(self):
        """What is left of a container, or None."""
        try:
            # A helper that is on its way out needs a moment, and is waited for.
            os.waitpid(-1, os.WNOHANG)
            for _ in range(100):
                if os.waitpid(-1, os.WNOHANG) == (0, 0):
                    time.sleep(0.05)
            return "a process"
        except ChildProcessError:
            pass
        if os.path.isdir(self.root) and os.listdir(self.root):
            return "a state"
        for group in self.groups:
            if os.path.exists(group):
                return "group " + group
        with open("/proc/self/mountinfo") as mounts:
            return "a mount" if self.bundle in mounts.read() else None

    def refused(self, verb, text, expect):
        self.count += 1
        with open(os.path.join(self.bundle, "config.json"), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        done = self.call(verb, "-b", self.bundle, self.name)
        said, left = done.stderr, self.left()
        if (done.returncode not in (1, 2) or said.count("\n") != 1 or expect not in said
                or "cannot " not in said or done.stdout or left):
            print("not refused well (%d, %r wanted, left: %s): %s%s" % (done.returncode, expect, left, said, text[:2000]))
            self.call("delete", "--force", self.name)

    def starts(self):
        """The configuration is a container with groups and a process, and ends as one."""
        with open(os.path.join(self.bundle, "config.json"), "w") as file:
            json.dump(around("none"), file)
        done = self.call("create", "-b", self.bundle, self.name)
        state = self.call("state", self.name).stdout
        if done.returncode != 0 or '"created"' not in state.replace(" ", "") or not self.left():
            print("it does not start: %s%s" % (done.stderr, state))
        if not any(os.path.exists(group) for group in self.groups):
            print("it has no groups")
        self.call("delete", "--force", self.name)
        if self.left():
            print("it leaves " + self.left())

    def group_that_is_left(self):
        """A container under a path of its own is seen, which says that one left by a case would be."""
        config = around("none")
        config["linux"]["cgroupsPath"] = "/%s-else/below" % self.name
        with open(os.path.join(self.bundle, "config.json"), "w") as file:
            json.dump(config, file)
        self.look_at(self.name, config["linux"]["cgroupsPath"])
        self.call("create", "-b", self.bundle, self.name)
        if not any(os.path.exists(group) for group in self.groups):
            print("it has no groups where the configuration says")
        self.call("delete", "--force", self.name)
        if self.left():
            print("it leaves " + self.left())
        for tree in self.trees:
            try:
                os.rmdir(os.path.join(tree, self.name + "-else"))
            except FileNotFoundError:
                pass

    def rare(self):
        """What is rare is either applied or refused, and not because it could not be read."""
        for paths in RARE:
            with open(os.path.join(self.bundle, "config.json"), "w") as file:
                json.dump(around(paths[0]), file)
            done = self.call("run", "-b", self.bundle, self.name)
            if "cannot read" in done.stderr or done.returncode not in (0, 1) or self.left():
                print("%s: %s left: %s" % (paths[0], done.stderr, self.left()))


def main():
    tried = Tried()
    rootfs = os.path.join(tried.bundle, "rootfs")
    for folder in ("bin", "dev", "etc", "proc", "sys"):
        os.makedirs(os.path.join(rootfs, folder), exist_ok=True)
        os.chmod(os.path.join(rootfs, folder), 0o777)
    os.chmod(rootfs, 0o777)
    shutil.copy("/bin/busybox", os.path.join(rootfs, "bin/true"))
    with open(os.path.join(rootfs, "file"), "w"):
        pass
    os.symlink("loop", os.path.join(rootfs, "loop"))
    tried.starts()
    tried.rare()
    for text, expect in texts():
        tried.refused("create", text, expect)
    for path, value, expect in LATE:
        config = around("none")
        put(config, path, value)
        tried.look_at(tried.name, config["linux"].get("cgroupsPath"))
        tried.refused("run", json.dumps(config), expect)
    tried.group_that_is_left()
    print("tried", tried.count)


main()
