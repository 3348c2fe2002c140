"""Step code of an attacker. Each function tries one thing and says what came of it; the sandbox must refuse them all.

Run by the engine in tests/threats/test_step_code.py, never imported.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)


def _attempt(action: Callable[[], object]) -> str:
    try:
        return f"SUCCEEDED: {action()!r}"
    except (OSError, MemoryError, subprocess.SubprocessError) as error:
        return f"refused: {error}"


def _syscall(number: int, *arguments: object) -> str:
    result = _LIBC.syscall(ctypes.c_long(number), *arguments)
    return f"SUCCEEDED: {result}" if result >= 0 else f"refused: {os.strerror(ctypes.get_errno())}"


def honest(text: str) -> str:
    (Path.cwd() / "scratch").write_text(text)
    seen: list[int] = []
    thread = threading.Thread(target=seen.append, args=(1,))
    thread.start()
    thread.join()
    return (Path.cwd() / "scratch").read_text() + str(len(seen))


def read_file(path: str) -> str:
    return _attempt(Path(path).read_bytes)


def write_input(given: Path) -> str:
    return _attempt(lambda: given.write_text("owned"))


def replace_input(given: Path) -> str:
    return _attempt(given.unlink)


def list_folder(path: str) -> str:
    return _attempt(lambda: list(Path(path).iterdir()))


def write_file(path: str) -> str:
    return _attempt(lambda: Path(path).write_text("owned"))


def change_mode(path: str) -> str:
    return _attempt(lambda: Path(path).chmod(0o666))


def change_attribute(path: str) -> str:
    return _attempt(lambda: os.setxattr(path, "user.owned", b"1"))


def change_times(path: str) -> str:
    return _attempt(lambda: os.utime(path, (1, 1)))


def remove_file(path: str) -> str:
    return _attempt(Path(path).unlink)


def tcp(port: int) -> str:
    return _attempt(lambda: socket.create_connection(("127.0.0.1", port), 1))


def udp(port: int) -> str:
    return _attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)))


def unix(path: str) -> str:
    def connect() -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect("\0" + path[1:] if path.startswith("@") else path)

    return _attempt(connect)


def name_server() -> str:
    return _attempt(lambda: socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM))


def signal_parent() -> str:
    return _attempt(lambda: os.kill(os.getppid(), signal.SIGTERM))


def signal_all() -> str:
    return _attempt(lambda: os.kill(-1, signal.SIGTERM))


def trace_parent() -> str:
    return _syscall(101, ctypes.c_long(16), ctypes.c_long(os.getppid()), None, None)


def read_parent_memory() -> str:
    return _syscall(
        310, ctypes.c_int(os.getppid()), None, ctypes.c_ulong(0), None, ctypes.c_ulong(0), ctypes.c_ulong(0)
    )


def read_parent_files() -> str:
    answers = [_attempt(Path(f"/proc/{os.getppid()}/{name}").read_bytes) for name in ("environ", "maps", "cmdline")]
    return next((answer for answer in answers if answer.startswith("SUCCEEDED")), answers[0])


def pin_parent() -> str:
    before = os.sched_getaffinity(os.getppid())
    _attempt(lambda: os.sched_setaffinity(os.getppid(), {min(before)}))
    after = os.sched_getaffinity(os.getppid())
    return "refused" if after == before else f"SUCCEEDED: {after}"


def io_uring() -> str:
    return _syscall(425, ctypes.c_uint(1), ctypes.create_string_buffer(256))


def shared_memory() -> str:
    return _syscall(29, ctypes.c_int(0x53544F43), ctypes.c_size_t(4096), ctypes.c_int(0o1666))


def new_namespace() -> str:
    return _syscall(272, ctypes.c_int(0x10000000))


def key_ring() -> str:
    return _syscall(250, ctypes.c_int(0), ctypes.c_int(-3), ctypes.c_int(0))


def set_clock() -> str:
    return _attempt(lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()))


def run_program() -> str:
    return _attempt(lambda: subprocess.run([sys.executable, "-c", "0"], check=True))


def inherited() -> str:
    found = []
    for name in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append((int(name.name), str(name.readlink())))
    strange = [item for item in found if item[0] > 3 and "/proc/" not in item[1]]
    return f"SUCCEEDED: {strange}" if strange else "refused: none but null, log and channel"


def environment() -> str:
    raw = Path("/proc/self/environ").read_bytes() + "\n".join(f"{k}={v}" for k, v in os.environ.items()).encode()
    return f"SUCCEEDED: {raw!r}" if b"hunter2" in raw else "refused: it is not there"


def daemon(path: str) -> str:
    """With processes allowed: leave one behind that writes later, detached twice and in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for descriptor in range(10):
                try:
                    os.close(descriptor)
                except OSError:
                    continue
            time.sleep(0.4)
            Path(path, "late").write_text("late")
            os._exit(0)
        os._exit(0)
    return str(Path.cwd())


