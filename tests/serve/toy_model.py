"""A small model for the server's tests, and servers that run it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from stockade.model.signature import METADATA_KEY, Feature, FeatureKind, ModelSignature
from stockade.serve.access import Authenticator, Role, issue
from stockade.serve.boot import Server, open_server
from stockade.serve.identity import Identity
from stockade.serve.settings import Limits, Settings
from stockade.serve.tls import TlsFiles, ensure_local
from stockade.types.digest import Digest
from stockade.types.scorecard import Task

SIGNATURE = ModelSignature(
    Task.BINARY,
    "employed",
    ("no", "yes"),
    (
        Feature("age", FeatureKind.NUMBER, nullable=False, minimum=16, maximum=120),
        Feature("income", FeatureKind.NUMBER, nullable=True),
        Feature("job", FeatureKind.CATEGORY, nullable=True, categories=("clerk", "nurse", "smith")),
    ),
)


def toy_model(*, bias: float = 0.0) -> bytes:
    """Probability of yes = sigmoid((45 - age) / 10 + income / 1e5 + [job = nurse] + bias)."""

    def constant(name: str, value: float) -> TensorProto:
        return numpy_helper.from_array(np.array([[value]], dtype=np.float64), name)

    nodes = [
        helper.make_node("Sub", ["centre", "age"], ["age_off"]),
        helper.make_node("Div", ["age_off", "ten"], ["age_part"]),
        helper.make_node("IsNaN", ["income"], ["no_income"]),
        helper.make_node("Div", ["income", "lakh"], ["income_scaled"]),
        helper.make_node("Where", ["no_income", "zero", "income_scaled"], ["income_part"]),
        helper.make_node(
            "LabelEncoder", ["job"], ["job_float"], domain="ai.onnx.ml",
            keys_strings=["nurse"], values_floats=[1.0], default_float=0.0,
        ),
        helper.make_node("Cast", ["job_float"], ["job_part"], to=TensorProto.DOUBLE),
        helper.make_node("Sum", ["age_part", "income_part", "job_part", "bias"], ["score"]),
        helper.make_node("Sigmoid", ["score"], ["yes"]),
        helper.make_node("Sub", ["one", "yes"], ["no"]),
        helper.make_node("Concat", ["no", "yes"], ["probabilities"], axis=1),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "toy",
        [
            helper.make_tensor_value_info("age", TensorProto.DOUBLE, ["N", 1]),
            helper.make_tensor_value_info("income", TensorProto.DOUBLE, ["N", 1]),
            helper.make_tensor_value_info("job", TensorProto.STRING, ["N", 1]),
        ],
        [helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, ["N", 2])],
        [
            constant("centre", 45),
            constant("ten", 10),
            constant("lakh", 1e5),
            constant("zero", 0),
            constant("one", 1),
            constant("bias", bias),
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 4)], ir_version=10
    )
    helper.set_model_props(model, {METADATA_KEY: SIGNATURE.to_json()})
    checker.check_model(model)
    return model.SerializeToString()


@dataclass(frozen=True)
class Running:
    """A server under test and what a client needs."""

    server: Server
    url: str
    port: int
    ca: Path
    key: str
    metrics_key: str
    folder: Path


def make_settings(folder: Path, **changes: object) -> Settings:
    tls: TlsFiles = ensure_local(folder / "tls")
    settings = Settings(keys=folder / "keys.json", outbox=folder / "outbox", tls=tls, port=0, confine=False)
    return replace(settings, **changes)


def open_toy(folder: Path, *, authenticator: Authenticator | None = None, **changes: object) -> Server:
    """A server of the toy model that is not yet running, and leaves the test's own process unconfined."""
    data = toy_model()
    return open_server(Identity("toy", "3", Digest.of(data)), data, make_settings(folder, **changes), authenticator)


@contextlib.contextmanager
def serve_in_thread(server: Server) -> Iterator[str]:
    """Run a server beside the test."""
    ready = threading.Event()
    thread = threading.Thread(target=lambda: server.run(ready=lambda _: ready.set()))
    thread.start()
    try:
        assert ready.wait(10)
        yield server.url
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()


@contextlib.contextmanager
def running(folder: Path, *, limits: Limits | None = None, **changes: object) -> Iterator[Running]:
    """Serve the toy model in a thread, over TLS."""
    key = issue(folder / "keys.json", "alice")
    metrics_key = issue(folder / "keys.json", "prometheus", (Role.METRICS,))
    server = open_toy(folder, limits=limits or Limits(), **changes)
    with serve_in_thread(server) as url:
        port = int(url.rsplit(":", 1)[1])
        yield Running(server, url, port, folder / "tls" / "ca.pem", key, metrics_key, folder)


def row(**changes: object) -> dict[str, object]:
    """A V2 request of one row."""
    tensors = {
        "age": {"name": "age", "shape": [1], "datatype": "INT64", "data": [47]},
        "income": {"name": "income", "shape": [1], "datatype": "FP64", "data": [30000.5]},
        "job": {"name": "job", "shape": [1], "datatype": "BYTES", "data": ["nurse"]},
    }
    for name, change in changes.items():
        tensors[name] = tensors[name] | change if isinstance(change, dict) else tensors[name] | {"data": [change]}
    return {"inputs": list(tensors.values())}
