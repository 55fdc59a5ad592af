"""What a mail provider reports. Any provider will do: a few lines turn its form into this one and sign it.

The signature is over the time and the body, so nobody else can report, and what was overheard is worthless in minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from digest import clock, settings
from digest.errors import NotFound
from digest.services.bounces.process_reports import ProviderReport, process_provider_reports
from digest.web.http.rate_limit import count_webhook

router = APIRouter(prefix="/api/v1")

SECONDS = 300  # a signature is good for so long, before and after
_FORM = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})", re.ASCII)
SIGNATURE = (
    "`t=SECONDS,v1=HEX`: the Unix time, and HMAC-SHA256 with DIGEST_WEBHOOK_KEY over that time, a dot, and the body's "
    f"bytes. Good for {SECONDS} seconds."
)


class Reports(BaseModel):
    """Up to 100 reports. One that came before changes nothing."""

    model_config = ConfigDict(extra="forbid")

    reports: list[ProviderReport] = Field(min_length=1, max_length=100)


class Outcomes(BaseModel):
    """How many reports led to what: suppressed, counted, domain paused, left, known."""

    done: dict[str, int]


def sign(body: bytes, *, key: str, at: int) -> str:
    """The signature's header for that body at that Unix time."""
    mac = hmac.new(key.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


async def _signed(request: Request, digest_signature: Annotated[str, Header(description=SIGNATURE)] = "") -> None:
    """Refuse what is not signed, or was signed too long ago."""
    key = settings.get().webhook_key
    if not key:
        raise NotFound("reports are not taken here: DIGEST_WEBHOOK_KEY is not set")
    found = _FORM.fullmatch(digest_signature)
    if found is None:
        raise HTTPException(401, detail="the header Digest-Signature must be t=SECONDS,v1=HEX")
    at = int(found[1])
    if not hmac.compare_digest(sign(await request.body(), key=key, at=at), f"t={at},v1={found[2]}"):
        raise HTTPException(401, detail="the signature does not fit this body and DIGEST_WEBHOOK_KEY")
    if abs(clock.now().timestamp() - at) > SECONDS:
        raise HTTPException(401, detail=f"the signature is more than {SECONDS} seconds old; check both clocks")


@router.post(
    "/bounces",
    dependencies=[Depends(count_webhook), Depends(_signed)],
    responses={401: {"description": "signature missing or wrong"}},
)
def bounces(body: Reports) -> Outcomes:
    """Bounces, complaints and unsubscribes that a mail provider reports, signed."""
    return Outcomes(done=process_provider_reports(body.reports))
