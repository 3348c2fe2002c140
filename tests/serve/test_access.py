"""Keys: shown once, kept as hashes, good for a time and for some roles."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from stockade.serve import access
from stockade.serve.access import AccessError, KeyAuthenticator, Role


def test_a_key_is_shown_once_and_stored_as_a_hash(tmp_path: Path) -> None:
    """256 random bits go to the caller; the file, mode 0600, holds SHA-256, name, roles and times."""
    path = tmp_path / "keys" / "keys.json"
    text = access.issue(path, "alice", secret_file=tmp_path / "alice.key")
    assert text.startswith("stk_")
    assert len(text) == 4 + 43
    assert (tmp_path / "alice.key").read_text() == text + "\n"
    for file in (path, tmp_path / "alice.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    stored = path.read_text()
    assert text not in stored
    assert text[4:] not in stored
    (record,) = json.loads(stored)["keys"]
    assert record["sha256"] == access.digest_of(text.encode())
    assert record["roles"] == ["infer", "metadata"]
    assert access.issue(path, "bob") != text


def test_a_key_identifies_its_caller_until_it_ends(tmp_path: Path) -> None:
    """Only the very key counts, and only until its expiry."""
    path = tmp_path / "keys.json"
    alice = access.issue(path, "alice", days=1)
    access.issue(path, "bob", (Role.METRICS,), days=None)
    now = [0.0]
    known = KeyAuthenticator(path, clock=lambda: now[0])
    caller = known.identify(alice.encode())
    assert caller is not None
    assert (caller.name, caller.roles) == ("alice", {Role.INFER, Role.METADATA})
    for wrong in (b"", alice[:-1].encode(), alice.encode() + b"\n", alice.upper().encode(), b"\xff", b"stk_"):
        assert known.identify(wrong) is None
    now[0] = access.load(path)[0].ends
    assert known.identify(alice.encode()) is None


def test_revocation_and_new_keys_are_taken_in(tmp_path: Path) -> None:
    """A refresh follows the file."""
    path = tmp_path / "keys.json"
    alice = access.issue(path, "alice")
    known = KeyAuthenticator(path)
    bob = access.issue(path, "bob")
    access.revoke(path, "alice")
    assert known.refresh()
    assert known.identify(alice.encode()) is None
    assert known.identify(bob.encode()) is not None


@pytest.mark.parametrize("damage", ["remove", "garble", "open", "empty"])
def test_nobody_is_known_while_the_file_cannot_be_trusted(tmp_path: Path, damage: str) -> None:
    """A broken or writable file closes the door until it is mended, rather than keep revoked keys."""
    path = tmp_path / "keys.json"
    alice = access.issue(path, "alice")
    good = path.read_bytes()
    known = KeyAuthenticator(path)
    if damage == "remove":
        path.unlink()
    elif damage == "open":
        path.chmod(0o666)
    else:
        path.write_bytes(b"{}" if damage == "garble" else b"")
    assert not known.refresh()
    assert not known.refresh()
    assert known.identify(alice.encode()) is None
    assert isinstance(known.fault, AccessError)
    path.unlink(missing_ok=True)
    path.write_bytes(good)
    path.chmod(0o600)
    assert known.refresh()
    assert known.identify(alice.encode()) is not None


def test_an_authenticator_of_ones_own_is_asked_and_its_defects_contained(tmp_path: Path) -> None:
    """Another `Authenticator` decides; when its refresh fails, the service refuses and the server lives."""
    import time

    from serve.toy_model import open_toy, serve_in_thread

    class Fickle:
        broken = False

        def identify(self, credential: bytes) -> access.Caller | None:
            return access.Caller("carol", frozenset(Role)) if credential == b"token" else None

        def refresh(self) -> bool:
            if self.broken:
                raise RuntimeError("the directory is gone")
            return True

    fickle = Fickle()
    with serve_in_thread(open_toy(tmp_path, authenticator=fickle)) as url:
        from stockade.serve.client import AnswerError, Client

        with Client(url, tmp_path / "tls" / "ca.pem", "token") as client:
            assert client.metadata()["name"] == "toy"
            fickle.broken = True
            time.sleep(1.3)
            with pytest.raises(AnswerError, match="unavailable"):
                client.infer([{"age": 45, "income": None, "job": None}])
            fickle.broken = False
            time.sleep(1.3)
            assert client.infer([{"age": 45, "income": None, "job": None}]).labels == ("no",)


def test_names_are_unique_and_plain(tmp_path: Path) -> None:
    """A second key of one name, a strange name and revoking a stranger are refused."""
    path = tmp_path / "keys.json"
    access.issue(path, "alice")
    before = path.read_bytes()
    for name in ("alice", "", "a b", "../x", "x" * 80, "naïve"):
        with pytest.raises(AccessError):
            access.issue(path, name)
    with pytest.raises(AccessError, match="no key named"):
        access.revoke(path, "bob")
    assert path.read_bytes() == before


RECORD = {"name": "a", "sha256": "0" * 64, "roles": ["infer"], "created": "2026-01-01T00:00:00+00:00", "expires": None}
BAD_FILES = {
    "an unknown role": [{**RECORD, "roles": ["root"]}],
    "a short hash": [{**RECORD, "sha256": "0" * 63}],
    "a time without zone": [{**RECORD, "expires": "2026-01-01T00:00:00"}],
    "no time": [{**RECORD, "expires": "soon"}],
    "an unknown field": [{**RECORD, "admin": True}],
    "a missing field": [{key: value for key, value in RECORD.items() if key != "roles"}],
    "a name twice": [RECORD, {**RECORD, "sha256": "1" * 64}],
    "a hash twice": [RECORD, {**RECORD, "name": "b"}],
    "no list": "x",
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_malformed_file_is_refused_whole(tmp_path: Path, name: str) -> None:
    """One bad record, and no key of the file counts."""
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"version": 1, "keys": BAD_FILES[name]}))
    path.chmod(0o600)
    with pytest.raises(AccessError):
        access.load(path)


def test_other_versions_and_repeated_fields_are_refused(tmp_path: Path) -> None:
    """A file of a later version, or one that says a thing twice, is not guessed at."""
    path = tmp_path / "keys.json"
    for text in ('{"version": 2, "keys": []}', '{"version": 1, "keys": [], "keys": []}'):
        path.write_text(text)
        path.chmod(0o600)
        with pytest.raises(AccessError):
            access.load(path)
