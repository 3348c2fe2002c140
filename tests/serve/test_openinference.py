"""What the protocol takes and gives, over real TLS."""

from __future__ import annotations

import contextlib
import json
import math

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.toy_model import SIGNATURE, Running, row
from stockade.serve.columns import Columns, RequestError
from stockade.serve.openinference import read_request
from stockade.serve.settings import Unseen

INFER = "/v2/models/toy/infer"
COLUMNS = Columns(SIGNATURE, Unseen.REJECT, 5)


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def test_an_honest_row_is_answered_with_probabilities_and_label(http: httpx.Client) -> None:
    """One row of the model's schema comes back as the probabilities the model's formula gives."""
    response = http.post(INFER, json={**row(), "id": "7", "parameters": {"priority": 1}})
    answer = response.json()
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("7", "toy", "3")
    probabilities, label = answer["outputs"]
    assert probabilities["shape"] == [1, 2]
    assert probabilities["datatype"] == "FP64"
    yes = sigmoid((45 - 47) / 10 + 30000.5 / 1e5 + 1)
    assert probabilities["data"] == pytest.approx([1 - yes, yes], abs=1e-12)
    assert label == {"name": "label", "datatype": "BYTES", "shape": [1], "data": ["yes"]}


@pytest.mark.parametrize("nested", [False, True])
def test_a_batch_may_be_flat_or_nested_and_hold_null_where_allowed(http: httpx.Client, nested: bool) -> None:
    """[N, 1] tensors are taken flat and nested, [N] beside them, and null is a missing value."""
    wrap = (lambda values: [[value] for value in values]) if nested else list
    inputs = [
        {"name": "job", "shape": [3, 1], "datatype": "BYTES", "data": wrap(["nurse", None, "clerk"])},
        {"name": "income", "shape": [3], "datatype": "FP64", "data": [1e5, None, 0]},
        {"name": "age", "shape": [3, 1], "datatype": "FP32", "data": wrap([45, 45.0, 16])},
    ]
    answer = http.post(INFER, json={"inputs": inputs}).json()
    expected = [sigmoid(2), sigmoid(0), sigmoid(2.9)]
    assert answer["outputs"][0]["data"][1::2] == pytest.approx(expected, abs=1e-12)


def test_only_the_outputs_asked_for_are_given(http: httpx.Client) -> None:
    """The outputs filter selects and orders."""
    for wanted in (["label"], ["label", "probabilities"]):
        answer = http.post(INFER, json={**row(), "outputs": [{"name": name} for name in wanted]}).json()
        assert [output["name"] for output in answer["outputs"]] == wanted
    triton = [{"name": "label", "parameters": {"binary_data": False}}]
    assert http.post(INFER, json={**row(), "outputs": triton}).status_code == 200


def test_a_tritonclient_without_content_type_is_understood(http: httpx.Client) -> None:
    """The reference client sends JSON without naming it."""
    response = http.post(INFER, content=json.dumps(row()).encode())
    assert "content-type" not in response.request.headers
    assert response.status_code == 200


