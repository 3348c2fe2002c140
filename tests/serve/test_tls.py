"""Certificates made here: good for this machine, by an authority whose key is gone."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from stockade.errors import ConfigError
from stockade.serve.tls import TlsError, TlsFiles, ensure_local, make_local, server_context


def test_the_certificate_is_good_for_this_machine_and_the_names_given(tmp_path: Path) -> None:
    """Subject names are localhost, both loopback addresses, and the names asked for."""
    files = make_local(tmp_path, ("models.example.org", "10.1.2.3"))
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", "models.example.org"}
    assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1", "10.1.2.3"}
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_authority_leaves_no_private_key(tmp_path: Path) -> None:
    """The one private key on disk is the server's, and every file is private."""
    make_local(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"ca.pem", "server.pem", "server.key"}
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        if b"PRIVATE KEY" in path.read_bytes():
            key = load_pem_private_key(path.read_bytes(), None)
            assert path.name == "server.key"
            assert key.public_key() != authority.public_key()  # type: ignore[union-attr]


def test_what_is_there_is_kept_while_it_is_good(tmp_path: Path) -> None:
    """A restart keeps the authority that clients trust; new names, an early end or damage make a new one."""
    first = (ensure_local(tmp_path).authority or tmp_path).read_bytes()
    assert (tmp_path / "ca.pem").read_bytes() == first
    ensure_local(tmp_path)
    assert (tmp_path / "ca.pem").read_bytes() == first
    ensure_local(tmp_path, ["models.example.org"])
    second = (tmp_path / "ca.pem").read_bytes()
    assert second != first
    make_local(tmp_path, days=3)
    third = (tmp_path / "ca.pem").read_bytes()
    ensure_local(tmp_path)
    assert (tmp_path / "ca.pem").read_bytes() != third
    (tmp_path / "server.key").write_bytes(b"x")
    ensure_local(tmp_path)
    server_context(TlsFiles(tmp_path / "server.pem", tmp_path / "server.key"))


@pytest.mark.parametrize("name", ["", "a b", "-" * 300, "x..y", "näme", "*.example.org", "a/b"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """Neither host name nor address: nothing is written."""
    with pytest.raises(ConfigError, match="neither a host name nor an address"):
        make_local(tmp_path, [name])
    assert list(tmp_path.iterdir()) == []


def test_own_files_are_used_and_bad_ones_refused(tmp_path: Path) -> None:
    """A certificate from elsewhere serves; a wrong, open, missing or non-PEM key does not."""
    authority = trustme.CA()
    own = authority.issue_cert("localhost")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    own.private_key_pem.write_to_path(str(key))
    certificate.write_bytes(b"".join(blob.bytes() for blob in own.cert_chain_pems))
    key.chmod(0o600)
    context = server_context(TlsFiles(certificate, key))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    key.chmod(0o640)
    with pytest.raises(TlsError, match="open to other users"):
        server_context(TlsFiles(certificate, key))
    authority.issue_cert("other").private_key_pem.write_to_path(str(key))
    key.chmod(0o600)
    with pytest.raises(TlsError, match="cannot be used together"):
        server_context(TlsFiles(certificate, key))
    key.write_bytes(b"")
    with pytest.raises(TlsError, match="cannot be used together"):
        server_context(TlsFiles(certificate, key))
    with pytest.raises(TlsError, match="cannot be read"):
        server_context(TlsFiles(certificate, tmp_path / "absent"))


def test_an_encrypted_key_is_refused_without_asking(tmp_path: Path) -> None:
    """Nothing is asked at the terminal."""
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    files = make_local(tmp_path)
    key = load_pem_private_key(files.key.read_bytes(), None)
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(TlsError, match="unencrypted PEM"):
        server_context(files)
