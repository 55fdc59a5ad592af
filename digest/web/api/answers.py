"""The answers of the API as schemas."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from digest.models import Bounce, Delivery, Edition, Suppression
from digest.services.admin.record_listings import RunRecord, SubscriberRecord
from digest.services.catalog.page_schemas import PaperRow
from digest.services.subscriptions.preference_fields import Preferences
from digest.text.stored_text_redaction import redact_addresses


class Listing(BaseModel):
    """A page of a listing. `next`: the address of the next page, null on the last; it is in the `Link` header too."""

    next: str | None = Field(default=None, examples=["/api/v1/runs?limit=50&cursor=cnVuczo3"])


class RunAnswer(BaseModel):
    """A run: all editions of one slot. `deliveries`: the number of its mails by state."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    slot: datetime
    created_at: datetime
    signals_at: datetime
    batch_through: int
    announcement_id: int
    epoch_id: int | None
    state: str = Field(examples=["complete"], description="planned, complete, paused or cancelled")
    notice: str
    deliveries: dict[str, int] = Field(default_factory=dict, examples=[{"sent": 412}])

    @classmethod
    def of(cls, record: RunRecord) -> RunAnswer:
        """The answer for a run."""
        return cls.model_validate(record.run).model_copy(update={"deliveries": dict(record.deliveries)})


class RunList(Listing):
    """Runs, newest first."""

    runs: list[RunAnswer]


class RunChange(BaseModel):
    """A run after a change. `changed`: how many of its mails were held, resumed, cancelled or queued again.

    `held`: how many may have arrived and were left alone. `sending`: how many are being sent, which cancelling can't
    stop; cancel again when they are done.
    """

    run: RunAnswer
    changed: int
    held: int = 0
    sending: int = 0


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
    def of(cls, row: Delivery, *, addresses: bool) -> DeliveryAnswer:
        """The answer for a mail."""
        answer = cls.model_validate(row)
        return answer if addresses else answer.model_copy(update={"address": None, "reply": None})


class DeliveryList(Listing):
    """Mails, newest first."""

    deliveries: list[DeliveryAnswer]


class EditionAnswer(BaseModel):
    """A subscriber's edition of one day. `papers`: how many it has."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    subscriber_id: int
    day: date
    run_id: int | None
    announcement_id: int
    profile_id: int
    created_at: datetime
    kind: str
    cancelled: bool
    papers: int


class EditionList(Listing):
    """Editions, newest first."""

    editions: list[EditionAnswer]


class EditionDetail(EditionAnswer):
    """An edition with its content: the papers in order, each with its score, section and matched words."""

    content: dict[str, Any]

    @classmethod
    def of(cls, row: Edition) -> EditionDetail:
        """The answer for an edition."""
        return cls.model_validate(row)


class BounceAnswer(BaseModel):
    """A failed delivery, in the session or reported later. `address` only with the scope `addresses:read`."""

    id: int
    at: datetime
    kind: str = Field(examples=["hard"])
    status: str = Field(examples=["5.1.1"])
    delivery_id: int | None
    address: str | None

    @classmethod
    def of(cls, row: Bounce, *, addresses: bool) -> BounceAnswer:
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
    def of(cls, row: Suppression) -> SuppressionAnswer:
        """The answer for a suppression."""
        return cls(address=row.address_key, reason=row.reason, source=row.source, at=row.at)


class SuppressionList(Listing):
    """Suppressions, newest first."""

    suppressions: list[SuppressionAnswer]


class SuppressionState(BaseModel):
    """Why an address is not mailed, and since when."""

    reason: str
    source: str
    at: datetime

    @classmethod
    def of(cls, row: Suppression, *, addresses: bool) -> SuppressionState:
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
    def of(cls, record: SubscriberRecord, *, addresses: bool) -> SubscriptionAnswer:
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
            suppression=SuppressionState.of(record.suppression, addresses=addresses) if record.suppression else None,
            version=record.version,
            preferences=Preferences.model_construct(**record.preferences),
        )


class SubscriptionList(Listing):
    """Subscribers, newest first."""

    subscriptions: list[SubscriptionAnswer]


class PaperList(BaseModel):
    """Papers that are trending now."""

    papers: list[PaperRow]


class PaperAnswer(BaseModel):
    """One paper. `nearest_paper`: id and title of the nearest earlier paper; `summary`: who made it, and the text."""

    row: PaperRow
    abstract: str
    links: list[tuple[str, str]]
    announced: date | None
    comment: str
    nearest_paper: tuple[int, str] | None
    summary: tuple[str, str] | None
    bibtex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHitAnswer(PaperRow):
    """A paper that a search finds. `strict`: as a topic matches as written; else it has the words, but apart."""

    announced: date | None
    strict: bool
    match_score: int


class FacetsAnswer(BaseModel):
    """How many of the papers found are in each category, from each source, and with code."""

    categories: dict[str, int]
    sources: dict[str, int]
    code: int


class PersonIdAnswer(BaseModel):
    """An id of a person, as its source calls it, and the person's page there."""

    label: str
    address: str