BAD_ROWS = {
    "NaN": (row(income=float("nan")), "malformed"),
    "Infinity": (row(income=float("inf")), "malformed"),
    "negative infinity": (row(age=float("-inf")), "malformed"),
    "1e308 in single precision": (row(income={"datatype": "FP32", "data": [1e308]}), "input 'income', index 0"),
    "an integer no double holds": (row(income={"data": [10**400]}), "input 'income', index 0"),
    "an integer beyond 2**53": (row(income={"datatype": "INT64", "data": [2**53 + 1]}), "input 'income', index 0"),
    "a boolean as a number": (row(income=True), "input 'income', index 0"),
    "a number as a boolean": (row(income={"datatype": "BOOL", "data": [1]}), "input 'income', index 0"),
    "text as a number": (row(income="1.5"), "input 'income', index 0"),
    "a fraction as an integer": (row(age={"data": [47.5]}), "input 'age', index 0"),
    "a number as text": (row(job=5), "input 'job', index 0"),
    "a number called text": (row(age={"datatype": "BYTES", "data": ["47"]}), "input 'age' holds numbers"),
    "text called a number": (row(job={"datatype": "FP64"}), "input 'job' holds text"),
    "an unknown datatype": (row(age={"datatype": "FP128"}), "input 'age' holds numbers"),
    "below the range": (row(age=15), "outside 16 to 120"),
    "above the range": (row(age=121), "outside 16 to 120"),
    "above the range in floats": (row(age={"datatype": "FP64", "data": [120.00001]}), "outside 16 to 120"),
    "an unknown category": (row(job="pilot"), "input 'job', index 0: the value is not a known category"),
    "an empty category": (row(job=""), "not a known category"),
    "null where none may be": (row(age=None), "input 'age', index 0: null is not allowed"),
    "too few inputs": ({"inputs": row()["inputs"][:2]}, "input 'job' is missing"),
    "no inputs": ({"inputs": []}, "is missing"),
    "an extra input": ({"inputs": [*row()["inputs"], {**row()["inputs"][0], "name": "x"}]}, "no input named 'x'"),
    "an input twice": ({"inputs": [*row()["inputs"], row()["inputs"][0]]}, "input 'age' is given twice"),
    "an empty batch": (row(age={"shape": [0], "data": []}), "the batch is empty"),
    "a negative batch": (row(age={"shape": [-1], "data": []}), "the batch is empty"),
    "different lengths": (row(job={"shape": [2], "data": ["nurse", "clerk"]}), "the shape differs"),
    "a shape not filled": (row(job={"data": ["nurse", "clerk"]}), "do not fill the shape"),
    "a wide shape": (row(job={"shape": [1, 2], "data": [["nurse", "clerk"]]}), "the shape must be [N] or [N, 1]"),
    "no shape": (row(age={"shape": []}), "the shape must be [N] or [N, 1]"),
    "ragged data": (row(job={"shape": [1, 1], "data": [["nurse", "clerk"]]}), "ragged"),
    "nested data in a flat shape": (row(age={"data": [[47]]}), "input 'age', index 0"),
    "a boolean in a shape": (row(age={"shape": [True]}), "malformed"),
    "an unknown field": ({**row(), "signature": "x"}, "malformed"),
    "an unknown output": ({**row(), "outputs": [{"name": "weights"}]}, "no output named 'weights'"),
    "an output twice": ({**row(), "outputs": [{"name": "label"}] * 2}, "asked for twice"),
    "a number for an id": ({**row(), "id": 5}, "malformed"),
    "a very long id": ({**row(), "id": "x" * 1000}, "the id is longer"),
    "binary data": (
        {
            "inputs": [
                {"name": n, "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}}
                for n in ("age", "income", "job")
            ]
        },
        "binary data is not taken",
    ),
    "a list": ([row()], "malformed"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_request_outside_the_schema_is_refused(http: httpx.Client, name: str) -> None:
    """Every liberty that other servers take with types, shapes and ranges is a 400 that names the place."""
    body, message = BAD_ROWS[name]
    response = http.post(INFER, content=json.dumps(body).encode())
    assert response.status_code == 400
    assert set(response.json()) == {"error"}
    assert message in response.json()["error"]


def test_a_refusal_says_nothing_of_other_inputs_or_of_the_known_categories(http: httpx.Client) -> None:
    """The message names one input; neither the categories nor the limits of the rest are in it."""
    text = http.post(INFER, json=row(job="pilot")).text
    assert not any(word in text for word in ("clerk", "nurse", "smith", "pilot", "16", "120", "age"))


RAW = {
    "not JSON": b"age=47",
    "empty": b"",
    "not UTF-8": b'{"inputs": "\xff"}',
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(row()).encode(),
    "trailing text": json.dumps(row()).encode() + b"x",
    "two documents": json.dumps(row()).encode() * 2,
    "a lone surrogate": json.dumps(row()).encode().replace(b'"nurse"', b'"\\ud800"'),
    "a number beyond doubles": json.dumps(row()).encode().replace(b"30000.5", b"1e400"),
    "deep nesting": b'{"inputs":' + b"[" * 40_000 + b"]" * 40_000 + b"}",
    "endless digits": json.dumps(row()).encode().replace(b"30000.5", b"9" * 90_000),
    "a field twice": json.dumps(row()).encode().replace(b'"shape": [1]', b'"shape": [9], "shape": [1]', 1),
    "inputs twice": b'{"inputs": [], ' + json.dumps(row()).encode()[1:],
    "an escaped field twice": json.dumps(row()).encode().replace(b'"data": [47]', b'"data": [30], "d\\u0061ta": [47]'),
    "a field twice beside colons in text": (b'{"id": "a:b", "id": "c", ' + json.dumps(row()).encode()[1:]),
    "a parameter twice": b'{"parameters": {"a": 1, "a": 2}, ' + json.dumps(row()).encode()[1:],
}


@pytest.mark.parametrize("name", RAW)
def test_bytes_that_are_not_one_strict_document_are_refused(http: httpx.Client, name: str) -> None:
    """Malformed or ambiguous JSON is a 400, whatever is wrong with it."""
    response = http.post(INFER, content=RAW[name])
    assert response.status_code == 400
    assert "error" in response.json()


def test_a_batch_beyond_the_limit_is_refused(http: httpx.Client) -> None:
    """Six rows where five are allowed are too many."""
    columns = {"age": ("INT64", 47), "income": ("FP64", 1.0), "job": ("BYTES", "nurse")}
    inputs = [{"name": n, "shape": [6], "datatype": d, "data": [v] * 6} for n, (d, v) in columns.items()]
    response = http.post(INFER, json={"inputs": inputs})
    assert response.status_code == 413
    assert "5 rows at most" in response.json()["error"]


@given(st.data())
def test_what_is_read_is_what_the_strict_reader_sees(data: st.DataObject) -> None:
    """Whatever rows are allowed come through value for value, and no text makes the reader fail otherwise."""
    rows = data.draw(st.integers(1, 5))
    draw = lambda values: data.draw(st.lists(values, min_size=rows, max_size=rows))  # noqa: E731
    given = {
        "age": ("FP64", draw(st.floats(16, 120))),
        "income": ("FP64", draw(st.none() | st.floats(allow_nan=False, allow_infinity=False))),
        "job": ("BYTES", draw(st.none() | st.sampled_from(["clerk", "nurse", "smith"]))),
    }
    inputs = [{"name": n, "shape": [rows], "datatype": d, "data": v} for n, (d, v) in given.items()]
    batch = read_request(json.dumps({"inputs": inputs}).encode(), COLUMNS, ("label",))
    assert batch.columns["age"].tolist() == given["age"][1]
    assert [None if math.isnan(value) else value for value in batch.columns["income"].tolist()] == given["income"][1]
    assert [value or None for value in batch.columns["job"].tolist()] == given["job"][1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "shape", "datatype", "data", "x"]), inner)
    ),
    max_leaves=8,
)


