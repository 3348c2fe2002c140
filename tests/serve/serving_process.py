"""A server in a process of its own, booted from an admission and confined, as `stockade serve` runs it.

python serving_process.py FOLDER [INSTRUCTION...]

It prints its URL, then what it holds when asked on stdin.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from stockade.policy import admit
from stockade.serve.boot import boot
from stockade.serve.settings import Settings, Sync
from stockade.serve.tls import ensure_local
from stockade.types.digest import Digest


def admission(model: Digest) -> admit.Admitted:
    """An admission as the gate makes it, without the evidence that it would ask for."""
    return admit.Admitted("toy", 3, model, "production", model, model, None, token=admit._MADE_HERE)  # type: ignore[arg-type]


def answer_questions() -> None:
    """Try what an intruder would, one instruction a line, and print what came of it."""
    import contextlib
    import socket
    import subprocess

    tries = {
        "connect": lambda: socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=2),
        "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "read": lambda: Path(sys.argv[3]).read_bytes(),
        "passwd": lambda: Path("/etc/passwd").read_bytes(),
        "write": lambda: Path(sys.argv[3]).write_bytes(b"x"),
        "write_keys": lambda: (Path(sys.argv[1]) / "access" / "keys.json").write_bytes(b"{}"),
        "execute": lambda: subprocess.run(["/bin/true"], check=True),
        "fork": os.fork,
        "ptrace": lambda: os.kill(os.getppid(), 0),
        "modules": lambda: sorted(sys.modules),
        "tls_key": (Path(sys.argv[1]) / "tls" / "server.key").read_bytes,
    }
    for line in sys.stdin:
        word = line.strip()
        result: object = "nothing"
        with contextlib.suppress(Exception):
            result = tries[word]()
        shown = result if isinstance(result, list) or result == "nothing" else "done"
        say([word, shown])


def say(value: object) -> None:
    """Tell the test."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Boot and serve until told to stop."""
    folder = Path(sys.argv[1])
    data = (folder / "model.onnx").read_bytes()
    settings = Settings(
        keys=folder / "access" / "keys.json",
        outbox=folder / "outbox",
        tls=ensure_local(folder / "tls"),
        port=0,
        sync=Sync.ALWAYS,
        isolation=os.environ.get("DEMAND", "none"),
    )
    server = boot(admission(Digest.of(data)), data, settings)
    level = server.isolation.level if server.isolation else "none"
    threading.Thread(target=answer_questions, daemon=True).start()
    server.run(ready=lambda url: say({"url": url, "level": level}))
    say("stopped")


if __name__ == "__main__":
    main()