class LatestPaper(BaseModel):
    """A person's newest paper here."""

    id: int
    title: str


class PersonAnswer(BaseModel):
    """Somebody of a name. `reference`: the text to follow them by, '' for none.

    `is_here`: papers of theirs are stored; then `papers` counts these, else those that a source knows, with titles of
    recent ones in `titles`.
    """

    reference: str
    name: str
    is_here: bool
    papers: int
    institution: str
    ids: list[PersonIdAnswer]
    co_authors: list[str]
    categories: list[str]
    latest: LatestPaper | None
    titles: list[str]


class PeopleAnswer(BaseModel):
    """The people of a name, those with papers here first. `more`: how many of these are not listed."""

    name: str
    people: list[PersonAnswer]
    more: int


AT_LEAST, EXACT, ABOUT = "minimum", "exact", "about"  # what the total of a search is


class SearchAnswer(Listing):
    """A page of a search. `total_is`: exact, about (estimated by the index) or minimum."""

    total: int
    total_is: str = Field(examples=["exact"])
    papers: list[SearchHitAnswer]
    facets: FacetsAnswer


class MatchedTopic(BaseModel):
    """A topic as typed, and its words that a paper has."""

    topic: str
    words: list[str]


class PreviewPaperAnswer(BaseModel):
    """A paper of a preview, with the topics that it matches."""

    id: int
    title: str
    score: int
    strict: bool
    matched: list[MatchedTopic]
    trending: float | None
    arxiv_id: str | None
    example: str
    example_words: list[str]


class PreviewDayAnswer(BaseModel):
    """One announcement of a preview. `total`: all matches; `papers`: the best, up to the limit."""

    date: date
    total: int
    papers: list[PreviewPaperAnswer]


class PreviewAnswer(BaseModel):
    """A preview, oldest day first. `announcements_left_out`: older ones that have too many papers to match at once."""

    days: list[PreviewDayAnswer]
    announcements_left_out: int


class SourceAnswer(BaseModel):
    """A source and its state. `next_at`: null for a source that is not fetched; a past time means now.

    `rejects`: items left out so far. For feeds also the address, whether an administrator has confirmed it, and how
    many papers wait because more than `max_a_day` came.
    """

    name: str = Field(examples=["journal-of-examples"])
    title: str
    kind: Literal["built-in", "feed"]
    state: str = Field(examples=["on time"])
    detail: str
    complete_through: date | None
    last_at: datetime | None
    next_at: datetime | None
    rejects: int
    is_paused: bool
    address: str
    confirmed: bool | None
    max_a_day: int | None
    held: int


class FeedPaper(BaseModel):
    """A paper of a feed. `identifier`: DOI, arXiv id or address; `outcome`: what would become of it."""

    title: str
    identifier: str
    date: dt.date | None
    authors: str
    abstract_from: str
    outcome: str


class LeftOutItem(BaseModel):
    """An item of a feed that is no paper."""

    title: str
    reason: str


class FeedPreviewAnswer(BaseModel):
    """What a feed would bring. `is_cut`: the feed was cut off."""

    title: str
    papers: list[FeedPaper]
    left_out: list[LeftOutItem]
    is_cut: bool


class SourceList(BaseModel):
    """All sources, those that are fetched first."""

    sources: list[SourceAnswer]


class RejectAnswer(BaseModel):
    """An item of a source that could not be used, and why."""

    id: int
    at: datetime
    document: str
    position: int
    reason: str
    excerpt: str


class RejectList(Listing):
    """Items that could not be used, newest first."""

    rejects: list[RejectAnswer]


class TokenAnswer(BaseModel):
    """A token without the token itself, of which only the hash is stored."""

    name: str = Field(examples=["monitor"])
    scopes: list[str] = Field(examples=[["runs:read"]])
    state: str = Field(examples=["active"], description="active, expired or revoked")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, description: dict[str, Any]) -> TokenAnswer:
        """The answer for a token as `list_tokens` describes it."""
        return cls(**{**description, "scopes": str(description["scopes"]).split()})


class TokenList(BaseModel):
    """All tokens, oldest first."""

    tokens: list[TokenAnswer]


class NewToken(TokenAnswer):
    """A new token. `token` is shown this once."""

    token: str


class Accepted(BaseModel):
    """The request was accepted, and is carried out soon."""

    status: str = Field(default="accepted", examples=["accepted"])
    next: str = Field(examples=["confirm by the link in the e-mail"])