@given(st.binary() | JSON.map(lambda value: json.dumps({"inputs": [value]}).encode()))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """The reader gives a batch or a RequestError, never another error."""
    with contextlib.suppress(RequestError):
        assert read_request(body, COLUMNS, ("label",)).rows > 0


def test_unlisted_categories_can_be_accepted() -> None:
    """With `accept`, a new word reaches the model, but not an empty or endless one."""
    columns = Columns(SIGNATURE, Unseen.ACCEPT, 5)
    assert read_request(json.dumps(row(job="pilot")).encode(), columns, ()).columns["job"].tolist() == ["pilot"]
    for bad in ("", "x" * 2000, "a\0b"):
        with pytest.raises(RequestError):
            read_request(json.dumps(row(job=bad)).encode(), columns, ())


def test_metadata_says_what_the_model_takes(http: httpx.Client, server: Running) -> None:
    """Model metadata lists inputs, outputs, classes and the digest that was verified."""
    for path in ("/v2/models/toy", "/v2/models/toy/versions/3"):
        described = http.get(path).json()
        assert [(item["name"], item["datatype"]) for item in described["inputs"]] == [
            ("age", "FP64"),
            ("income", "FP64"),
            ("job", "BYTES"),
        ]
        assert described["parameters"]["classes"] == ["no", "yes"]
        assert described["parameters"]["digest"] == str(server.server.model)
    assert http.get("/v2").json()["models"] == ["toy"]
    assert http.get("/v2/models/toy/ready").json() == {"name": "toy", "ready": True}
    assert http.post("/v2/models/toy/versions/3/infer", json=row()).status_code == 200