def fork_bomb() -> str:
    while True:
        os.fork()


def thread_bomb() -> str:
    for _ in range(5000):
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
    return "SUCCEEDED"


def memory_bomb() -> str:
    hoard = []
    while True:
        hoard.append(bytearray(32 << 20))


def shared_memory_bomb() -> str:
    import mmap

    hoard = []
    while True:
        part = mmap.mmap(-1, 64 << 20)
        for place in range(0, 64 << 20, 4096):
            part[place] = 1
        hoard.append(part)


def disk_bomb() -> str:
    block = bytes(1 << 20)
    for number in range(1 << 20):
        Path(f"part-{number}").write_bytes(block)
    return "SUCCEEDED"


def big_file() -> str:
    with Path("big").open("wb") as stream:
        while True:
            stream.write(bytes(1 << 20))


def file_bomb() -> str:
    for number in range(1 << 24):
        Path(f"part-{number}").touch()
    return "SUCCEEDED"


def endless() -> str:
    while True:
        time.sleep(0.05)


def return_link(path: str) -> Path:
    Path("link").symlink_to(path)
    return Path("link")


def plant_link(path: str) -> str:
    """Put a link where the engine expects the output, and end before the engine writes there."""
    results = Path.cwd().parent / "result"
    results.mkdir()
    (results / "0").symlink_to(path)
    os.write(3, b'{"done": true}\n')
    os._exit(0)


def plant_folder_link(path: str) -> str:
    (Path.cwd().parent / "result").symlink_to(path)
    os.write(3, b'{"done": true}\n')
    os._exit(0)


def plant_second_name() -> str:
    results = Path.cwd().parent / "result"
    results.mkdir()
    Path("a").write_text("x")
    os.link("a", results / "0")
    os.write(3, b'{"done": true}\n')
    os._exit(0)


def hard_link_outside(path: str) -> str:
    return _attempt(lambda: os.link(path, "mine"))


def claim_isolation() -> str:
    """Claim a better confinement than there is, and flood the channel."""
    os.write(3, b'{"isolation": {"landlock": 99, "seccomp": true, "fresh_interpreter": true}}\n')
    os.write(3, b'{"progress": [NaN, 1, "x"]}\n{"progress": [1, 2, "\\u001b[2Jcleared"]}\n[[[[\n{"a":1,"b":2}\n')
    os.write(3, b"[" * 200_000 + b"\n")
    return "done"


def lie_about_failure() -> str:
    os.write(
        3,
        b'{"failure": {"kind": "X", "message": "\\u001b]0;owned\\u0007", "code": "E101", "where": "", "remedy": ""}}\n',
    )
    os._exit(1)


def vanish() -> str:
    os._exit(0)


def flood_log() -> str:
    for _ in range(3000):
        os.write(1, b"x" * 1023 + b"\n")
    return "done"


def regain_root() -> str:
    return (
        _attempt(lambda: os.setresuid(0, 0, 0))
        if os.getuid()
        else _attempt(lambda: os.mknod("device", 0o60600, 0x0801))
    )


def loosen_limits() -> str:
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        return "refused"
    return "SUCCEEDED"
