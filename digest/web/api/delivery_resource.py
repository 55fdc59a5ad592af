"""Mails, bounces and suppressions by the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from digest.models import Bounce, Delivery, Suppression
from digest.services.admin import admin_pages, record_listings, subscriber_actions, subscriber_admin
from digest.services.admin.record_listings import MailFilter
from digest.services.delivery import resend_edition
from digest.services.security.api_tokens import ApiToken
from digest.web.http import api_auth
from digest.web.http.api_auth import ADDRESSES
from digest.web.http.api_route import ApiRoute, IdempotentRoute
from digest.web.http.cursor_pages import Listing, PageRequest, page_of
from digest.web.http.dependencies import Queue

router = APIRouter(route_class=ApiRoute, tags=["mail"])
actions = APIRouter(route_class=IdempotentRoute, tags=["mail"])

ReadDeliveries = Annotated[ApiToken, Depends(api_auth.require_token("deliveries:read"))]
ManageDeliveries = Annotated[ApiToken, Depends(api_auth.require_token("deliveries:manage"))]
ReadBounces = Annotated[ApiToken, Depends(api_auth.require_token("bounces:read"))]
READ_SUPPRESSIONS = Depends(api_auth.require_token("suppressions:read"))
ManageSuppressions = Annotated[ApiToken, Depends(api_auth.require_token("suppressions:manage"))]
StateName = Literal["queued", "sending", "sent", "deferred", "rejected", "uncertain", "cancelled", "suppressed"]
MailKind = Literal[
    "digest",
    "welcome",
    "notice",
    "resend",
    "first-notice",
    "confirmation",
    "link",
    "account-link",
    "new-address",
    "moved",
    "sign-in",
    "alarm",
    "test",
    "run-report",
]
BounceKind = Literal["hard", "soft", "policy", "complaint", "forgiven"]  # forgiven: it counts no more
RowId = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
AddressText = Annotated[str, Query(max_length=254, description="part of the address")]


class DeliveryAnswer(BaseModel):
    """A mail. `address` and `reply` only with the scope `addresses:read`, as a server's reply often has the address."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: str = Field(examples=["digest"])
    subject_id: int
    serial: int
    subscriber_id: int | None
    run_id: int | None
    state: str = Field(examples=["sent"])
    priority: int
    due_at: datetime | None
    attempts: int
    doubts: int
    message_id: str | None
    created_at: datetime
    tried_at: datetime | None
    address: str | None
    reply: str | None

    @classmethod
    def from_row(cls, row: Delivery, *, addresses: bool) -> DeliveryAnswer:
        """The answer for a mail."""
        answer = cls.model_validate(row)
        return answer if addresses else answer.model_copy(update={"address": None, "reply": None})


class DeliveryList(Listing):
    """Mails, newest first."""

    deliveries: list[DeliveryAnswer]


class TestMailRequest(BaseModel):
    """Who gets a test mail: an address of DIGEST_ADMIN_EMAILS or DIGEST_VIEWER_EMAILS; empty for the first operator."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"address": ""}]})

    address: str = Field(default="", max_length=1000)


class BounceAnswer(BaseModel):
    """A failed delivery, in the session or reported later. `address` only with the scope `addresses:read`."""

    id: int
    at: datetime
    kind: str = Field(examples=["hard"])
    status: str = Field(examples=["5.1.1"])
    delivery_id: int | None
    address: str | None

    @classmethod
    def from_row(cls, row: Bounce, *, addresses: bool) -> BounceAnswer:
        """The answer for a bounce."""
        values = row.model_dump(include={"id", "at", "kind", "status", "delivery_id"})
        return cls(**values, address=row.address_key if addresses else None)


class BounceList(Listing):
    """Bounces, newest first."""

    bounces: list[BounceAnswer]


class SuppressionAnswer(BaseModel):
    """An address that is not mailed, and why."""

    address: str
    reason: str = Field(examples=["no such address"])
    source: str
    at: datetime

    @classmethod
    def from_row(cls, row: Suppression) -> SuppressionAnswer:
        """The answer for a suppression."""
        return cls(address=row.address_key, reason=row.reason, source=row.source, at=row.at)


class SuppressionList(Listing):
    """Suppressions, newest first."""

    suppressions: list[SuppressionAnswer]


class SuppressionRequest(BaseModel):
    """An address that must not be mailed, and why."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"address": "ada@example.org", "reason": "asked by phone"}]}
    )

    address: str = Field(min_length=1, max_length=1000)
    reason: str = Field(min_length=1, max_length=40)


