"""Messages of Amazon's notification service (SNS) over HTTP, and the check of their signature.

The string that is signed, and both signature versions, are those of its documentation "Verifying the signatures of
Amazon SNS messages": 1 is SHA-1, 2 is SHA-256, both RSA with PKCS #1 v1.5.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pydantic import BaseModel, ConfigDict, Field

from digest.errors import BadToken

NOTIFICATION, SUBSCRIPTION, UNSUBSCRIPTION = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
# A region, as in us-gov-west-1. Not "s3-us-west-2" nor any other service, where a stranger's bucket may be named "sns".
_REGION = r"[a-z]{2}(?:-[a-z]{3,12}){1,3}-\d{1,2}"
_HOST = rf"sns\.{_REGION}\.amazonaws\.com(?:\.cn)?"
CERTIFICATE_URL = re.compile(rf"https://{_HOST}/SimpleNotificationService-[0-9a-f]{{16,64}}\.pem", re.ASCII)
SUBSCRIBE_URL = re.compile(rf"https://{_HOST}/\?Action=ConfirmSubscription&[\w%&=.:/-]{{20,2000}}", re.ASCII)
_SIGNED_FIELDS = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}


class SnsMessage(BaseModel):
    """A message as it is posted; fields that are not signed or used are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    Type: Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]
    MessageId: str = Field(min_length=1, max_length=100)
    TopicArn: str = Field(max_length=400)
    Message: str = Field(max_length=256 * 1024)
    Timestamp: datetime
    SignatureVersion: Literal["1", "2"]
    Signature: str = Field(max_length=1000)
    SigningCertURL: str = Field(max_length=300)
    Subject: str | None = Field(default=None, max_length=1000)
    SubscribeURL: str | None = Field(default=None, max_length=2100)
    Token: str | None = Field(default=None, max_length=2000)


def check_signature(message: SnsMessage, timestamp: str, certificate_pem: bytes, *, now: datetime) -> None:
    """Raises BadToken where the certificate does not prove the message. `timestamp`: as it stands in the message."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        signature = base64.b64decode(message.Signature, validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadToken("the certificate or the signature can't be read") from error
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
        raise BadToken("the certificate has no RSA key of 2048 bits or more")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise BadToken("the certificate has expired or is not valid yet")
    algorithm = _HASHES[message.SignatureVersion]()
    try:
        key.verify(signature, _signed_text(message, timestamp).encode(), padding.PKCS1v15(), algorithm)
    except InvalidSignature as error:
        raise BadToken("the signature does not match the message") from error


def _signed_text(message: SnsMessage, timestamp: str) -> str:
    """Names and values of the signed fields, each on a line of its own, without fields that the message lacks."""
    names = _SIGNED_FIELDS[NOTIFICATION if message.Type == NOTIFICATION else SUBSCRIPTION]
    values = {name: timestamp if name == "Timestamp" else getattr(message, name) for name in names}
    return "".join(f"{name}\n{value}\n" for name, value in values.items() if value is not None)
