"""The server boots from an admission and the admitted bytes, and from nothing else."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from serve.serving_process import admission
from serve.toy_model import make_settings, row, running, toy_model
from stockade.errors import ConfigError, DigestMismatchError, EvidenceError, ServiceError, StepError
from stockade.policy.admit import Admitted
from stockade.serve import access
from stockade.serve.boot import PortError, UnprovenError, boot
from stockade.serve.client import Client
from stockade.serve.settings import Limits, Settings
from stockade.types.digest import Digest

SCRIPT = Path(__file__).with_name("serving_process.py")
HEAVY = ("polars", "pandas", "sklearn", "lightgbm", "optuna", "onnx", "stockade.evidence.keys", "stockade.train",
         "stockade.data", "stockade.pipeline", "stockade.adversary", "pickle5", "joblib")  # fmt: skip


@contextmanager
def process(folder: Path, *arguments: str, demand: str = "none") -> Iterator[SimpleNamespace]:
    """A confined server process, and what a client needs."""
    (folder / "model.onnx").write_bytes(toy_model())
    key = access.issue(folder / "access" / "keys.json", "alice")
    # The suite turns warnings into errors; what the child prints on stderr is looked at instead.
    environment = {"PATH": os.environ["PATH"], "DEMAND": demand}
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    ) as child:  # fmt: skip
        try:
            assert child.stdout is not None
            line = child.stdout.readline()
            assert line, child.stderr.read() if child.stderr else ""
            started = json.loads(line)
            yield SimpleNamespace(child=child, key=key, ca=folder / "tls" / "ca.pem", **started)
        finally:
            child.kill()


def ask(running: SimpleNamespace, word: str) -> object:
    running.child.stdin.write(word + "\n")
    running.child.stdin.flush()
    return json.loads(running.child.stdout.readline())[1]


def forged(model: Digest) -> list[object]:
    """Things that look like an admission and are none."""
    real = admission(model)
    same = SimpleNamespace(**{field.name: getattr(real, field.name) for field in dataclasses.fields(real)})
    return [same, None, {"model": model}, model, "admitted", object()]


def test_the_server_boots_from_an_admission_alone(tmp_path: Path) -> None:
    """Whatever is not an Admitted is refused by name, before the model is looked at."""
    settings = make_settings(tmp_path)
    data = toy_model()
    for thing in forged(Digest.of(data)):
        with pytest.raises(UnprovenError) as caught:
            boot(thing, data, settings)  # type: ignore[arg-type]
        assert isinstance(caught.value, EvidenceError)
        assert caught.value.remedy
    with pytest.raises(TypeError):
        Admitted("toy", 3, Digest.of(data), "production", Digest.of(b""), Digest.of(b""), None, token=object())  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(admission(Digest.of(data)), model=Digest.of(b"x"))


def test_bytes_that_were_not_admitted_are_refused(tmp_path: Path) -> None:
    """One flipped bit, or another valid model, is a digest mismatch."""
    data = toy_model()
    flipped = bytes([data[0] ^ 1]) + data[1:]
    for other in (flipped, data[:-1], toy_model(bias=9.0), b""):
        with pytest.raises(DigestMismatchError, match="was admitted"):
            boot(admission(Digest.of(data)), other, make_settings(tmp_path))
    assert not (tmp_path / "outbox").exists()


def test_an_admitted_file_that_is_no_model_is_refused_and_the_port_given_back(tmp_path: Path) -> None:
    """A malformed model ends the boot with its own error and leaves nothing open."""
    access.issue(tmp_path / "keys.json", "alice")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = make_settings(tmp_path, port=port)
    for data in (b"", b"not a model", toy_model()[:-40]):
        with pytest.raises(StepError):
            boot(admission(Digest.of(data)), data, settings)
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))


def test_a_server_needs_keys_certificate_port_and_outbox(tmp_path: Path) -> None:
    """Each missing thing is named before anything is served."""
    data = toy_model()
    admitted = admission(Digest.of(data))
    with pytest.raises(access.AccessError, match="cannot be read"):
        boot(admitted, data, make_settings(tmp_path))
    access.issue(tmp_path / "keys.json", "alice")
    (tmp_path / "tls" / "server.key").chmod(0o644)
    settings = make_settings(tmp_path)
    (tmp_path / "tls" / "server.key").chmod(0o644)
    with pytest.raises(ServiceError, match="open to other users"):
        boot(admitted, data, settings)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortError, match="cannot listen"):
            boot(admitted, data, make_settings(tmp_path, port=taken.getsockname()[1]))
    (tmp_path / "outbox").write_text("a file")
    with pytest.raises(ServiceError, match="request log"):
        boot(admitted, data, make_settings(tmp_path))


def test_plain_http_is_for_loopback_only(tmp_path: Path) -> None:
    """Without TLS no address is listened on that others can reach."""
    for host in ("0.0.0.0", "192.168.1.5", "::", "example.org"):  # noqa: S104 - it must be refused
        with pytest.raises(ConfigError, match="loopback"):
            Settings(tmp_path / "k", tmp_path / "o", None, host=host)
    for host in ("127.0.0.1", "::1", "localhost"):
        Settings(tmp_path / "k", tmp_path / "o", None, host=host)
    with pytest.raises(ConfigError, match="rows"):
        Limits(rows=0)


def test_a_confined_server_boots_serves_and_stops_cleanly(tmp_path: Path) -> None:
    """The whole way in a process of its own: boot, answer, SIGTERM, exit code 0, nothing on stderr."""
    with process(tmp_path) as server:
        with Client(server.url, server.ca, server.key) as client:
            answer = client.infer([{"age": 45, "income": None, "job": "nurse"}])
            assert answer.probability("yes") == pytest.approx((0.7310585786300049,))
        started = time.monotonic()
        server.child.send_signal(signal.SIGTERM)
        out, err = server.child.communicate(timeout=10)
        assert time.monotonic() - started < 5
        assert (server.child.returncode, json.loads(out), err) == (0, "stopped", "")


def test_the_server_process_holds_nothing_of_training_and_no_signing_keys(tmp_path: Path) -> None:
    """While it serves, no training library and no room that could sign is loaded."""
    with process(tmp_path) as server, Client(server.url, server.ca, server.key) as client:
        client.infer([{"age": 45, "income": 1.0, "job": "nurse"}] * 100)
        modules = ask(server, "modules")
        assert isinstance(modules, list)
        assert "onnxruntime" in modules
        assert [name for name in modules if name in HEAVY or name.partition(".")[0] in HEAVY] == []


def test_a_model_file_swapped_while_serving_changes_nothing(tmp_path: Path) -> None:
    """The bytes that were verified are the bytes that answer."""
    with process(tmp_path) as server, Client(server.url, server.ca, server.key) as client:
        rows = [{"age": 45, "income": None, "job": None}]
        before = client.infer(rows)
        (tmp_path / "model.onnx").write_bytes(toy_model(bias=50.0))
        time.sleep(0.3)
        assert client.infer(rows) == before


def test_requests_in_progress_are_answered_before_the_server_ends(tmp_path: Path) -> None:
    """A body that is half sent when the server is told to stop is still taken, and answered."""
    import ssl

    with running(tmp_path) as server:
        context = ssl.create_default_context(cafile=server.ca)
        body = json.dumps(row()).encode()
        head = f"POST /v2/models/toy/infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\nContent-Length: {len(body)}\r\n\r\n"
        with (
            socket.create_connection(("127.0.0.1", server.port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            connection.sendall(head.encode() + body[:20])
            time.sleep(0.3)
            server.server.stop()
            time.sleep(0.3)
            connection.sendall(body[20:])
            connection.settimeout(5)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_an_entry_of_the_log_is_on_disk_before_its_answer_is_sent(tmp_path: Path) -> None:
    """Under `always`, a server killed at once has logged what it answered."""
    from stockade.serve.journal import verify

    with process(tmp_path) as server:
        with Client(server.url, server.ca, server.key) as client:
            client.infer([{"age": 45, "income": None, "job": "nurse"}])
        server.child.kill()
        server.child.wait()
    assert verify(tmp_path / "outbox").entries == 4
    lines = (tmp_path / "outbox" / "requests-00000001.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["route"] == "infer"


def test_a_server_told_to_stop_before_it_runs_ends_at_once(tmp_path: Path) -> None:
    """`stop` counts whenever it comes."""
    access.issue(tmp_path / "keys.json", "alice")
    data = toy_model()
    server = boot(admission(Digest.of(data)), data, make_settings(tmp_path))
    server.stop()
    thread = threading.Thread(target=server.run)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
