"""The client: rows in, labels out, and plain words when it fails."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from serve.toy_model import Running, running
from stockade.errors import ServiceError
from stockade.serve.client import AnswerError, Client, ServerUnreachableError
from stockade.serve.settings import Limits


def test_rows_come_back_as_labels_and_probabilities(server: Running) -> None:
    """Integers, fractions, text and None become what the server takes."""
    with Client(server.url, server.ca, server.key) as client:
        assert client.ready()
        answer = client.infer([{"age": 45, "income": None, "job": None}, {"age": 16.5, "income": 1e5, "job": "nurse"}])
        assert answer.classes == ("no", "yes")
        assert answer.labels == ("no", "yes")
        assert answer.probability("yes")[0] == 0.5
        assert (answer.model, answer.version) == ("toy", "3")
        with pytest.raises(ValueError, match="maybe"):
            answer.probability("maybe")


def test_a_refusal_is_told_with_its_status(server: Running) -> None:
    """The server's sentence and status reach the caller."""
    with Client(server.url, server.ca, server.key) as client:
        with pytest.raises(AnswerError, match="outside 16 to 120") as caught:
            client.infer([{"age": 7, "income": 1, "job": None}])
        assert caught.value.status == 400
        with pytest.raises(AnswerError, match="forbidden"):
            client.metrics()
    with Client(server.url, server.ca, server.metrics_key) as prometheus:
        assert prometheus.metrics().endswith("# EOF\n")


def test_a_wrong_key_or_authority_is_told(server: Running, tmp_path: Path) -> None:
    """A stranger is unauthorised; a server that the authority does not vouch for is not talked to."""
    from stockade.serve.tls import make_local

    with Client(server.url, server.ca, "stk_wrong") as client, pytest.raises(AnswerError, match="unauthorized"):
        client.metadata()
    other = make_local(tmp_path).authority
    with (
        Client(server.url, other, server.key) as client,
        pytest.raises(ServerUnreachableError, match="not trusted") as caught,
    ):
        client.metadata()
    assert "ca.pem" in caught.value.remedy
    with pytest.raises(ServiceError, match="cannot be read"):
        Client(server.url, tmp_path / "absent.pem", server.key)


def test_an_address_that_is_none_is_refused() -> None:
    """Keys are not sent in the clear, and only servers are talked to."""
    for url in ("localhost:8443", "ftp://localhost", "https://localhost/v2", "https://"):
        with pytest.raises(ServiceError, match="address of a server"):
            Client(url)
    with pytest.raises(ServiceError, match="unencrypted"):
        Client("http://example.org:80")


def test_nobody_there_is_told(server: Running) -> None:
    """A closed port, and a server that speaks another language."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}")
    assert not client.ready()
    with pytest.raises(ServerUnreachableError, match="cannot be reached"):
        client.metadata()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def babble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

        thread = threading.Thread(target=babble)
        thread.start()
        with (
            Client(f"http://127.0.0.1:{listener.getsockname()[1]}") as client,
            pytest.raises(ServerUnreachableError, match="not JSON"),
        ):
            client.metadata()
        thread.join()


def test_a_connection_closed_while_idle_is_opened_again(tmp_path: Path) -> None:
    """The server ends idle connections; the client does not notice."""
    import time

    with (
        running(tmp_path, limits=Limits(idle_seconds=0.2)) as server,
        Client(server.url, server.ca, server.key) as client,
    ):
        rows = [{"age": 45, "income": None, "job": None}]
        first = client.infer(rows)
        time.sleep(0.8)
        assert client.infer(rows) == first
