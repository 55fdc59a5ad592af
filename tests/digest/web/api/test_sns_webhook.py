"""Notifications of Amazon SES over its notification service: signed, of a listed topic, and counted once."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from digest import clock
from digest.mail.bounces import sns_message
from digest.services.bounces import sns_reports
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import ADA, Browser, everything

TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
PATH = "/api/v1/bounces/sns"
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
SIGNED["UnsubscribeConfirmation"] = SIGNED["SubscriptionConfirmation"]
BOUNCE = {
    "notificationType": "Bounce",
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {"emailAddress": ADA, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
        ],
    },
    "mail": {"source": "papers@digest.example", "headers": [{"name": "Message-ID", "value": "<1@digest.example>"}]},
}
COMPLAINT = {"notificationType": "Complaint", "complaint": {"complainedRecipients": [{"emailAddress": ADA}]}}


@cache
def _key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _certificate(key: rsa.RSAPrivateKey, *, begins: timedelta = -timedelta(days=1)) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = datetime.now(UTC) + begins
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=30))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class CertificateServer:
    """Gives the certificate, confirms subscriptions, and keeps the paths that were asked for."""

    def __init__(self) -> None:
        self.pem, self.paths = _certificate(_key()), list[str]()

    def __enter__(self) -> CertificateServer:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.paths.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(owner.pem)))
                self.end_headers()
                self.wfile.write(owner.pem)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[CertificateServer]:
    """A server in the place of Amazon's."""
    with CertificateServer() as server:
        monkeypatch.setattr(sns_message, "CERTIFICATE_URL", re.compile(re.escape(server.url) + r"/\w+\.pem"))
        monkeypatch.setattr(sns_message, "SUBSCRIBE_URL", re.compile(re.escape(server.url) + r"/\?Action=\w+"))
        sns_reports._certificate.cache_clear()
        yield server


Post = Callable[..., httpx.Response]


@pytest.fixture
def post(web: Browser, amazon: CertificateServer, configured: Callable[..., None]) -> Post:
    """Posts a message, signed with the key of the certificate, or as a test says."""
    configured(SNS_TOPICS=TOPIC)

    def send(
        event: object = BOUNCE, *, version: str = "2", key: rsa.RSAPrivateKey | None = None, **fields: Any
    ) -> httpx.Response:
        message = {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC,
            "Message": event if isinstance(event, str) else json.dumps(event),
            "Timestamp": f"{clock.now():%Y-%m-%dT%H:%M:%S.123Z}",
            "SignatureVersion": version,
            "SigningCertURL": f"{amazon.url}/SimpleNotificationService.pem",
        } | fields
        altered = message.pop("altered", {})
        text = "".join(f"{name}\n{message[name]}\n" for name in SIGNED[message["Type"]] if name in message)
        algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
        signature = (key or _key()).sign(text.encode(), padding.PKCS1v15(), algorithm)
        message["Signature"] = base64.b64encode(signature).decode()
        body = json.dumps(message | altered)
        return web.post(PATH, content=body.encode(), headers={"Content-Type": "text/plain; charset=UTF-8"})

    return send


@MAINLY_SQLITE
@pytest.mark.parametrize("version", ["1", "2"])
def test_a_signed_bounce_suppresses_the_address(post: Post, version: str) -> None:
    response = post(version=version)

    assert (response.status_code, response.json()) == (200, {"done": {"suppressed": 1}, "confirmed": False})
    assert [row[1:3] for row in everything()["suppression"]] == [(ADA, "no such address")]


@MAINLY_SQLITE
def test_a_subject_is_signed_too(post: Post) -> None:
    assert post(Subject="Amazon SES Email Event Notification").status_code == 200


@MAINLY_SQLITE
def test_a_repeated_message_counts_once(post: Post, amazon: CertificateServer) -> None:
    post()

    assert post().json()["done"] == {"known": 1}
    assert len(amazon.paths) == 1  # the certificate is kept


@MAINLY_SQLITE
def test_a_complaint_suppresses_the_address(post: Post) -> None:
    assert post(COMPLAINT).json()["done"] == {"suppressed": 1}


