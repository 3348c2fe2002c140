"""A trainer of this project's own: a small neural network, exported to ONNX by hand."""

import numpy as np
import onnx
import polars as pl
from sklearn.neural_network import MLPClassifier

from stockade.schema.toml import from_toml
from stockade.train.preparation import Preparation


def train(training: pl.DataFrame, layout: str, *, hidden: int = 8, seed: int = 0) -> bytes:
    """Fit a network with one hidden layer; the preparation in front of it becomes part of the model."""
    prepared = Preparation.fit(training, from_toml(layout))
    network = MLPClassifier((hidden,), alpha=1.0, max_iter=1000, random_state=seed)
    network.fit(prepared.matrix(training), prepared.target(training))
    model = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["": 17]>
        network (double[N, {len(prepared.columns)}] x) => (double[N, 2] probabilities)
        {{
            inner = Gemm(x, w0, b0)
            active = Relu(inner)
            score = Gemm(active, w1, b1)
            positive = Sigmoid(score)
            negative = Sub(one, positive)
            probabilities = Concat <axis = 1> (negative, positive)
        }}""")
    constants = {"w0": network.coefs_[0], "b0": network.intercepts_[0], "w1": network.coefs_[1]}
    constants |= {"b1": network.intercepts_[1], "one": np.array(1.0)}
    model.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in constants.items())
    return prepared.complete(model.SerializeToString())
