# The driver of Python functions: the first and only script that the interpreter of a template
# runs. It unpacks the function's source, confines itself, imports what the manifest names and the
# function, and serves forks of itself. The half that is C is vireo-python.so (python.h).
#
# Until confine() no code of the function has run. From its first import on nothing here is trusted.
import ctypes
import os
import sys

SOURCES = "/function"
OBJECT = "/vireo/vireo-python.so"
HEAD_BYTES = 512  # guest/source_image.h
ANSWERED, FAILED = 0, 1  # enum channel_outcome
# Beneath the manifest's own. Threads that a library starts when it is imported are in no fork.
ENVIRONMENT = {
    "HOME": "/tmp", "TMPDIR": "/tmp", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
}


class Request:
    """What a handler is called with. Header names are in lower case."""

    __slots__ = ("method", "path", "query", "host", "remote", "headers", "body")

    def __init__(self, head, header_count, body):
        texts = head.decode("latin-1").split("\0")
        self.method, self.path, self.query, self.host, self.remote = texts[:5]
        self.headers = {}
        for i in range(5, 5 + 2 * header_count, 2):
            name, value = texts[i], texts[i + 1]
            if name in self.headers:  # RFC 9110, 5.3
                value = self.headers[name] + ", " + value
            self.headers[name] = value
        self.body = body

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        import json

        return json.loads(self.body)


class _Incoming(ctypes.Structure):  # struct python_request
    _fields_ = [
        ("head", ctypes.c_void_p),
        ("body", ctypes.c_void_p),
        ("head_bytes", ctypes.c_uint32),
        ("body_bytes", ctypes.c_uint32),
        ("header_count", ctypes.c_uint32),
        ("answer_max", ctypes.c_uint32),
    ]


def load():
    # Two views of one object: what forks keeps the interpreter's lock, what waits gives it up.
    holding, giving = ctypes.PyDLL(OBJECT), ctypes.CDLL(OBJECT)
    for name in ("python_argument", "python_variable"):
        getattr(holding, name).restype = ctypes.c_char_p
    holding.python_answer.argtypes = [ctypes.c_uint32, ctypes.c_uint32, ctypes.c_char_p,
                                      ctypes.c_uint32, ctypes.c_char_p, ctypes.c_uint32]
    holding.python_log.argtypes = [ctypes.c_char_p, ctypes.c_uint32]
    holding.python_log.restype = None
    return holding, giving.python_next


def listed(get):
    texts, i = [], 0
    while (text := get(i)) is not None:
        texts.append(text.decode())
        i += 1
    return texts


def unpack(image):
    """The packed source, whose names the build has checked. Regular files are all that it holds."""
    import tarfile

    with open(image, "rb") as file:
        file.seek(HEAD_BYTES)
        with tarfile.open(fileobj=file, mode="r|") as packed:
            for entry in packed:
                path = os.path.normpath(os.path.join(SOURCES, entry.name))
                if not entry.isreg() or not path.startswith(SOURCES + "/"):
                    continue
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "xb") as to:
                    to.write(packed.extractfile(entry).read())


def unpack_apart(image):
    """In a process that ends: what it has imported for this is no part of the template."""
    pid = os.fork()
    if pid == 0:
        try:
            unpack(image)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(image)
    if os.waitpid(pid, 0)[1] != 0:
        raise OSError("cannot unpack the source")


def leave_first_place():
    """
    The template is not process 1 of its namespace, so that no fork of it, which is process 1 of
    another one, has its process id: many libraries tell a fork by that. Who is, waits.
    """
    pid = os.fork()
    if pid == 0:
        return
    os.closerange(3, 1024)
    while True:
        ended, status = os.wait()
        if ended == pid:
            os._exit(os.waitstatus_to_exitcode(status) & 0xff)


class Output:
    """sys.stdout and sys.stderr: the function's output, which `vireo logs` shows."""

    encoding, errors, closed = "utf-8", "backslashreplace", False

    def __init__(self, log):
        self._log = log
        self.buffer = self

    def write(self, text):
        data = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
        self._log(bytes(data), len(data))
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        pass

    def isatty(self):
        return False

    def writable(self):
        return True

    def readable(self):
        return False

    def seekable(self):
        return False

    def fileno(self):
        import io

        raise io.UnsupportedOperation("fileno")


