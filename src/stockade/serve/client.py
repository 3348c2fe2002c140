"""A small client of the server, standard library only.

client = Client("https://localhost:8443", ca=Path("ca.pem"), key=secret)
answer = client.infer([{"sex": "woman", "age": 47, "job": None}])
answer.labels, answer.probability("yes")          # ("yes",), (0.83,)
"""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stockade.errors import DataError, ServiceError
from stockade.serve.loopback import is_loopback

Value = float | int | str | bool | None

_MOST_BYTES = 64_000_000


class ServerUnreachableError(ServiceError):
    """The server cannot be reached, or its certificate is not by the authority that was given."""

    code = "V113"


class AnswerError(DataError):
    """The server refused a request.

    The message is the server's own. Attributes: `status` is the HTTP status, `retry_after` the seconds after which to
    try again where the server said so.
    """

    code = "D121"

    def __init__(self, message: str, *, status: int, retry_after: float | None = None, where: str = "") -> None:
        super().__init__(message, where=where)
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Inference:
    """What the server answered for some rows.

    Attributes:
        model: Name of the model.
        version: Its version.
        classes: Class names in the order of `probabilities`; empty for regression.
        labels: Most probable class of each row; empty for regression.
        probabilities: One tuple a row; empty for regression.
        predictions: One number a row; empty for classes.
    """

    model: str
    version: str
    classes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    probabilities: tuple[tuple[float, ...], ...] = ()
    predictions: tuple[float, ...] = ()

    def probability(self, label: str) -> tuple[float, ...]:
        """Probability of one class for each row.

        Raises:
            ValueError: there is no such class.
        """
        if label not in self.classes:
            raise ValueError(f"there is no class {label!r}, only {', '.join(self.classes)}")
        column = self.classes.index(label)
        return tuple(row[column] for row in self.probabilities)


class Client:
    """Talks to one server over one kept connection; not for several threads at once.

    Args:
        url: ``https://HOST:PORT``; plain ``http`` to loopback addresses only.
        ca: Authority to trust, PEM; the system's own by default.
        key: API key.
        model: Name of the model; by default the one the server serves.
        timeout: Seconds for each exchange.

    Raises:
        ServiceError: the URL or the authority cannot be used.
    """

    def __init__(
        self, url: str, ca: Path | None = None, key: str = "", *, model: str | None = None, timeout: float = 30.0
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.path.strip("/"):
            raise ServiceError("the address of a server is expected, like https://localhost:8443", where=url[:200])
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ServiceError("a key is not sent unencrypted to another machine", where=url[:200])
        self._url = url
        self._key = key
        self._model = model
        self._metadata: dict[str, Any] | None = None
        self._connection = _connection(parts, ca, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        self._connection.close()

    def ready(self) -> bool:
        """Whether the server answers and takes requests."""
        try:
            self._exchange("GET", "/v2/health/ready")
        except (ServerUnreachableError, AnswerError):
            return False
        return True

    def metadata(self) -> Mapping[str, Any]:
        """The model's metadata, asked for once.

        Raises:
            AnswerError: the server refused.
            ServerUnreachableError: there is no server.
        """
        if self._metadata is None:
            if self._model is None:
                self._model = str(self._exchange("GET", "/v2")["models"][0])
            self._metadata = self._exchange("GET", f"/v2/models/{urllib.parse.quote(self._model, safe='')}")
        return self._metadata

    def infer(self, rows: Sequence[Mapping[str, Value]]) -> Inference:
        """Predict rows.

        Args:
            rows: Values by feature name; None is missing.

        Raises:
            AnswerError: the server refused; its message names input and row.
            ServerUnreachableError: there is no server.
        """
        metadata = self.metadata()
        names = list(dict.fromkeys(name for row in rows for name in row))
        words = {item["name"]: item["datatype"] for item in metadata["inputs"]}
        inputs = [_tensor(name, [row.get(name) for row in rows], words.get(name, "BYTES")) for name in names]
        path = f"/v2/models/{urllib.parse.quote(metadata['name'], safe='')}/infer"
        answer = self._exchange("POST", path, json.dumps({"inputs": inputs}, allow_nan=False).encode())
        return _inference(answer, tuple(metadata["parameters"]["classes"]))

    def metrics(self) -> str:
        """The server's counters, OpenMetrics text."""
        return self._raw("GET", "/metrics").decode()

    def _exchange(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        try:
            answer = json.loads(self._raw(method, path, body))
        except ValueError as error:
            raise ServerUnreachableError(
                "the answer is not JSON; is this a stockade server?", where=self._url
            ) from error
        if not isinstance(answer, dict):
            raise ServerUnreachableError("the answer is no object; is this a stockade server?", where=self._url)
        return answer

    def _raw(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        fresh = self._connection.sock is None
        try:
            status, retry, data = self._once(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            # A kept connection may have been closed while idle; inference changes nothing, so it can be asked again.
            if fresh or isinstance(error, TimeoutError):
                raise self._unreachable(error) from error
            try:
                status, retry, data = self._once(method, path, body, headers)
            except (OSError, http.client.HTTPException) as again:
                self._connection.close()
                raise self._unreachable(again) from again
        if status != http.client.OK:
            raise AnswerError(_message(data), status=status, retry_after=retry, where=f"{self._url} ({status})")
        return data

    def _once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, float | None, bytes]:
        self._connection.request(method, path, body, dict(headers))
        response = self._connection.getresponse()
        data = response.read(_MOST_BYTES)
        retry = response.getheader("Retry-After", "")
        return response.status, float(retry) if retry.isdigit() else None, data

    def _unreachable(self, error: Exception) -> ServerUnreachableError:
        if isinstance(error, ssl.SSLCertVerificationError):
            return ServerUnreachableError(
                f"the server's certificate is not trusted: {error.verify_message}",
                where=self._url,
                remedy="Give the server's ca.pem, obtained from whoever runs it.",
            )
        return ServerUnreachableError(f"the server cannot be reached: {error}", where=self._url)


def _connection(parts: urllib.parse.SplitResult, ca: Path | None, timeout: float) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=timeout)
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise ServiceError(f"the authority cannot be read: {error.strerror or error}", where=str(ca)) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=context)


def _tensor(name: str, values: list[Value], word: str) -> dict[str, Any]:
    datatype = word
    if (
        word != "BYTES"
        and all(isinstance(value, bool) or value is None for value in values)
        and any(value is not None for value in values)
    ):
        datatype = "BOOL"
    return {"name": name, "shape": [len(values)], "datatype": datatype, "data": values}


def _inference(answer: Mapping[str, Any], classes: tuple[str, ...]) -> Inference:
    tensors = {item["name"]: item["data"] for item in answer["outputs"]}
    model, version = str(answer["model_name"]), str(answer["model_version"])
    if not classes:
        return Inference(model, version, predictions=tuple(tensors["prediction"]))
    flat, width = tensors["probabilities"], len(classes)
    rows = tuple(tuple(flat[start : start + width]) for start in range(0, len(flat), width))
    return Inference(model, version, classes, tuple(tensors["label"]), rows)


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["error"])[:500]
    except (ValueError, KeyError, TypeError):
        return "the server refused without a word"
