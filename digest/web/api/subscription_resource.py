"""Subscriptions by the API: sign up, and what an administrator reads and changes of a subscriber."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from digest.models import Suppression
from digest.services.admin import record_listings, subscriber_actions
from digest.services.admin.record_listings import SubscriberRecord
from digest.services.editions import why_report
from digest.services.security.api_tokens import ApiToken
from digest.services.subscriptions import erasure, preference_fields, preference_parsers
from digest.services.subscriptions.pending_imports import pending_papers
from digest.services.subscriptions.preference_fields import Preferences, Subscription
from digest.services.subscriptions.sign_up import subscribe
from digest.text.stored_text_redaction import redact_addresses
from digest.web.http import api_auth
from digest.web.http.api_auth import ADDRESSES, Caller
from digest.web.http.api_route import Accepted, ApiRoute, IdempotentRoute
from digest.web.http.constant_time import run_in_time_steps
from digest.web.http.cursor_pages import Listing, PageRequest, page_of
from digest.web.http.dependencies import Queue

router = APIRouter(prefix="/subscriptions", route_class=ApiRoute, tags=["subscriptions"])
actions = APIRouter(prefix="/subscriptions", route_class=IdempotentRoute, tags=["subscriptions"])

MAX_ROWS = 100  # subscribers on a page, each with all preferences
Page = Annotated[PageRequest, Depends(page_of("subscriptions", max_rows=MAX_ROWS))]
ReadToken = Annotated[ApiToken, Depends(api_auth.require_token("subscriptions:read"))]
ManageToken = Annotated[ApiToken, Depends(api_auth.require_token("subscriptions:manage"))]
WriteSubscriptions = Annotated[Caller, Depends(api_auth.allow_public("subscriptions:write"))]
LibraryToken = Annotated[str, Query(max_length=40, description="papers to start from: `library` of POST /library")]
StateName = Literal["pending", "active", "left"]
PaperText = Annotated[str, Query(max_length=100, description="an arXiv id, or the number of a paper on our pages")]
AddressText = Annotated[str, Query(max_length=254, description="part of the address")]


class SuppressionState(BaseModel):
    """Why an address is not mailed, and since when."""

    reason: str
    source: str
    at: datetime

    @classmethod
    def from_row(cls, row: Suppression, *, addresses: bool) -> SuppressionState:
        """The answer for a suppression. An administrator's reason may have an address in it."""
        return cls(reason=row.reason if addresses else redact_addresses(row.reason), source=row.source, at=row.at)


class SubscriptionAnswer(BaseModel):
    """A subscriber. `address` only with the scope `addresses:read`; `version` changes with every preference."""

    id: int
    address: str | None
    state: str = Field(examples=["active"], description="pending, active or left")
    created_at: datetime
    confirmed_at: datetime | None
    left_at: datetime | None
    next_due_at: datetime | None
    suppression: SuppressionState | None
    version: str
    preferences: Preferences

    @classmethod
    def from_record(cls, record: SubscriberRecord, *, addresses: bool) -> SubscriptionAnswer:
        """The answer for a subscriber. The preferences were checked when they were stored."""
        row = record.subscriber
        return cls(
            id=row.id or 0,
            address=row.address if addresses else None,
            state=row.state,
            created_at=row.created_at,
            confirmed_at=row.confirmed_at,
            left_at=row.left_at,
            next_due_at=row.next_due_at,
            suppression=SuppressionState.from_row(record.suppression, addresses=addresses)
            if record.suppression
            else None,
            version=record.version,
            preferences=Preferences.model_construct(**record.preferences),
        )


class SubscriptionList(Listing):
    """Subscribers, newest first."""

    subscriptions: list[SubscriptionAnswer]


class SubscriptionRequest(Subscription):
    """A sign-up: preferences and an address."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"address": "ada@example.org", "topics": ["graph neural networks"]}]}
    )


class _PreferenceChanges(BaseModel):
    """Some preferences to change; the others stay. `version`: of the preferences that were read, '' for no check."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"topics": ["graph transformers"]}]})

    version: str = Field(default="", max_length=16)

    def preferences(self) -> dict[str, Any]:
        """The preferences in the request, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set if name != "version"}


def _optional(name: str) -> Any:
    """The type of a preference and no default, for a request that need not have it.

    The entries of lists are checked where those are known that the subscriber has already.
    """
    field = Preferences.model_fields[name]
    metadata = field.metadata
    if name in preference_fields.list_fields():
        lines = BeforeValidator(preference_parsers.lines_of_text)
        metadata = [lines if isinstance(item, BeforeValidator) else item for item in metadata]
    return Annotated[(field.annotation, *metadata)], None


class Explanation(BaseModel):
    """Why mail or a paper was sent or not, in lines of text. Addresses only with the scope `addresses:read`."""

    lines: list[str] = Field(examples=[["no mail: unsubscribed on 2025-11-20"]])


SubscriptionChanges: Any = create_model(
    "SubscriptionChanges",
    __base__=_PreferenceChanges,
    __doc__=_PreferenceChanges.__doc__,
    **{name: _optional(name) for name in Preferences.model_fields},
)


class PauseRequest(BaseModel):
    """Send nothing for so many days, counted from today in the subscriber's time zone."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"days": 7}]})

    days: int = Field(ge=1, le=366)


