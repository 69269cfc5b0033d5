"""TLS against servers that have it: encrypted when asked for, and checked when that is asked for."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from replicator.demo.servers import FLAVOURS, Flavour, Server
from replicator.errors import ReplicatorError
from replicator.mysql.connection import connected, row
from tests.cli.test_connecting import configured

Key = ec.EllipticCurvePrivateKey


def certificate(
    folder: Path, name: str, signer: tuple[x509.Certificate, Key] | None, address: str | None = None
) -> tuple[x509.Certificate, Key]:
    """A certificate for `address`, or an authority of its own; NAME.pem and NAME.key in `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer[0].subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
    )
    if address is not None:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = builder.add_extension(names, critical=False)
    made = builder.sign(signer[1] if signer else key, hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(made.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (folder / f"{name}.key").write_bytes(pem)
    # The server may run as another user; what it is given here is worth nothing to anybody.
    (folder / f"{name}.key").chmod(0o644)
    return made, key


@pytest.fixture
def authorities() -> Iterator[Path]:
    """`ours` signed `right` (for 127.0.0.1) and `elsewhere` (for another address); `other` signed nothing."""
    with TemporaryDirectory() as name:  # pytest's own folders are closed to the server where it runs as another user
        folder = Path(name)
        folder.chmod(0o755)
        _fill(folder)
        yield folder


def _fill(folder: Path) -> None:
    ours = certificate(folder, "ours", None)
    certificate(folder, "other", None)
    certificate(folder, "right", ours, "127.0.0.1")
    certificate(folder, "elsewhere", ours, "192.0.2.1")


def cipher(folder: Path, server: Server, query: str) -> str:
    """The cipher of a connection to the server, through a configuration with these ssl parameters."""
    config = configured(folder, server.url("mysql", tcp=True) + query, server.password)
    with connected(config.source, database=False) as connection:
        found = row(connection, "SHOW STATUS LIKE 'Ssl_cipher'")
        assert found is not None
        return str(found[1])


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("host", ["right", "elsewhere"])
def test_tls(flavour: Flavour, host: str, authorities: Path, new_server: Callable[..., Server], tmp_path: Path) -> None:
    options = (f"--ssl-ca={authorities}/ours.pem", f"--ssl-cert={authorities}/{host}.pem",
               f"--ssl-key={authorities}/{host}.key", "--tls-version=TLSv1.2,TLSv1.3")  # fmt: skip
    server = new_server(flavour, options=options)
    assert cipher(tmp_path, server, "") == ""
    assert cipher(tmp_path, server, "?ssl=required") != ""
    # Signed by the right authority is enough for `required`, whatever name it was given to.
    assert cipher(tmp_path, server, f"?ssl=required&ssl_ca={authorities}/ours.pem") != ""
    for refused in ("?ssl=verify", f"?ssl=required&ssl_ca={authorities}/other.pem", f"?ssl_ca={authorities}/other.pem"):
        with pytest.raises(ReplicatorError, match=r"(?i)certificate"):
            cipher(tmp_path, server, refused)
    for verified in (f"?ssl=verify&ssl_ca={authorities}/ours.pem", f"?ssl_ca={authorities}/ours.pem"):
        if host == "right":
            assert cipher(tmp_path, server, verified) != ""
        else:
            with pytest.raises(ReplicatorError, match=r"(?i)certificate"):
                cipher(tmp_path, server, verified)
