"""STARTTLS and a log-in, with a certificate that is trusted, or not."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from digest.mail.smtp import connection
from digest.models.delivery import DEFERRED, SENT
from tests.outbox import Outbox
from tests.servers import MailServer

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost with its key, one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    issued = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "server.pem"
    path.write_bytes(private + issued.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    def trusting(certificate: Path) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        connection._tls_context.cache_clear()

    yield trusting
    connection._tls_context.cache_clear()


@pytest.fixture
def guarded(certificate: Path, outbox: Outbox, configured: Callable[..., None]) -> Iterator[MailServer]:
    """A server that takes mail over TLS with a password."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with MailServer(tls=context, password=b"p@ss") as server:
        configured(SMTP_URL=f"smtp://me:p%40ss@localhost:{server.port}?tls=starttls", MAIL_FROM="papers@digest.example")
        outbox.enqueue("ada@one.example")
        yield server


def test_mail_goes_over_tls_after_a_log_in(
    outbox: Outbox, guarded: MailServer, certificate: Path, trust: Callable[[Path], None]
) -> None:
    trust(certificate)

    outbox.send()

    assert outbox.states() == {SENT: 1}


def test_an_untrusted_certificate_counts_as_a_server_fault(outbox: Outbox, guarded: MailServer) -> None:
    counts = outbox.send()

    assert counts.trouble
    assert outbox.states() == {DEFERRED: 1}
    assert "certificate" in outbox.row().reply.lower()


def test_a_wrong_password_is_the_servers_trouble(
    outbox: Outbox, guarded: MailServer, certificate: Path, trust: Callable[[Path], None]
) -> None:
    trust(certificate)
    guarded.password = b"another"

    counts = outbox.send()

    assert counts.trouble
    assert outbox.row().attempts == 0
    assert "535" in outbox.row().reply
