"""More step code of an attacker: against limits, the reader and what cleans up afterwards.

Run by the engine in tests/threats/test_step_code_more.py, never imported.
"""

import ctypes
import mmap
import os
import time

_LONG = "d" * 200


def _descend(depth: int) -> None:
    for _ in range(depth):
        os.mkdir(_LONG)  # noqa: PTH102 - relative to where this process has got to
        os.chdir(_LONG)


def honest() -> str:
    return "fine"


def nested(depth: int) -> str:
    """Folders nested deeper than paths are long, and than Python recurses."""
    for _ in range(depth):
        os.mkdir("e")  # noqa: PTH102
        os.chdir("e")
    return "made"


def shut(depth: int) -> str:
    """Folders without any permission, beside others."""
    for number in range(depth):
        os.mkdir(str(number), 0)  # noqa: PTH102
    return "made"


def out_of_sight() -> str:
    """Write where no path leads."""
    _descend(30)
    for number in range(200):
        with open(str(number), "wb") as stream:  # noqa: PTH123
            stream.write(bytes(1 << 20))
        time.sleep(0.005)
    return "SUCCEEDED"


def without_a_name() -> str:
    """Write to files that no folder lists."""
    kept = []
    for number in range(200):
        stream = open(str(number), "wb", buffering=0)  # noqa: PTH123, SIM115
        os.unlink(str(number))  # noqa: PTH108
        stream.write(bytes(1 << 20))
        kept.append(stream)
        time.sleep(0.005)
    return "SUCCEEDED"


def orphans(count: int) -> str:
    """Start processes that are nobody's children any more."""
    for _ in range(count):
        if os.fork() == 0:
            if os.fork() == 0:
                time.sleep(30)
            os._exit(0)
        os.wait()
    time.sleep(1)
    return "SUCCEEDED"


def immense_number() -> str:
    os.write(3, b'{"progress": [1' + b"0" * 400 + b', 1, "x"]}\n')
    return "done"


def immense_figure() -> dict[str, object]:
    return {"figures": [{"name": "auc", "value": 10**400}], "findings": [], "checks": []}


def other_system_calls() -> str:
    """Call under the 32-bit convention, whose numbers mean other calls."""
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    call = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    return f"SUCCEEDED: {call()}"
