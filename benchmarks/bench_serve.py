"""CPU per request of the server, all guards on: TLS, key, schema, limits, hash-chained log.

python benchmarks/bench_serve.py [REQUESTS]

The server runs confined in a process of its own, with a model of 13 inputs (8 numbers, 5 categories). One client
sends requests over one or several kept TLS connections. Reported is what the server process used, user and system, a
request. On a busy machine that figure rises too, for caches are shared: compare figures of one run.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

NUMBERS, WORDS = 8, 5


def make_model() -> bytes:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    from stockade.model.signature import METADATA_KEY, Feature, FeatureKind, ModelSignature
    from stockade.types.scorecard import Task

    words = tuple(f"word {index}" for index in range(12))
    features = [Feature(f"n{i}", FeatureKind.NUMBER, nullable=True, minimum=-1e6, maximum=1e6) for i in range(NUMBERS)]
    features += [Feature(f"w{i}", FeatureKind.CATEGORY, nullable=True, categories=words) for i in range(WORDS)]
    nodes, parts = [], [f"n{i}" for i in range(NUMBERS)]
    for i in range(WORDS):
        nodes += [
            helper.make_node(
                "LabelEncoder",
                [f"w{i}"],
                [f"e{i}"],
                domain="ai.onnx.ml",
                keys_strings=list(words),
                values_floats=[float(index) for index in range(12)],
                default_float=-1.0,
            ),
            helper.make_node("Cast", [f"e{i}"], [f"c{i}"], to=TensorProto.DOUBLE),
        ]
        parts.append(f"c{i}")
    weights = np.random.default_rng(0).normal(size=(len(parts), 1)) / 100
    nodes += [
        helper.make_node("Concat", parts, ["x"], axis=1),
        helper.make_node("MatMul", ["x", "weights"], ["score"]),
        helper.make_node("Sigmoid", ["score"], ["yes"]),
        helper.make_node("Sub", ["one", "yes"], ["no"]),
        helper.make_node("Concat", ["no", "yes"], ["probabilities"], axis=1),
    ]
    kinds = [TensorProto.DOUBLE] * NUMBERS + [TensorProto.STRING] * WORDS
    graph = helper.make_graph(
        nodes,
        "bench",
        [helper.make_tensor_value_info(item.name, kind, ["N", 1]) for item, kind in zip(features, kinds, strict=True)],
        [helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, ["N", 2])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(np.array([[1.0]]), "one")],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 4)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    signature = ModelSignature(Task.BINARY, "target", ("no", "yes"), tuple(features))
    helper.set_model_props(model, {METADATA_KEY: signature.to_json()})
    return model.SerializeToString()


def serve(folder: Path) -> None:
    from stockade.serve.boot import open_server
    from stockade.serve.identity import Identity
    from stockade.serve.settings import Limits, Settings
    from stockade.serve.tls import ensure_local
    from stockade.types.digest import Digest

    data = (folder / "model.onnx").read_bytes()
    settings = Settings(
        keys=folder / "keys.json",
        outbox=folder / "outbox",
        tls=ensure_local(folder / "tls"),
        port=0,
        limits=Limits(key_rows_per_second=1e9, key_burst=1e9),
    )
    open_server(Identity("bench", "1", Digest.of(data)), data, settings).run(ready=lambda url: print(url, flush=True))


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def request(rows: int) -> bytes:
    tensors = [
        {"name": f"n{i}", "shape": [rows], "datatype": "FP64", "data": [12.5 + i] * rows} for i in range(NUMBERS)
    ]
    tensors += [
        {"name": f"w{i}", "shape": [rows], "datatype": "BYTES", "data": [f"word {i}"] * rows} for i in range(WORDS)
    ]
    return json.dumps({"inputs": tensors}).encode()


def connect(url: str, folder: Path) -> ssl.SSLSocket:
    host, port = url.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=folder / "tls" / "ca.pem")
    return context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host)


def read(connection: ssl.SSLSocket) -> None:
    data = connection.recv(1 << 20)
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    left = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]) - len(body)
    while left > 0:
        left -= len(connection.recv(1 << 20))


def measure(url: str, folder: Path, key: str, *, pid: int, rows: int, count: int, ahead: int) -> None:
    body = request(rows)
    head = f"POST /v2/models/bench/infer HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
    data = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(url, folder)) for _ in range(ahead)]

        def ask() -> None:
            for connection in connections:
                connection.sendall(data)
            for connection in connections:
                read(connection)

        for _ in range(200 // ahead):
            ask()
        before, started = cpu(pid), time.perf_counter()
        for _ in range(count // ahead):
            ask()
        asked = count // ahead * ahead
        used, passed = cpu(pid) - before, time.perf_counter() - started
    print(
        f"{rows:5d} rows ({len(body)} bytes), {ahead:2d} connections: {used / asked * 1e6:8.1f} us CPU a request, "
        f"{asked / passed:8.0f} requests a second"
    )


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]))
        return
    from stockade.serve.access import issue

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.onnx").write_bytes(make_model())
        key = issue(folder / "keys.json", "bench")
        command = [sys.executable, __file__, "--serve", name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            try:
                for rows, share, ahead in ((1, 1, 1), (1, 1, 16), (100, 20, 16), (1000, 200, 1)):
                    measure(url, folder, key, pid=server.pid, rows=rows, count=max(count // share, 50), ahead=ahead)
            finally:
                server.terminate()
            assert server.wait(20) == 0


if __name__ == "__main__":
    main()
