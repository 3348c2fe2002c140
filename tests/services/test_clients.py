"""Other people's clients against `stockade serve`: they are understood, or told clearly why not."""

from __future__ import annotations

import copy
import json
import shutil
import ssl
import subprocess
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.conftest import SECONDS, Served, row

pytestmark = [pytest.mark.services, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

INFER = "/v2/models/people/infer"


@pytest.fixture
def triton(served: Served) -> Any:
    """NVIDIA's client of the protocol."""
    from gevent import ssl as gevent_ssl
    from tritonclient import http

    client = http.InferenceServerClient(
        served.url.removeprefix("https://"),
        ssl=True,
        ssl_options={"ca_certs": str(served.ca)},
        ssl_context_factory=gevent_ssl.create_default_context,
        connection_timeout=SECONDS,
        network_timeout=SECONDS,
    )
    yield client
    client.close()


@pytest.fixture(scope="module")
def web(served: Served) -> Any:
    """A known caller with a kept connection."""
    context = ssl.create_default_context(cafile=served.ca)
    with httpx.Client(base_url=served.url, verify=context, headers=served.headers) as client:
        yield client


def tensors(*, binary: bool) -> list[Any]:
    from tritonclient import http

    made = []
    for tensor in row():
        given_to = http.InferInput(tensor["name"], [2, 1], tensor["datatype"])
        kinds = {"FP64": np.float64, "INT64": np.int64, "BYTES": np.object_}
        values = np.array(tensor["data"], dtype=kinds[tensor["datatype"]]).reshape(2, 1)
        made.append(given_to.set_data_from_numpy(values, binary_data=binary))
    return made


def test_triton_client_finds_its_way(served: Served, triton: Any) -> None:
    """Health, metadata and readiness of server and model are what the client's own checks expect."""
    assert triton.is_server_live(headers=served.headers)
    assert triton.is_server_ready(headers=served.headers)
    assert triton.is_model_ready("people", "1", headers=served.headers)
    assert not triton.is_model_ready("others", headers=served.headers)
    assert triton.get_server_metadata(headers=served.headers)["name"] == "stockade"
    assert triton.get_model_metadata("people", headers=served.headers)["versions"] == ["1"]


def test_triton_client_infers_in_json(served: Served, triton: Any) -> None:
    """Arrays go in and come out by the client's own conversions, also by output name, version and request id."""
    from tritonclient import http

    answer = triton.infer("people", tensors(binary=False), headers=served.headers)
    assert answer.as_numpy("probabilities").shape == (2, 2)
    assert answer.as_numpy("label").tolist() == ["1", "0"]
    wanted = [http.InferRequestedOutput("label", binary_data=False)]
    answer = triton.infer(
        "people", tensors(binary=False), "1", outputs=wanted, request_id="mine", headers=served.headers
    )
    assert answer.get_response()["id"] == "mine"
    assert [item["name"] for item in answer.get_response()["outputs"]] == ["label"]


def test_triton_clients_binary_default_is_refused_clearly(served: Served, triton: Any) -> None:
    """The binary extension is not offered; the refusal says what to change."""
    from tritonclient.utils import InferenceServerException

    with pytest.raises(InferenceServerException, match="binary_data=False") as told:
        triton.infer("people", tensors(binary=True), headers=served.headers)
    assert told.value.status() == "400"


@pytest.mark.parametrize(
    "ask",
    [
        lambda client, headers: client.get_model_config("people", headers=headers),
        lambda client, headers: client.get_inference_statistics("people", headers=headers),
        lambda client, headers: client.get_model_repository_index(headers=headers),
        lambda client, headers: client.load_model("people", headers=headers),
        lambda client, headers: client.get_system_shared_memory_status(headers=headers),
    ],
    ids=["config", "statistics", "repository", "load", "shared memory"],
)
def test_triton_clients_extensions_are_not_found(served: Served, triton: Any, ask: Any) -> None:
    """None of NVIDIA's extensions is pretended."""
    from tritonclient.utils import InferenceServerException

    with pytest.raises(InferenceServerException) as told:
        ask(triton, served.headers)
    assert told.value.status() == "404"


def test_triton_client_without_a_key_is_told_so(triton: Any) -> None:
    """An unknown caller's client raises its own error, with 401."""
    from tritonclient.utils import InferenceServerException

    with pytest.raises(InferenceServerException, match="unauthorized"):
        triton.get_server_metadata()


def test_metadata_has_the_fields_of_the_protocol(web: httpx.Client) -> None:
    """Field names, types and shapes are those of the Open Inference Protocol's REST specification."""
    server = web.get("/v2").json()
    assert {"name", "version", "extensions"} <= server.keys()
    model = web.get("/v2/models/people").json()
    assert set(model) - {"parameters"} == {"name", "versions", "platform", "inputs", "outputs"}
    assert model["platform"] == "onnxruntime_onnx"
    for tensor in model["inputs"] + model["outputs"]:
        assert set(tensor) == {"name", "datatype", "shape"}
        assert tensor["datatype"] in {"BOOL", "UINT8", "INT64", "FP32", "FP64", "BYTES"}
        assert tensor["shape"][0] == -1
    assert web.get("/v2/health/live").json() == {"live": True}
    assert web.get("/v2/health/ready").json() == {"ready": True}
    assert web.get("/v2/models/people/versions/1/ready").json() == {"name": "people", "ready": True}


def test_answers_have_the_shape_that_metadata_promises(web: httpx.Client) -> None:
    """Each output of an answer is described by the metadata and as long as its shape says."""
    described = {item["name"]: item for item in web.get("/v2/models/people").json()["outputs"]}
    answer = web.post(INFER, json={"inputs": row(), "id": "7"}).json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("people", "1", "7")
    for tensor in answer["outputs"]:
        promised = described[tensor["name"]]
        assert tensor["datatype"] == promised["datatype"]
        assert tensor["shape"] == [2, *promised["shape"][1:]]
        assert len(tensor["data"]) == np.prod(tensor["shape"])


def test_httpx_and_requests_keep_one_connection(served: Served, web: httpx.Client) -> None:
    """Twenty requests each, in lengths and in chunks, over a kept connection."""
    import requests

    body = json.dumps({"inputs": row()})
    for _ in range(20):
        assert web.post(INFER, content=body).status_code == 200
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(served.ca)
        session.headers.update(served.headers)
        for number in range(20):
            data = iter([body.encode()]) if number % 2 else body
            answer = session.post(served.url + INFER, data=data, timeout=SECONDS)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/json"


def test_pandas_frames_as_mlflow_clients_write_them(web: httpx.Client) -> None:
    """`dataframe_split` with an index, and `dataframe_records`, give the same predictions as the V2 protocol."""
    names = [tensor["name"] for tensor in row()]
    rows = [list(values) for values in zip(*(tensor["data"] for tensor in row()), strict=True)]
    split = {"dataframe_split": {"columns": names, "index": [0, 1], "data": rows}}
    records = {"dataframe_records": [dict(zip(names, values, strict=True)) for values in rows]}
    for body in (split, records):
        assert web.post("/invocations", json=body).json()["predictions"] == ["1", "0"]


def test_metrics_are_read_by_prometheus_own_parser(web: httpx.Client) -> None:
    """The strict OpenMetrics parser accepts the text, and finds what was counted."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    web.post(INFER, json={"inputs": row()})
    answer = web.get("/metrics")
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["stockade_infer_seconds"].type == "histogram"
    assert families["stockade_infer_seconds"].unit == "seconds"
    counted = {tuple(sorted(item.labels.items())): item.value for item in families["stockade_requests"].samples}
    assert counted[("route", "infer"), ("status", "200")] >= 1


def _run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, **options)


@pytest.mark.parametrize(
    "extra",
    [[], ["--http1.0"], ["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked"], ["--tlsv1.3"]],
    ids=["plain", "HTTP/1.0", "100-continue", "chunked", "TLS 1.3"],
)
def test_curl_is_answered(served: Served, extra: list[str]) -> None:
    """The certificate is verified by curl, which gets its labels in each way of sending."""
    sent = ["--data-binary", json.dumps({"inputs": row()}), "-H", "Content-Type: application/json"]
    known = ["--cacert", str(served.ca), "-H", f"Authorization: Bearer {served.key}"]
    found = _run("curl", "-sS", "--fail", *known, *extra, *sent, served.url + INFER)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["outputs"][1]["data"] == ["1", "0"]


def test_curl_refuses_a_server_it_cannot_verify(served: Served) -> None:
    """Without the local authority the certificate is worth nothing."""
    assert _run("curl", "-sS", served.url + "/v2/health/live").returncode == 60


def test_openssl_verifies_the_chain(served: Served) -> None:
    """OpenSSL's own client accepts chain and name, and offers nothing below TLS 1.2."""
    where = ["-connect", f"127.0.0.1:{served.port}", "-servername", "localhost", "-CAfile", str(served.ca)]
    strict = ["-verify_return_error", "-verify_hostname", "localhost", "-brief"]
    found = _run("openssl", "s_client", *where, *strict, stdin=subprocess.DEVNULL)
    assert "Verification: OK" in found.stdout + found.stderr
    old = _run("openssl", "s_client", *where, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", stdin=subprocess.DEVNULL)
    assert "Cipher is (NONE)" in old.stdout + old.stderr or old.returncode != 0


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PLACES: list[list[str | int]] = [
    ["inputs"], ["inputs", 0], ["inputs", 0, "name"], ["inputs", 1, "shape"], ["inputs", 1, "shape", 0],
    ["inputs", 0, "datatype"], ["inputs", 0, "data"], ["inputs", 1, "data", 0], ["inputs", 2, "data", 1],
    ["inputs", 2, "parameters"], ["outputs"], ["parameters"], ["id"], ["more"],
]  # fmt: skip


def _changed(place: list[str | int], value: object) -> object:
    body: Any = {"inputs": copy.deepcopy(row())}
    inside = body
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value
    return body


hostile = st.one_of(
    st.binary(max_size=200),
    values.map(lambda value: json.dumps(value).encode()),
    st.builds(_changed, st.sampled_from(PLACES), values).map(lambda value: json.dumps(value).encode()),
    st.integers(1, 3_000).map(lambda depth: b"[" * depth),
    st.integers(1, 3_000).map(lambda depth: b'{"inputs":' * depth),
    st.integers(300, 5_000).map(lambda digits: json.dumps({"inputs": row()}).replace("47.0", "9" * digits).encode()),
)


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=hostile, path=st.sampled_from([INFER, "/invocations"]))
def test_no_body_breaks_the_server(served: Served, web: httpx.Client, body: bytes, path: str) -> None:
    """Whatever JSON or bytes arrive, the answer is a result or an error in JSON, never 500, in bounded memory."""
    answer = web.post(path, content=body)
    assert answer.status_code in {200, 400, 413}, (answer.status_code, answer.text)
    if answer.status_code != 200:
        assert list(answer.json()) == ["error"]
        assert len(answer.text) < 500
        assert "Traceback" not in answer.text
    assert served.resident() < 400