def test_paths_and_methods_that_do_not_exist_are_told_so(http: httpx.Client) -> None:
    """404 for other models, versions and paths; 405 with Allow for other methods."""
    for path in ("/", "/v2/models/other", "/v2/models/toy/versions/4", "/v2/models/toy/%2e%2e/toy", "/docs"):
        assert http.get(path).status_code == 404
    for method, path, allow in (
        ("GET", INFER, "POST"),
        ("DELETE", "/v2", "GET, HEAD"),
        ("PUT", "/v2/health/live", "GET, HEAD"),
    ):
        response = http.request(method, path)
        assert (response.status_code, response.headers["allow"]) == (405, allow)


def test_health_needs_no_key_and_tells_nothing_else(server: Running) -> None:
    """Load balancers may ask; they learn one word."""
    import ssl

    with httpx.Client(base_url=server.url, verify=ssl.create_default_context(cafile=server.ca)) as stranger:
        assert stranger.get("/v2/health/live").json() == {"live": True}
        assert stranger.get("/v2/health/ready").json() == {"ready": True}
        assert stranger.head("/v2/health/live").status_code == 200


def test_answers_carry_security_headers_and_no_banner(http: httpx.Client) -> None:
    """Nothing names the software, and nothing may be cached or sniffed."""
    headers = http.post(INFER, json=row()).headers
    assert "server" not in headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"].startswith("max-age=")


FRAMES = {
    "split": {"dataframe_split": {"columns": ["job", "age", "income"], "data": [["nurse", 45, None]]}},
    "records": {"dataframe_records": [{"age": 45, "income": None, "job": "nurse"}]},
    "inputs": {"inputs": {"age": [45], "income": [None], "job": ["nurse"]}},
}


@pytest.mark.parametrize("form", FRAMES)
def test_mlflow_requests_are_scored(http: httpx.Client, form: str) -> None:
    """The three forms of /invocations give the same label and probabilities."""
    answer = http.post("/invocations", json=FRAMES[form]).json()
    assert answer["predictions"] == ["yes"]
    assert answer["classes"] == ["no", "yes"]
    assert answer["probabilities"][0][1] == pytest.approx(sigmoid(1), abs=1e-12)


BAD_FRAMES = [
    {},
    {**FRAMES["split"], **FRAMES["records"]},
    {"dataframe_split": {"columns": ["job", "age", "income"], "data": [["nurse", 45]]}},
    {"dataframe_split": {"columns": ["job", "job", "income"], "data": [["nurse", 45, 1]]}},
    {"dataframe_split": {"columns": ["job", "age", "income"], "data": []}},
    {"dataframe_records": []},
    {"dataframe_records": [{"age": 45, "income": 1, "job": "nurse"}, {"age": 45, "income": 1}]},
    {"dataframe_records": [{"age": True, "income": 1, "job": "nurse"}]},
    {"dataframe_records": [{"age": "45", "income": 1, "job": "nurse"}]},
    {"inputs": {"age": [45, 46], "income": [1], "job": ["nurse"]}},
    {"inputs": [[45, 1, "nurse"]]},
    {"inputs": "x"},
    {"inputs": {}},
]


@pytest.mark.parametrize("body", BAD_FRAMES)
def test_mlflow_requests_outside_the_schema_are_refused(http: httpx.Client, body: dict[str, object]) -> None:
    """They are held to the same rules."""
    response = http.post("/invocations", json=body)
    assert response.status_code == 400, response.text
