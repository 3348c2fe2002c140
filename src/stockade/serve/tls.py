"""TLS material: a certificate for this machine from an authority that exists for a moment, and the server's context.

The authority's private key signs one certificate and is forgotten; it is never written. Whoever takes the server's
files can therefore impersonate this server, and cannot make a certificate for anything else that its clients trust.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stockade.errors import ConfigError, ServiceError

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
"""Names that every certificate made here is good for."""

_DAYS = 90
_RENEW_BEFORE = dt.timedelta(days=7)
_SKEW = dt.timedelta(minutes=5)
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption only; TLS 1.3 has nothing else."""


class TlsError(ServiceError):
    """The certificate or key of the server cannot be used.

    Stockade makes both when none are configured. Own files must be PEM: the certificate with its intermediates, and
    its unencrypted private key, readable by the server's user alone.
    """

    code = "V110"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificate chain and its private key are, both PEM; and the authority for clients, if made here."""

    certificate: Path
    key: Path
    authority: Path | None = None


def ensure_local(folder: Path, names: Sequence[str] = ()) -> TlsFiles:
    """Use what `make_local` made in the folder before if it lasts another week and is good for the names, or make anew.

    Raises:
        ConfigError: a name is neither a host name nor an address.
        ServiceError: the folder cannot be written.
    """
    files = TlsFiles(folder / "server.pem", folder / "server.key", folder / "ca.pem")
    wanted = {_subject(name) for name in (*LOCAL_NAMES, *names)}
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        subjects = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        lasts = certificate.not_valid_after_utc - dt.datetime.now(dt.UTC) > _RENEW_BEFORE
        server_context(files)
    except (OSError, ValueError, x509.ExtensionNotFound, TlsError):
        return make_local(folder, names)
    usable = lasts and wanted <= set(subjects) and (folder / "ca.pem").is_file()
    return files if usable else make_local(folder, names)


def make_local(folder: Path, names: Sequence[str] = (), *, days: int = _DAYS) -> TlsFiles:
    """Make an authority and a certificate for localhost, 127.0.0.1, ::1 and the given names.

    Args:
        folder: Gets ``ca.pem``, ``server.pem`` and ``server.key``, each with mode 0600; they replace what was there.
        names: Further host names or addresses.
        days: Validity of both, from now.

    Raises:
        ConfigError: a name is neither a host name nor an address.
        ServiceError: the folder cannot be written.
    """
    subjects = [_subject(name) for name in dict.fromkeys((*LOCAL_NAMES, *names))]
    now = dt.datetime.now(dt.UTC)
    start, end = now - _SKEW, now + dt.timedelta(days=days)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("Stockade local authority")
    authority = (
        _builder(authority_name, authority_name, authority_key.public_key(), start, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _builder(_name("Stockade server"), authority_name, server_key.public_key(), start, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(subjects), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(server_key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    files = TlsFiles(folder / "server.pem", folder / "server.key", folder / "ca.pem")
    private = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(files.key, private)
        write_private(files.certificate, certificate.public_bytes(serialization.Encoding.PEM))
        write_private(folder / "ca.pem", authority.public_bytes(serialization.Encoding.PEM))
    except OSError as error:
        raise ServiceError(f"the TLS files cannot be written: {error.strerror}", where=str(folder)) from error
    return files


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """Make the server's context: TLS 1.2 or newer, forward secrecy, no compression, no renegotiation.

    Raises:
        TlsError: a file is missing, unreadable, not PEM, encrypted, open to other users, or the two do not belong
            together.
    """
    try:
        mode = files.key.stat().st_mode
    except OSError as error:
        raise TlsError(f"the private key cannot be read: {error.strerror}", where=str(files.key)) from error
    if mode & 0o077:
        raise TlsError(
            "the private key is open to other users", where=str(files.key), remedy=f"Run: chmod 600 {files.key}"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_passphrase)
    except (OSError, ValueError) as error:
        raise TlsError(
            "the certificate and key cannot be used together, or one is not unencrypted PEM",
            where=f"{files.certificate}, {files.key}",
        ) from error
    return context


def write_private(path: Path, data: bytes) -> None:
    """Replace a file at once by one of mode 0600, durably."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _no_passphrase() -> str:
    # Without this OpenSSL would ask at the terminal.
    raise ValueError("the private key is encrypted")


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _subject(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    labels = name.split(".")
    if len(name) > 253 or not all(
        label and len(label) <= 63 and label.isascii() and label.replace("-", "").isalnum() for label in labels
    ):
        raise ConfigError(f"{name[:80]!r} is neither a host name nor an address", where="serve names")
    return x509.DNSName(name)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    start: dt.datetime,
    end: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