@actions.post("", status_code=202)
async def sign_up(
    body: SubscriptionRequest, caller: WriteSubscriptions, queue: Queue, library: LibraryToken = ""
) -> Accepted:
    """Sign up. The answer is the same for every address; the confirmation comes by e-mail."""

    def sign_up_by_mail() -> None:
        examples = pending_papers(library).examples
        subscribe(body, caller.name, queue, client_limit=caller.sign_ups, examples=examples)

    await run_in_time_steps(sign_up_by_mail)
    return Accepted(next="confirm by the link in the e-mail")


@router.get("")
def list_subscriptions(
    token: ReadToken, page: Page, state: StateName | None = None, address: AddressText = ""
) -> SubscriptionList:
    """Subscribers, newest first. Only tokens with the scope `addresses:read` see addresses and search by them."""
    text = api_auth.require_scope(token, ADDRESSES, address)
    rows = record_listings.subscriber_records(
        state=state or "", text=text, before_id=page.before_id, limit=page.rows_needed
    )
    page_rows, next_page = page.finish(rows, lambda record: record.subscriber.id)
    addresses = token.allows(ADDRESSES)
    answers = [SubscriptionAnswer.from_record(record, addresses=addresses) for record in page_rows]
    return SubscriptionList(subscriptions=answers, next=next_page)


@router.get("/{subscriber_id}")
def read_subscription(subscriber_id: int, token: ReadToken) -> SubscriptionAnswer:
    """A subscriber."""
    return _answer(subscriber_id, token)


@router.get("/{subscriber_id}/why")
def explain(subscriber_id: int, token: ReadToken, paper: PaperText = "") -> Explanation:
    """Explain the newest mail, or why there was none; with `paper` why that paper was sent, or was not."""
    address = record_listings.subscriber_record(subscriber_id).subscriber.address
    lines = why_report.why_paper(address, paper) if paper else why_report.why_mail(address)
    return Explanation(lines=lines if token.allows(ADDRESSES) else [redact_addresses(line) for line in lines])


@router.patch("/{subscriber_id}")
def change_subscription(subscriber_id: int, token: ManageToken, body: SubscriptionChanges) -> SubscriptionAnswer:
    """Change some preferences. 409 where `version` is not that of the stored preferences."""
    record_listings.subscriber_record(subscriber_id)
    subscriber_actions.change_subscriber(
        subscriber_id, body.preferences(), expected_version=body.version, actor=token.actor
    )
    return _answer(subscriber_id, token)


@actions.post("/{subscriber_id}/pause")
def pause_subscription(subscriber_id: int, token: ManageToken, body: PauseRequest) -> SubscriptionAnswer:
    """Pause the mail."""
    record_listings.subscriber_record(subscriber_id)
    subscriber_actions.pause_subscriber(subscriber_id, body.days, actor=token.actor)
    return _answer(subscriber_id, token)


@actions.post("/{subscriber_id}/resume")
def resume_subscription(subscriber_id: int, token: ManageToken) -> SubscriptionAnswer:
    """End a pause."""
    record_listings.subscriber_record(subscriber_id)
    subscriber_actions.pause_subscriber(subscriber_id, 0, actor=token.actor)
    return _answer(subscriber_id, token)


@actions.post("/{subscriber_id}/unsubscribe")
def unsubscribe(subscriber_id: int, token: ManageToken) -> SubscriptionAnswer:
    """Stop all mail at once. May be repeated."""
    record_listings.subscriber_record(subscriber_id)
    subscriber_actions.unsubscribe_subscriber(subscriber_id, actor=token.actor)
    return _answer(subscriber_id, token)


@router.delete("/{subscriber_id}", status_code=204, response_class=Response)
def erase_subscription(subscriber_id: int, token: ManageToken) -> None:
    """Erase the subscriber and all personal data, for good."""
    record_listings.subscriber_record(subscriber_id)
    erasure.erase(subscriber_id, by_administrator=True, administrator=token.actor)


def _answer(subscriber_id: int, token: ApiToken) -> SubscriptionAnswer:
    record = record_listings.subscriber_record(subscriber_id)
    return SubscriptionAnswer.from_record(record, addresses=token.allows(ADDRESSES))
