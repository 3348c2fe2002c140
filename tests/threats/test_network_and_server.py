"""The attacker on the network, the stolen key, and the attacker inside the serving process.

Each test is one attack against a real server over real TLS; the honest caller must get through beside it.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from serve.test_boot import ask, process
from serve.toy_model import Running, row, running
from stockade.serve import access
from stockade.serve.client import AnswerError, Client
from stockade.serve.journal import verify
from stockade.serve.settings import Limits

INFER = "/v2/models/toy/infer"
HONEST = [{"age": 45, "income": None, "job": None}]
QUICK = Limits(
    handshake_seconds=1.0, header_seconds=1.0, body_seconds=1.0, answer_seconds=2.0, idle_seconds=1.0,
    body_bytes=50_000, connections=400, address_connections=350, failures_per_minute=1, failure_burst=1e6,
)  # fmt: skip


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with short deadlines."""
    with running(tmp_path_factory.mktemp("quick"), limits=QUICK) as started:
        yield started


def is_honest_caller_served(server: Running) -> bool:
    with Client(server.url, server.ca, server.key) as client:
        return client.infer(HONEST).labels == ("no",)


@contextmanager
def raw(server: Running) -> Iterator[ssl.SSLSocket]:
    context = ssl.create_default_context(cafile=server.ca)
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        yield connection


def exchange(server: Running, data: bytes) -> bytes:
    """Send bytes, read to the end."""
    with raw(server) as connection:
        connection.sendall(data)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except (ConnectionError, ssl.SSLEOFError):
        pass
    return received