def imported(entry, imports):
    import importlib

    for name in imports:
        importlib.import_module(name)
    module, _, attribute = entry.partition(":")
    found = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"'{entry}' is not callable")
    return found


def reseed(modules):
    """
    What Python's library keeps from before the fork. `random` renews itself (os.register_at_fork),
    `secrets` and os.urandom() ask the kernel each time.
    """
    fresh = os.urandom
    if uuid := modules.get("uuid"):
        uuid._node = uuid._last_timestamp = None
        # libuuid's state is the template's; Python's own way draws a new clock sequence each time.
        uuid._generate_time_safe = None
        uuid._GETTERS = []
    if tempfile := modules.get("tempfile"):
        tempfile._name_sequence = None
    if process := modules.get("multiprocessing.process"):
        process.current_process().authkey = fresh(32)
    if numpy := modules.get("numpy.random"):
        numpy.seed(int.from_bytes(fresh(4), "little"))


def rendered(answer):
    """status, headers, body of what a handler gave: a body, or (status, body), or all three."""
    status, headers = 200, {}
    if isinstance(answer, tuple):
        if len(answer) == 2:
            status, answer = answer
        elif len(answer) == 3:
            status, headers, answer = answer
        else:
            raise TypeError("a handler gives a body, (status, body) or (status, headers, body)")
    if isinstance(answer, str):
        kind, body = "text/plain; charset=utf-8", answer.encode()
    elif isinstance(answer, (bytes, bytearray, memoryview)):
        kind, body = "application/octet-stream", bytes(answer)
    elif answer is None:
        kind, body = None, b""
    else:
        import json

        kind, body = "application/json", json.dumps(answer).encode()
    pairs = list(headers.items() if hasattr(headers, "items") else headers)
    if kind and not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("Content-Type", kind))
    head = b"".join(f"{name}\0{value}\0".encode("latin-1") for name, value in pairs)
    if head.count(b"\0") != 2 * len(pairs):
        raise ValueError("a header has a NUL in it")
    return int(status), head, body


def called(handler, request):
    answer = handler(request)
    if hasattr(answer, "__await__"):
        import asyncio

        answer = asyncio.run(answer)
    return rendered(answer)


def serve_calls(holding, wait, handler):
    incoming = _Incoming()
    into = ctypes.byref(incoming)
    while True:
        wait(into)
        request = Request(ctypes.string_at(incoming.head, incoming.head_bytes),
                          incoming.header_count,
                          ctypes.string_at(incoming.body, incoming.body_bytes))
        try:
            status, head, body = called(handler, request)
            if not 200 <= status <= 599:
                raise ValueError(f"status {status} is not within 200 and 599")
        except BaseException as error:  # SystemExit too: the instance is the host's to end
            import traceback

            traceback.print_exc(file=sys.stderr)
            said = f"{type(error).__name__}: {error}".encode("ascii", "replace")[:255]
            holding.python_answer(FAILED, 0, b"", 0, said, len(said))
        else:
            holding.python_answer(ANSWERED, status, head, len(head), body, len(body))


def main():
    holding, wait = load()
    leave_first_place()
    image = holding.python_setup()
    if image < 0:
        os._exit(1)
    entry, *imports = listed(holding.python_argument)
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    os.environ.update(text.split("=", 1) for text in listed(holding.python_variable))
    try:
        unpack_apart(image)
        r = holding.python_confine(SOURCES.encode())
        if r < 0:
            raise OSError(-r, "cannot confine the template: " + os.strerror(-r))
        sys.stdin, sys.stdout = open(os.devnull), Output(holding.python_log)
        sys.stderr = Output(holding.python_log)
        sys.path.insert(0, SOURCES)
        sys.argv = [SOURCES]
        os.chdir(SOURCES)
        handler = imported(entry, imports)
    except BaseException as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        holding.python_ready(-8, said.encode("ascii", "replace")[:255])  # ENOEXEC
        os._exit(1)
    import gc

    # What is there now stays: a collection in a fork would copy all of its pages.
    gc.collect()
    gc.freeze()
    holding.python_ready(0, b"")
    if holding.python_serve() != 0:
        os._exit(0)
    reseed(sys.modules)
    try:
        serve_calls(holding, wait, handler)
    finally:
        os._exit(1)


main()