class ReleaseRequest(BaseModel):
    """An address that may be mailed again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"address": "ada@example.org"}]})

    address: str = Field(min_length=1, max_length=1000)


@router.get("/deliveries")
def list_deliveries(
    token: ReadDeliveries,
    page: Annotated[PageRequest, Depends(page_of("deliveries"))],
    state: StateName | None = None,
    kind: MailKind | None = None,
    run: RowId = None,
    subscriber: RowId = None,
    address: AddressText = "",
) -> DeliveryList:
    """Mails, newest first. Only tokens with the scope `addresses:read` see addresses and search by them."""
    text = api_auth.require_scope(token, ADDRESSES, address)
    mail_filter = MailFilter(state, kind, run, subscriber, text)
    rows = record_listings.deliveries(mail_filter, before_id=page.before_id, limit=page.rows_needed)
    page_rows, next_page = page.finish(rows, lambda row: row.id)
    addresses = token.allows(ADDRESSES)
    return DeliveryList(
        deliveries=[DeliveryAnswer.from_row(row, addresses=addresses) for row in page_rows], next=next_page
    )


@router.get("/deliveries/{delivery_id}")
def read_delivery(delivery_id: int, token: ReadDeliveries) -> DeliveryAnswer:
    """A mail."""
    return DeliveryAnswer.from_row(record_listings.delivery(delivery_id), addresses=token.allows(ADDRESSES))


@actions.post("/deliveries/{delivery_id}/resend", status_code=202)
def resend_delivery(delivery_id: int, token: ManageDeliveries, queue: Queue, response: Response) -> DeliveryAnswer:
    """Send the edition of a mail again, as a new mail. 409 for other kinds, and where nothing may be sent."""
    new_id = resend_edition.resend_delivery(delivery_id, actor=token.actor, enqueue=queue)
    response.headers["Location"] = f"/api/v1/deliveries/{new_id}"
    return DeliveryAnswer.from_row(record_listings.delivery(new_id), addresses=token.allows(ADDRESSES))


@actions.post("/deliveries/test", status_code=202)
def send_test_mail(body: TestMailRequest, token: ManageDeliveries, queue: Queue, response: Response) -> DeliveryAnswer:
    """Send a test mail to an administrator through the outbox. To name one needs the scope `addresses:read`, too."""
    address = api_auth.require_scope(token, ADDRESSES, body.address)
    new_id = subscriber_actions.send_test_mail(address, actor=token.actor, enqueue=queue)
    response.headers["Location"] = f"/api/v1/deliveries/{new_id}"
    return DeliveryAnswer.from_row(record_listings.delivery(new_id), addresses=token.allows(ADDRESSES))


@router.get("/bounces")
def list_bounces(
    token: ReadBounces,
    page: Annotated[PageRequest, Depends(page_of("bounces"))],
    kind: BounceKind | None = None,
    address: AddressText = "",
) -> BounceList:
    """Bounces, newest first. Only tokens with the scope `addresses:read` see addresses and search by them."""
    text = api_auth.require_scope(token, ADDRESSES, address)
    rows = record_listings.bounces(text=text, kind=kind, before_id=page.before_id, limit=page.rows_needed)
    page_rows, next_page = page.finish(rows, lambda row: row.id)
    addresses = token.allows(ADDRESSES)
    return BounceList(bounces=[BounceAnswer.from_row(row, addresses=addresses) for row in page_rows], next=next_page)


@router.get("/suppressions", dependencies=[READ_SUPPRESSIONS])
def list_suppressions(
    page: Annotated[PageRequest, Depends(page_of("suppressions"))],
    reason: Annotated[str, Query(max_length=40)] = "",
    address: AddressText = "",
) -> SuppressionList:
    """Addresses that are not mailed, newest first."""
    rows = admin_pages.suppressions_page(text=address, reason=reason, before_id=page.before_id, limit=page.rows_needed)
    page_rows, next_page = page.finish(rows, lambda row: row.id)
    return SuppressionList(suppressions=[SuppressionAnswer.from_row(row) for row in page_rows], next=next_page)


@actions.post("/suppressions", status_code=201)
def add_suppression(body: SuppressionRequest, token: ManageSuppressions) -> SuppressionAnswer:
    """Never mail this address again. May be repeated; the first reason stays."""
    subscriber_admin.suppress_address(body.address, reason=body.reason, actor=token.actor)
    return SuppressionAnswer.from_row(record_listings.suppression_of(body.address))


@actions.post("/suppressions/release", status_code=204, response_class=Response)
def release_suppression(body: ReleaseRequest, token: ManageSuppressions) -> Response:
    """Allow mail to this address again, and forget its earlier failures. 404 where it is not suppressed."""
    subscriber_admin.unsuppress_address(body.address, actor=token.actor)
    return Response(status_code=204)
