"""`digest doctor`: the disk of DATA_DIR, and the certificate of the pages."""

from __future__ import annotations

import shutil
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from digest import clock
from digest.network_errors import describe_network_error
from digest.services.admin.doctor_finding import ERROR, OK, WARNING, DoctorFinding
from digest.settings import Settings

MIN_FREE_BYTES = 500_000_000  # a full disk stops SQLite, and with it all mail
CERTIFICATE_WARNING, CERTIFICATE_ERROR = timedelta(days=14), timedelta(days=7)  # before it expires
CONNECT_SECONDS = 5.0
# X509_V_ERR_CERT_HAS_EXPIRED, _HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH (OpenSSL, x509_vfy.h): wrong for every client.
_WRONG_FOR_ALL = frozenset({10, 62, 64})


def free_bytes(config: Settings) -> int | None:
    """Free space of the disk of DATA_DIR, which need not exist yet; None where it can't be read."""
    folder = config.data_dir.absolute()
    existing = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
    try:
        return shutil.disk_usage(existing).free if existing else None
    except OSError:
        return None


def check_disk(config: Settings) -> Iterator[DoctorFinding]:
    """Free space where DATA_DIR is."""
    free = free_bytes(config)
    if free is None:
        return  # the check of the data folder says why
    text = f"{free / 1e9:.1f} GB are free for {config.data_dir}"
    if free < MIN_FREE_BYTES:
        yield DoctorFinding(
            ERROR, "disk", f"only {text}", "delete old backups, or enlarge the disk: a full one stops all mail"
        )
    else:
        yield DoctorFinding(OK, "disk", text)


def check_certificate(config: Settings) -> Iterator[DoctorFinding]:
    """The certificate that browsers and mail providers see, which one-click unsubscribe needs (RFC 8058)."""
    parts = urlsplit(config.base_url)
    if parts.scheme != "https" or not parts.hostname:
        return
    try:
        expires = _certificate_end(parts.hostname, parts.port or 443)
    except ssl.SSLCertVerificationError as error:
        yield _untrusted(parts.hostname, error)
    except (OSError, ValueError) as error:
        reason = describe_network_error(error)
        text = f"{parts.hostname} can't be reached from here ({reason}), so its certificate was not checked"
        yield DoctorFinding(WARNING, "certificate", text, "check it from another machine")
    else:
        yield _expiry(parts.hostname, expires)


def _certificate_end(host: str, port: int) -> datetime:
    """Until when the certificate is valid. Raises OSError, of which ssl.SSLCertVerificationError is one."""
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=CONNECT_SECONDS) as connection,
        context.wrap_socket(connection, server_hostname=host) as tls,
    ):
        certificate = tls.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate.get("notAfter", ""))), UTC)


def _untrusted(host: str, error: ssl.SSLCertVerificationError) -> DoctorFinding:
    cure = "renew it, or let the proxy get one automatically (Caddy, certbot)"
    if error.verify_code in _WRONG_FOR_ALL:
        return DoctorFinding(
            ERROR, "certificate", f"the certificate of {host} is refused: {error.verify_message}", cure
        )
    text = f"this machine does not trust the certificate of {host}: {error.verify_message}"
    return DoctorFinding(WARNING, "certificate", text, "mail providers must trust it for one-click unsubscribe")


def _expiry(host: str, expires: datetime) -> DoctorFinding:
    remaining = expires - clock.now()
    text = f"the certificate of {host} is valid until {expires:%Y-%m-%d %H:%M} UTC"
    if remaining > CERTIFICATE_WARNING:
        return DoctorFinding(OK, "certificate", text)
    level = ERROR if remaining < CERTIFICATE_ERROR else WARNING
    return DoctorFinding(level, "certificate", text, "see why it is not renewed automatically")
