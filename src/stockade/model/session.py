"""A model that predicts: ONNX bytes, checked, in an onnxruntime session on the CPU.

model = Model(path.read_bytes())
model.signature.classes                 # ("no", "yes")
model.predict({"age": np.array([47.0]), "sex": np.array(["woman"], dtype=object)})
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

# onnxruntime starts to report to its maker as soon as it is imported, unless it is told not to beforehand.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

from stockade.errors import ColumnError
from stockade.model.graph import check_graph
from stockade.model.inputs import from_table
from stockade.model.signature import METADATA_KEY, FeatureKind, ModelFormatError, ModelSignature
from stockade.types.scorecard import Task

if TYPE_CHECKING:
    import polars as pl

BATCH = 8_192
"""Rows given to the session at once; a bound on memory that does not change results."""

Floats = npt.NDArray[np.float64]


class Model:
    """An ONNX model in a session of its own.

    One thread sums the trees in their order, which makes predictions repeat bit for bit; more threads are an option
    for throughput in batches. `predict` may be called from several threads at once.

    Attributes:
        signature: What it takes and gives.

    Raises:
        ModelFormatError: the bytes are not a model of the form that Stockade runs; no session was made of them.
    """

    def __init__(self, data: bytes, *, threads: int = 1) -> None:
        outline = check_graph(data)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 4
        options.add_session_config_entry("session.load_model_format", "ONNX")
        try:
            self._session: Any = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a dozen unrelated classes for a graph it cannot run
            raise ModelFormatError(
                f"onnxruntime cannot run the model: {str(error)[:300]}", remedy="Export the model again."
            ) from error
        self.signature = ModelSignature.parse(outline.metadata.get(METADATA_KEY, "null"))
        _check_interface(self._session, self.signature)

    def predict(self, columns: Mapping[str, npt.NDArray[Any]]) -> Floats:
        """Predict rows given as columns by feature name.

        Args:
            columns: float64 ``[N]`` or ``[N, 1]`` for numbers (NaN is missing), object ``[N]`` or ``[N, 1]`` of
                ``str`` for categories (the empty string is missing). Further columns are ignored.

        Returns:
            Class probabilities, float64 ``[N, K]`` in the order of `ModelSignature.classes`; for regression the
            predictions, float64 ``[N]``.

        Raises:
            ColumnError: a feature is absent, or a column has another length or type.
        """
        feeds = self._feeds(columns)
        rows = len(next(iter(feeds.values())))
        name = self.signature.output
        parts = [
            self._session.run([name], {key: value[start : start + BATCH] for key, value in feeds.items()})[0]
            for start in range(0, max(rows, 1), BATCH)
        ]
        result: Floats = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return result[:, 0] if self.signature.task is Task.REGRESSION else result

    def predict_table(self, table: pl.DataFrame) -> Floats:
        """Predict the rows of a table; otherwise like `predict`."""
        return self.predict(from_table(table, self.signature))

    def probe(self) -> None:
        """Predict two ordinary rows and look at the answer.

        Raises:
            ModelFormatError: it fails, is not finite, or holds what cannot be probabilities.
        """
        columns: dict[str, npt.NDArray[Any]] = {}
        for feature in self.signature.features:
            if feature.kind is FeatureKind.NUMBER:
                columns[feature.name] = np.full(2, feature.minimum or 0.0)
            else:
                columns[feature.name] = np.array([(feature.categories or ("",))[0]] * 2, dtype=object)
        try:
            output = self.predict(columns)
        except Exception as error:  # onnxruntime raises a dozen unrelated classes for a graph that fails
            raise ModelFormatError(f"the model fails on an ordinary row: {str(error)[:300]}") from error
        rows = (2, len(self.signature.classes)) if self.signature.classes else (2,)
        sound = output.shape == rows and bool(np.isfinite(output).all())
        if self.signature.classes and sound:
            sound = bool((output >= 0).all() and (np.abs(output.sum(axis=1) - 1) <= 1e-6).all())
        if not sound:
            raise ModelFormatError(
                "the model's answer to an ordinary row is not sound",
                where=f"output {self.signature.output}",
                remedy="Probabilities lie between 0 and 1 and sum to 1 in each row; numbers are finite.",
            )

    def labels(self, output: Floats) -> npt.NDArray[np.object_]:
        """Name the most probable class of each row of what `predict` returned; the first wins a tie."""
        classes: npt.NDArray[np.object_] = np.array(self.signature.classes, dtype=object)
        chosen: npt.NDArray[np.object_] = classes[np.argmax(output, axis=1)]
        return chosen

    def _feeds(self, columns: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        feeds: dict[str, npt.NDArray[Any]] = {}
        rows: int | None = None
        for feature, key in zip(self.signature.features, self.signature.inputs, strict=True):
            column = columns.get(feature.name)
            if column is None:
                raise ColumnError(f"feature {feature.name!r} is missing", where=f"column {feature.name}")
            try:
                kind = np.float64 if feature.kind is FeatureKind.NUMBER else np.object_
                feeds[key] = np.ascontiguousarray(column, dtype=kind).reshape(-1, 1)
            except (TypeError, ValueError) as error:
                raise ColumnError(
                    f"the values are not of kind {feature.kind}", where=f"column {feature.name}"
                ) from error
            rows = len(feeds[key]) if rows is None else rows
            if len(feeds[key]) != rows:
                raise ColumnError(
                    f"{len(feeds[key])} values are given, where other features have {rows}",
                    where=f"column {feature.name}",
                )
        return feeds


_TENSORS = {FeatureKind.NUMBER: "tensor(double)", FeatureKind.CATEGORY: "tensor(string)"}


def _check_interface(session: Any, signature: ModelSignature) -> None:
    """Hold the session's inputs and outputs against the signature."""
    wanted = [
        (name, _TENSORS[feature.kind]) for name, feature in zip(signature.inputs, signature.features, strict=True)
    ]
    found = [(item.name, item.type) for item in session.get_inputs()]
    if found != wanted or any(len(item.shape) != 2 or item.shape[1] != 1 for item in session.get_inputs()):
        raise ModelFormatError(
            "the model's inputs are not one [N, 1] tensor for each feature of its signature",
            where=f"inputs {found!r:.200}",
            remedy="Numbers are double, categories are string, in the signature's order and by its names.",
        )
    outputs = session.get_outputs()
    width = max(len(signature.classes), 1)
    names = [item.name for item in outputs]
    if names != [signature.output] or outputs[0].type != "tensor(double)" or outputs[0].shape[1:] != [width]:
        raise ModelFormatError(
            f"the model's output is not one double [N, {width}] tensor named {signature.output!r}",
            where=f"outputs {names!r:.200}",
            remedy="Classifiers give 'probabilities', one column a class; regressors give 'prediction'.",
        )