def send_for(connection: socket.socket, data: bytes, seconds: float) -> None:
    """Send again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection.sendall(data)


def refusals(server: Running, reason: str) -> int:
    """How often the server says that it refused for this reason."""
    with http(server, authorization=f"Bearer {server.metrics_key}") as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(
        int(line.split()[-1]) for line in lines if line.startswith(f'stockade_refusals_total{{reason="{reason}"')
    )


def http(server: Running, **headers: str | bytes) -> httpx.Client:
    context = ssl.create_default_context(cafile=server.ca)
    return httpx.Client(base_url=server.url, verify=context, headers=headers)


def head(server: Running, *lines: str, path: str = INFER, method: str = "POST") -> bytes:
    return "\r\n".join(
        [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {server.key}", *lines, "", ""]
    ).encode()


# Slowness


@pytest.mark.parametrize("stage", ["before the handshake", "after the handshake", "in the headers", "in the body"])
def test_300_connections_that_never_finish_are_ended_within_the_deadline(quick: Running, stage: str) -> None:
    """Slow loris: the honest caller is served meanwhile, and soon nothing of the attack is left."""
    context = ssl.create_default_context(cafile=quick.ca)
    sent = {
        "in the headers": b"POST /v2/models/toy/infer HTTP/1.1\r\nHost: x\r\nX-A: ",
        "in the body": head(quick, "Content-Length: 1000") + b'{"inputs": [',
    }.get(stage, b"")
    with ExitStack() as stack:
        attackers: list[socket.socket] = []
        started = time.monotonic()
        for _ in range(300):
            connection: socket.socket = stack.enter_context(
                socket.create_connection(("127.0.0.1", quick.port), timeout=8)
            )
            if stage != "before the handshake":
                connection = stack.enter_context(context.wrap_socket(connection, server_hostname="localhost"))
                if sent:
                    connection.sendall(sent)
            attackers.append(connection)
        if stage != "in the body":
            # Those in the body hold the key's whole share; another key is served, this one is told to wait.
            assert is_honest_caller_served(quick)
        answers = [read_all(connection) for connection in attackers]
        assert time.monotonic() - started < 8
    if stage == "in the headers":
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
    if stage == "in the body":
        assert {answer[9:12] for answer in answers} <= {b"408", b"429"}
    time.sleep(0.3)
    assert is_honest_caller_served(quick)
    with Client(quick.url, quick.ca, quick.metrics_key) as client:
        assert "\nstockade_connections 1\n" in client.metrics()


def test_a_body_in_drops_is_ended_by_the_clock_and_not_kept_alive_by_bytes(quick: Running) -> None:
    """A byte every tenth of a second does not extend the deadline."""
    started = time.monotonic()
    with raw(quick) as connection:
        connection.sendall(head(quick, "Content-Length: 1000"))
        try:
            for _ in range(100):
                connection.sendall(b" ")
                time.sleep(0.1)
        except OSError:
            pass
    assert time.monotonic() - started < 5


def test_a_reader_that_does_not_read_is_cut_off(quick: Running) -> None:
    """Answers that are asked for ahead and never read do not pile up."""
    with raw(quick) as connection:
        connection.settimeout(6)
        request = head(quick, path="/v2/models/toy", method="GET")
        started = time.monotonic()
        try:
            while time.monotonic() - started < 6:
                connection.sendall(request * 200)
        except OSError:
            pass
        assert time.monotonic() - started < 6
    assert is_honest_caller_served(quick)


def test_more_connections_than_the_limit_are_closed_at_once(tmp_path: Path) -> None:
    """Neither one address nor all together take every descriptor; room comes back."""
    with running(tmp_path, limits=Limits(connections=20, address_connections=10, handshake_seconds=1)) as server:
        with ExitStack() as stack:
            many = [
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=0.4))
                for _ in range(30)
            ]
            time.sleep(0.2)
            refused = sum(_is_closed(connection) for connection in many)
            assert refused == 20
        time.sleep(0.3)
        assert is_honest_caller_served(server)


def _is_closed(connection: socket.socket) -> bool:
    connection.settimeout(0.01)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


# Size


def test_a_body_too_large_is_refused_by_its_declaration_and_by_its_bytes(quick: Running) -> None:
    """413 before a byte is read when declared, and as soon as the limit is passed when streamed."""
    declared = exchange(quick, head(quick, "Content-Length: 100000000"))
    assert declared.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in declared
    with raw(quick) as connection:
        connection.sendall(head(quick, "Transfer-Encoding: chunked"))
        chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
        started = time.monotonic()
        with pytest.raises(OSError):
            send_for(connection, chunk, 5)
        assert time.monotonic() - started < 4
    with http(quick, authorization=f"Bearer {quick.key}") as client:
        streamed = client.post(INFER, content=iter([b" " * 30_000] * 2))
        assert streamed.status_code == 413


def test_headers_too_large_are_refused_whole_or_in_parts(quick: Running) -> None:
    """A giant header, many headers, a giant path and an endless header that never ends are 431."""
    attacks = [
        head(quick, "X-A: " + "a" * 20_000),
        head(quick, *[f"X-{number}: a" for number in range(100)]),
        head(quick, path="/" + "a" * 20_000, method="GET"),
        b"GET / HTTP/1.1\r\nX-A: " + b"a" * 20_000,
        b"GET / HTTP/1.1\r\n" + b"X-A: a\r\n" * 4_000,
        head(quick, path="/v2/health/live", method="GET") + b"GET / HTTP/1.1\r\nX-A: " + b"a" * 300_000,
    ]
    for attack in attacks:
        answer = exchange(quick, attack)
        assert b"HTTP/1.1 431 " in answer or answer == b"", answer[:200]
    assert exchange(quick, attacks[0]).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("path", ["/v2/health/live", INFER])
@pytest.mark.parametrize("part", [b"0\r\n" + b"X-A: %b\r\n" % (b"a" * 900), b"0\r\nX-A: ", b"1;"])
def test_what_stands_beside_a_chunked_body_is_bounded(quick: Running, path: str, part: bytes) -> None:
    """Endless fields after the body, or endless chunk extensions, end the connection before they fill the memory."""
    fields = b"X-A: %b\r\n" % (b"a" * 900) if part.endswith(b"\n") else b"a" * 900
    before = refusals(quick, "trailers")
    with raw(quick) as connection:
        connection.sendall(head(quick, "Transfer-Encoding: chunked", path=path) + part)
        with pytest.raises(OSError):
            send_for(connection, fields * 20, 5)
    assert refusals(quick, "trailers") == before + 1
    assert is_honest_caller_served(quick)


def test_fields_after_the_body_are_no_headers(quick: Running) -> None:
    """A credential or a length sent as a trailer counts for nothing: a proxy in front never looked at it."""
    start = b"GET /v2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n"
    answer = exchange(quick, start + f"Authorization: Bearer {quick.key}\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 429 ")), answer[:200]


def test_requests_sent_ahead_are_bounded_and_answered_in_order(quick: Running) -> None:
    """A few are answered one by one; thousands end the connection."""
    one = head(quick, path="/v2/health/live", method="GET")
    last = head(quick, "Connection: close", path="/v2/health/ready", method="GET")
    answer = exchange(quick, one * 5 + last)
    assert answer.count(b"HTTP/1.1 200 ") == 6
    assert answer.endswith(b'{"ready":true}')
    assert exchange(quick, one * 2_000).count(b"HTTP/1.1 200 ") < 100


# Two readings


SMUGGLED = {
    "both lengths": ["Content-Length: 5", "Transfer-Encoding: chunked"],
    "two lengths": ["Content-Length: 5", "Content-Length: 50"],
    "one length twice": ["Content-Length: 5", "Content-Length: 5"],
    "a length that is none": ["Content-Length: +5"],
    "a hexadecimal length": ["Content-Length: 0x5"],
    "an endless length": ["Content-Length: 99999999999999999999999"],
    "a length of more digits than Python reads": ["Content-Length: " + "0" * 5_000 + "5"],
    "a coding before chunked": ["Transfer-Encoding: gzip, chunked"],
    "an unknown coding": ["Transfer-Encoding: xchunked"],
    "two codings": ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
    "a space before the colon": ["Content-Length : 5"],
    "a folded header": ["X-A: a", " b", "Content-Length: 5"],
    "two hosts": ["Host: other", "Content-Length: 5"],
    "two credentials": ["Authorization: Bearer x", "Content-Length: 5"],
    "an upgrade": ["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 5"],
    "a null in a header": ["X-A: a\0b", "Content-Length: 5"],
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_request_that_two_readers_could_split_differently_is_refused(quick: Running, name: str) -> None:
    """Request smuggling: 400 and the connection ends, so nothing behind it is taken for a request."""
    hidden = head(quick, path="/v2", method="GET")
    answer = exchange(quick, head(quick, *SMUGGLED[name]) + b"0\r\n\r\n" + hidden)
    assert answer.startswith(b"HTTP/1.1 400 "), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"models" not in answer


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01", b"hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /\r\n\r\n", b"\0" * 100, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
     b"CONNECT example.org:80 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"G\xffT / HTTP/1.1\r\nHost: x\r\n\r\n"],
)  # fmt: skip
def test_bytes_that_are_no_http_are_refused(quick: Running, data: bytes) -> None:
    """400 in JSON, the connection ends, no trace of the software."""
    answer = exchange(quick, data)
    assert b"Traceback" not in answer
    assert b"uvicorn" not in answer.lower()
    assert answer[:13] in {b"HTTP/1.1 400 ", b"HTTP/1.1 408 "}, answer


def test_plain_http_and_old_tls_are_refused(quick: Running) -> None:
    """Neither clear text nor TLS 1.1 gets an answer."""
    with socket.create_connection(("127.0.0.1", quick.port), timeout=5) as plain:
        plain.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP" not in read_all(plain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(quick.ca)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", quick.port), timeout=5) as plain,
        pytest.raises((ssl.SSLError, OSError)),
    ):
        context.wrap_socket(plain, server_hostname="localhost")
    weak = ssl.create_default_context(cafile=quick.ca)
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("AES128-SHA256:AES256-SHA:ECDHE-ECDSA-AES128-SHA@SECLEVEL=0")
    with (
        socket.create_connection(("127.0.0.1", quick.port), timeout=5) as plain,
        pytest.raises((ssl.SSLError, OSError)),
    ):
        weak.wrap_socket(plain, server_hostname="localhost")


# Strangers and stolen keys


def test_a_stranger_learns_nothing_not_even_which_paths_exist(quick: Running) -> None:
    """Every path but health answers 401 with the same bytes, whatever the method, body or credential."""
    answers = set()
    for credential in (
        None,
        "",
        "Bearer",
        "Bearer x",
        "Basic YTpi",
        f"Bearer {quick.key}x",
        f"Token {quick.key}",
        b"Bearer \xff",
    ):
        with http(quick, **({} if credential is None else {"authorization": credential})) as client:
            for method, path in (
                ("GET", "/v2"),
                ("GET", "/nothing"),
                ("POST", INFER),
                ("POST", "/v2/models/other/infer"),
                ("GET", "/metrics"),
                ("DELETE", "/"),
            ):
                response = client.request(method, path, content=b"not json" if method == "POST" else None)
                answers.add((response.status_code, response.content))
                assert response.headers["www-authenticate"] == "Bearer"
    assert answers == {(401, b'{"error":"unauthorized"}')}


def test_a_stranger_is_refused_before_the_body_is_sent(quick: Running) -> None:
    """The answer is there while the declared body is not: nothing of it was waited for."""
    with raw(quick) as connection:
        connection.sendall(
            b"POST /v2/models/toy/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 40000000\r\nExpect: 100-continue\r\n\r\n"
        )
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"100 Continue" not in answer


def test_an_expecting_caller_is_told_to_go_on_only_once_known(quick: Running) -> None:
    """100-continue follows authentication."""
    body = json.dumps(row()).encode()
    with raw(quick) as connection:
        connection.sendall(head(quick, f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close"))
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


def test_guessing_keys_is_slowed_and_does_not_lock_out_the_owner(tmp_path: Path) -> None:
    """After some failures an address gets 429 with Retry-After; the right key from there still works."""
    with running(tmp_path, limits=Limits(failure_burst=5, failures_per_minute=6)) as server:
        with http(server, authorization="Bearer wrong") as client:
            statuses = [client.get("/v2").status_code for _ in range(12)]
            last = client.get("/v2")
        assert statuses == [401] * 5 + [429] * 7
        assert 1 <= int(last.headers["retry-after"]) <= 10
        assert is_honest_caller_served(server)
        folder = server.folder
    logged = "".join(path.read_text() for path in (folder / "outbox").iterdir())
    assert logged.count('"status":401') == 5
    assert '"status":429' not in logged


def test_a_key_opens_only_what_its_roles_grant(quick: Running) -> None:
    """The metrics key cannot infer, the inference key cannot read metrics."""
    with http(quick, authorization=f"Bearer {quick.metrics_key}") as client:
        assert client.get("/metrics").status_code == 200
        assert client.post(INFER, json=row()).status_code == 403
        assert client.get("/v2/models/toy").status_code == 403
    with http(quick, authorization=f"Bearer {quick.key}") as client:
        assert client.get("/metrics").status_code == 403


def test_a_stolen_key_is_bounded_by_rows_and_ends_with_its_revocation(tmp_path: Path) -> None:
    """Extraction in large batches runs into the rate as fast as in single rows; other keys are not held up."""
    with running(tmp_path, limits=Limits(key_rows_per_second=1, key_burst=500, rows=400)) as server:
        other = access.issue(tmp_path / "keys.json", "bob")
        time.sleep(1.5)
        with Client(server.url, server.ca, server.key) as thief:
            thief.metadata()
            thief.infer(HONEST * 400)
            thief.infer(HONEST * 400)
            with pytest.raises(AnswerError, match="too many requests") as caught:
                thief.infer(HONEST)
            assert caught.value.status == 429
            assert caught.value.retry_after is not None
            assert caught.value.retry_after > 100
            with Client(server.url, server.ca, other) as client:
                assert client.infer(HONEST).labels == ("no",)
            access.revoke(tmp_path / "keys.json", "alice")
            time.sleep(1.5)
            with pytest.raises(AnswerError, match="unauthorized"):
                thief.infer(HONEST)


def test_one_key_cannot_take_all_places(tmp_path: Path) -> None:
    """Half-sent bodies of one key fill its share; another key is served at once."""
    with running(tmp_path, limits=Limits(key_concurrency=5, body_seconds=5)) as server, ExitStack() as stack:
        other = access.issue(tmp_path / "keys.json", "bob")
        time.sleep(1.5)
        for _ in range(5):
            stack.enter_context(raw(server)).sendall(head(server, "Content-Length: 1000"))
        time.sleep(0.3)
        with http(server, authorization=f"Bearer {server.key}") as client:
            assert client.post(INFER, json=row()).status_code == 429
        with http(server, authorization=f"Bearer {other}") as client:
            assert client.post(INFER, json=row()).status_code == 200


def test_overload_is_shed_and_not_queued(tmp_path: Path) -> None:
    """When all places are taken, the next is told 503 with Retry-After at once; health still answers."""
    with running(tmp_path, limits=Limits(concurrency=5, body_seconds=5)) as server, ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(raw(server)).sendall(head(server, "Content-Length: 1000"))
        time.sleep(0.3)
        with http(server, authorization=f"Bearer {server.key}") as client:
            started = time.monotonic()
            response = client.post(INFER, json=row())
            assert (response.status_code, response.headers["retry-after"]) == (503, "1")
            assert time.monotonic() - started < 1
            assert client.get("/v2/health/live").status_code == 200


# Bodies


def test_compressed_and_other_types_are_refused(quick: Running) -> None:
    """No decompression bombs, no forms."""
    with http(quick, authorization=f"Bearer {quick.key}") as client:
        for headers in (
            {"content-encoding": "gzip"},
            {"content-type": "text/csv"},
            {"content-type": "application/x-www-form-urlencoded"},
        ):
            assert client.post(INFER, content=b"x", headers=headers).status_code == 415
        binary = {"inference-header-content-length": "10"}
        assert client.post(INFER, content=b"x", headers=binary).status_code == 400
    assert exchange(quick, head(quick, "Connection: close")).startswith(b"HTTP/1.1 411 ")


def test_an_unexpected_error_shows_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect in the server is a bare 500 to the caller and a place in the log, and the server goes on."""
    from stockade.serve import openinference

    with running(tmp_path) as server:
        real = openinference.write_answer

        def broken(*arguments: object) -> bytes:
            raise KeyError("a value of the caller: 47")

        monkeypatch.setattr(openinference, "write_answer", broken)
        with http(server, authorization=f"Bearer {server.key}") as client:
            response = client.post(INFER, json=row())
            assert (response.status_code, response.json()) == (500, {"error": "internal error"})
            monkeypatch.setattr(openinference, "write_answer", real)
            assert client.post(INFER, json=row()).status_code == 200
    logged = (tmp_path / "outbox" / "requests-00000001.jsonl").read_text()
    assert "internal:KeyError@test_network_and_server.py" in logged
    assert "a value of the caller" not in logged