@MAINLY_SQLITE
@pytest.mark.parametrize(
    "event", [{"notificationType": "Delivery"}, {"eventType": "Open"}, {"notificationType": "Bounce"}, {}]
)
def test_other_events_have_no_effect(post: Post, event: dict[str, object]) -> None:
    assert (post(event).status_code, post(event).json()["done"]) == (200, {})


@MAINLY_SQLITE
def test_a_transient_bounce_is_counted_only(post: Post) -> None:
    recipients = [{"emailAddress": ADA, "status": "4.2.2", "diagnosticCode": "smtp; 452 4.2.2 mailbox full"}]
    event = {"notificationType": "Bounce", "bounce": {"bounceType": "Transient", "bouncedRecipients": recipients}}

    assert post(event).json()["done"] == {"counted": 1}


@MAINLY_SQLITE
def test_the_subscription_of_our_address_is_confirmed_once_at_the_service(
    post: Post, amazon: CertificateServer
) -> None:
    response = post(
        "You have chosen to subscribe",
        Type="SubscriptionConfirmation",
        Token="2336412f37",
        SubscribeURL=f"{amazon.url}/?Action=ConfirmSubscription",
    )

    assert (response.status_code, response.json()["confirmed"]) == (200, True)
    assert "/?Action=ConfirmSubscription" in amazon.paths


@MAINLY_SQLITE
@pytest.mark.parametrize(
    "fields",
    [
        {"key": _key(3072)},
        {"altered": {"Message": json.dumps(COMPLAINT)}},
        {"altered": {"MessageId": "another"}},
        {"altered": {"Signature": "AAAA"}},
        {"altered": {"Signature": "no base64!"}},
        {"TopicArn": TOPIC.replace("bounces", "of-others")},
        {"Timestamp": "2020-01-01T00:00:00.000Z"},
        {"Timestamp": "2020-01-01T00:00:00"},
        {"SigningCertURL": "http://127.0.0.1:9/a.pem"},
        {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": "http://169.254.169.254/latest"},
    ],
    ids=["key", "message", "id", "signature", "base64", "topic", "old", "no zone", "certificate", "ssrf"],
)
def test_what_is_not_proved_has_no_effect(post: Post, amazon: CertificateServer, fields: dict[str, Any]) -> None:
    response = post(**fields)

    assert response.status_code == 401
    assert everything()["suppression"] == []


@MAINLY_SQLITE
@pytest.mark.parametrize("begins", [-timedelta(days=60), timedelta(days=2)])
def test_a_certificate_that_is_not_valid_now_proves_nothing(
    post: Post, amazon: CertificateServer, begins: timedelta
) -> None:
    amazon.pem = _certificate(_key(), begins=begins)

    assert post().status_code == 401


@MAINLY_SQLITE
def test_a_certificate_that_is_too_long_or_none_is_refused(post: Post, amazon: CertificateServer) -> None:
    amazon.pem = b"x" * 100_000
    too_long = post()
    amazon.pem = b"not a certificate"

    assert (too_long.status_code, post().status_code) == (503, 401)


@MAINLY_SQLITE
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"Type": "Notification"}', b"[" * 60_000])
def test_a_body_that_is_no_message_is_refused(post: Post, web: Browser, body: bytes) -> None:
    assert web.post(PATH, content=body).status_code in {400, 422}


@MAINLY_SQLITE
def test_without_listed_topics_nothing_is_accepted(post: Post, configured: Callable[..., None]) -> None:
    configured(SNS_TOPICS="")

    assert post().status_code == 404


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123.pem", True),
        ("https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0123456789abcdef0123.pem", True),
        ("http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123.pem", False),
        ("https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem", False),
        ("https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem", False),
        ("https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem", False),
        ("https://sns.us-gov-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123.pem", True),
        ("https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-0123456789abcdef0123.pem", False),
        ("https://sns.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef0123.pem", False),
        ("https://sns.s3-website-us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem", False),
        ("https://sns.s3-fips.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem", False),
        ("https://sns.execute-api.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem", False),
        ("https://bucket.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef0123.pem", False),
        ("https://sns.eu-west-1.amazonaws.com/x/../SimpleNotificationService-0123456789abcdef0123.pem", False),
    ],
)
def test_only_the_services_own_addresses_hold_certificates(url: str, is_ours: bool) -> None:
    assert bool(sns_message.CERTIFICATE_URL.fullmatch(url)) == is_ours
