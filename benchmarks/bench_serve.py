"""CPU per request of the server, all guards on: TLS, key, schema, limits, hash-chained log.

python benchmarks/bench_serve.py [REQUESTS]

The server runs confined in a process of its own, with a model of 13 inputs (8 numbers, 5 categories). One client
sends single rows over kept TLS connections. Reported is what the server process used (user and system) a request,
which does not depend on how busy the machine is otherwise.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
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


def measure(url: str, folder: Path, key: str, *, pid: int, rows: int, count: int) -> None:
    host, port = url.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=folder / "tls" / "ca.pem")
    connection = http.client.HTTPSConnection(host, int(port), context=context)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    body = request(rows)
    times = []

    def ask() -> None:
        start = time.perf_counter()
        connection.request("POST", "/v2/models/bench/infer", body, headers)
        response = connection.getresponse()
        assert response.read(), response.status
        assert response.status == 200, response.status
        times.append(time.perf_counter() - start)

    for _ in range(200):
        ask()
    times.clear()
    before = cpu(pid)
    for _ in range(count):
        ask()
    used = cpu(pid) - before
    times.sort()
    print(
        f"{rows:5d} rows ({len(body)} bytes): {used / count * 1e6:8.1f} us CPU a request, "
        f"median {times[count // 2] * 1e6:8.1f} us, p99 {times[count * 99 // 100] * 1e6:8.1f} us as seen by the client"
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
            measure(url, folder, key, pid=server.pid, rows=1, count=count)
            measure(url, folder, key, pid=server.pid, rows=100, count=max(count // 20, 50))
            measure(url, folder, key, pid=server.pid, rows=1000, count=max(count // 200, 20))
            server.terminate()
            assert server.wait(20) == 0


if __name__ == "__main__":
    main()
