"""Webhook for the reports of a mail provider. A small adapter can turn any provider's format into this one.

The signature covers the time and the body, so that nobody else can report, and a replayed request soon expires.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from digest import clock, settings
from digest.errors import BadToken, NotFound
from digest.services.bounces.process_reports import ProviderReport, process_provider_reports
from digest.services.bounces.sns_reports import process_sns_message
from digest.web.http.api_route import ApiRoute
from digest.web.http.request_rates import count_webhook


class ReportRoute(ApiRoute):
    """A report is not lost for what a mail server said in it, nor for what a provider adds to our address."""

    accepts_nul = True
    accepts_any_query = True


router = APIRouter(prefix="/api/v1", route_class=ReportRoute, tags=["mail"])

SIGNATURE_SECONDS = 300  # how far the time of a signature may be from now
_SIGNATURE_FORMAT = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})", re.ASCII)
SIGNATURE_DESCRIPTION = (
    "`t=SECONDS,v1=HEX`: the Unix time, and HMAC-SHA256 with DIGEST_WEBHOOK_KEY over that time, a dot, and the body's "
    f"bytes. Valid for {SIGNATURE_SECONDS} seconds."
)


class Reports(BaseModel):
    """Up to 100 reports. A repeated report changes nothing."""

    model_config = ConfigDict(extra="forbid")

    reports: list[ProviderReport] = Field(min_length=1, max_length=100)


class Outcomes(BaseModel):
    """The number of reports by outcome: suppressed, counted, domain paused, left, known."""

    done: dict[str, int]


def sign_body(body: bytes, *, key: str, timestamp: int) -> str:
    """The value of the header Digest-Signature for a body at a Unix time."""
    mac = hmac.new(key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={mac}"


async def _require_signature(
    request: Request, digest_signature: Annotated[str, Header(description=SIGNATURE_DESCRIPTION)] = ""
) -> None:
    """Refuse requests without a valid and recent signature."""
    key = settings.get().webhook_key
    if not key:
        raise NotFound("reports are not accepted: DIGEST_WEBHOOK_KEY is not set")
    match = _SIGNATURE_FORMAT.fullmatch(digest_signature)
    if match is None:
        raise HTTPException(401, detail="the header Digest-Signature must be t=SECONDS,v1=HEX")
    timestamp = int(match[1])
    if not hmac.compare_digest(
        sign_body(await request.body(), key=key, timestamp=timestamp), f"t={timestamp},v1={match[2]}"
    ):
        raise HTTPException(401, detail="the signature does not match the body and DIGEST_WEBHOOK_KEY")
    if abs(clock.now().timestamp() - timestamp) > SIGNATURE_SECONDS:
        raise HTTPException(
            401, detail=f"the time of the signature differs by more than {SIGNATURE_SECONDS} seconds; check both clocks"
        )


@router.post(
    "/bounces",
    dependencies=[Depends(count_webhook), Depends(_require_signature)],
)
def report_bounces(body: Reports) -> Outcomes:
    """Bounces, complaints and unsubscribes that a mail provider reports, signed."""
    return Outcomes(done=process_provider_reports(body.reports))


class SnsOutcome(BaseModel):
    """The number of reports by outcome, and whether the subscription of this address was confirmed."""

    done: dict[str, int]
    confirmed: bool


@router.post(
    "/bounces/sns",
    dependencies=[Depends(count_webhook)],
    responses={
        400: {"description": "not a message of the notification service"},
        401: {"description": "the message is not proved"},
        404: {"description": "DIGEST_SNS_TOPICS is not set"},
        503: {"description": "the certificate can't be fetched; try again"},
    },
    openapi_extra={"requestBody": {"content": {"text/plain": {"schema": {"type": "string"}}}, "required": True}},
)
async def sns(request: Request) -> SnsOutcome:
    """Bounces and complaints of Amazon SES through its notification service, which signs them."""
    body = await request.body()
    try:
        result = await run_in_threadpool(process_sns_message, body)
    except BadToken as error:
        raise HTTPException(401, detail=str(error)) from error
    return SnsOutcome(done=dict(result.outcomes), confirmed=result.is_confirmed)