def test_the_log_holds_no_secret_and_no_value(tmp_path: Path) -> None:
    """Neither keys nor feature values nor paths a caller made up are in it, and its chain holds."""
    with running(tmp_path) as server:
        with http(server, authorization=f"Bearer {server.key}") as client:
            client.post(INFER, json={**row(income=31337.25), "id": "caller-words"})
            client.post(INFER, json=row(age=999))
            client.get("/v2/secret-path?token=hunter2")
        with http(server, authorization="Bearer stk_guess") as client:
            client.get("/v2")
        key = server.key
    logged = (tmp_path / "outbox" / "requests-00000001.jsonl").read_text()
    for secret in (
        key,
        key[4:],
        access.digest_of(key.encode()),
        "stk_guess",
        "31337",
        "999",
        "nurse",
        "hunter2",
        "secret-path",
        "caller-words",
    ):
        assert secret not in logged
    entries = [json.loads(line) for line in logged.splitlines()]
    assert [entry["status"] for entry in entries[1:]] == [200, 400, 404, 401]
    assert [entry["reason"] for entry in entries[1:]] == ["", "range", "path", "credential"]
    assert entries[1]["caller"] == "alice"
    assert verify(tmp_path / "outbox").entries == 5


def test_a_log_that_cannot_be_written_stops_the_service_and_not_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a log no request is served: 503 and not ready, until there is room again."""
    import errno
    import os

    with running(tmp_path) as server, http(server, authorization=f"Bearer {server.key}") as client:
        real = os.write

        def full(descriptor: int, data: bytes) -> int:
            if b'"event"' in bytes(data[:200]):
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(descriptor, data)

        monkeypatch.setattr(os, "write", full)
        client.post(INFER, json=row())
        time.sleep(0.5)
        assert client.post(INFER, json=row()).status_code == 503
        assert client.get("/v2/health/ready").status_code == 503
        assert client.get("/v2/health/live").status_code == 200
        monkeypatch.setattr(os, "write", real)
        time.sleep(0.5)
        assert client.post(INFER, json=row()).status_code == 200
    assert verify(tmp_path / "outbox").entries == 3


# Inside the serving process


@pytest.mark.skipif(
    not Path("/sys/kernel/security/landlock").exists() and not Path("/proc/sys/kernel/seccomp").exists(),
    reason="no sandbox here",
)
def test_an_intruder_in_the_serving_process_reaches_nothing(tmp_path: Path) -> None:
    """No connection out, no files but its own, no processes; it serves on."""
    secret = tmp_path / "secret.key"
    secret.write_bytes(b"signing key")
    with socket.create_server(("127.0.0.1", 0)) as outside:
        port = str(outside.getsockname()[1])
        with process(tmp_path, port, str(secret)) as server:
            if server.level != "sandbox":
                pytest.skip(f"this machine confines to level {server.level!r} only")
            for attempt in (
                "connect",
                "udp",
                "read",
                "write",
                "write_keys",
                "passwd",
                "tls_key",
                "execute",
                "fork",
                "ptrace",
            ):
                assert ask(server, attempt) == "nothing", attempt
            with Client(server.url, server.ca, server.key) as client:
                assert client.infer(HONEST).labels == ("no",)
    assert secret.read_bytes() == b"signing key"


def test_a_demanded_confinement_that_is_not_reached_is_a_refusal(tmp_path: Path) -> None:
    """A server told to be confined better than it can be does not start."""
    with pytest.raises(AssertionError, match="is demanded"), process(tmp_path, demand="strict"):
        pytest.fail("it started")
