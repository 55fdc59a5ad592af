"""Editions as they are shown, in a mail, a browser or a feed: the papers as they were.

Only a mail holds the reader's own links. The web view is shared, and feeds are read by services, so there they would
let strangers act for the reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from sqlmodel import Session, col, select

from digest import clock, settings
from digest.compose.edition import Content
from digest.compose.email import digest_email, other_emails
from digest.compose.email.template_context import Links, Reader, Service
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.errors import NotFound
from digest.i18n import say
from digest.models import AccountRequest, AdminLogin, Edition, ProfileVersion, Subscriber
from digest.papers import Record
from digest.services.security import signed_links

T = TypeVar("T", Subscriber, Edition, ProfileVersion, AdminLogin, AccountRequest)


class Addressee(Protocol):
    """What of a subscriber their mails say."""

    @property
    def id(self) -> int | None:
        """The subscriber's number."""

    @property
    def time_zone(self) -> str:
        """An IANA name."""

    @property
    def created_at(self) -> datetime:
        """When they signed up."""

    @property
    def confirmed_at(self) -> datetime | None:
        """When they said that it was them."""


class Issue(Protocol):
    """What of an edition its mail says beside its content."""

    @property
    def id(self) -> int | None:
        """The edition's number."""

    @property
    def day(self) -> date:
        """The reader's local date."""

    @property
    def kind(self) -> str:
        """Digest, welcome or notice."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What editions show, each read once: papers by (paper, revision), topics as typed by profile version."""

    by_version: Mapping[int, tuple[str, ...]]
    papers: Mapping[tuple[int, int], Record]

    def topics(self, edition: Edition) -> tuple[str, ...]:
        """The topics that an edition was chosen for."""
        return self.by_version.get(edition.profile_id, ())


def look_up(session: Session, editions: Iterable[Edition]) -> Shown:
    """The papers and profiles of these editions, in one query each."""
    known = list(editions)
    versions = by_id(session, ProfileVersion, {e.profile_id for e in known})
    wanted = {(int(p["paper"]), int(p["revision"])) for e in known for p in e.content["entries"]}
    return Shown(
        by_version={n: typed(v.profile) for n, v in versions.items()},
        papers=store.versions(session, wanted) if wanted else {},
    )


def web_view(edition_id: int, mail_link: str) -> str:
    """The HTML of an edition in the browser: the mail's own content, whole. Raises NotFound.

    `mail_link`: where its owner gets the preferences link mailed.
    """
    with reading() as session:
        edition = session.get(Edition, edition_id)
        reader = session.get(Subscriber, edition.subscriber_id) if edition else None
        if edition is None or reader is None or edition.cancelled:
            raise NotFound(say("this edition no longer exists"))
        shown = look_up(session, [edition])
    to = reader_of(edition, reader, shown.topics(edition))
    content, own = Content.from_json(edition.content), replace(public_links(), mail_link=mail_link)
    if not content.entries:
        return other_emails.notice(to, own, content.considered, service=service()).html
    return digest_email.digest(content, shown.papers, to, own, service=service(), limit=None).html


def typed(profile: Mapping[str, Any]) -> tuple[str, ...]:
    """The topics of a stored profile version as they were typed."""
    return tuple([topic["text"] for topic in profile.get("topics", ())])


def service() -> Service:
    """Who sends, by the settings."""
    chosen = settings.get()
    return Service(chosen.service_name, chosen.base_url, chosen.postal_address)


def reader_of(edition: Issue, reader: Addressee, topics: tuple[str, ...], *, kind: str | None = None) -> Reader:
    """For whom an edition is, with the `topics` it was chosen for; `kind`: the mail's where it is not the edition's."""
    confirmed = reader.confirmed_at or reader.created_at
    return Reader(
        topics=topics,
        confirmed=confirmed.astimezone(clock.zone(reader.time_zone)).date(),
        day=edition.day,
        kind=kind or edition.kind,
    )


def public_links() -> Links:
    """What an edition may link to where others can read it: public pages alone."""
    base = settings.get().base_url
    return Links(paper=lambda paper: f"{base}/papers/{paper}")


def mail_links(edition: Issue, reader: Addressee) -> Links:
    """The reader's own addresses, as the edition's mail shows them."""
    number = reader.id or 0
    return replace(
        public_links(),
        preferences=signed_links.preferences(number),
        unsubscribe=signed_links.unsubscribe(number),
        web_view=signed_links.edition(edition.id or 0),
        feedback=signed_links.feedback(edition.id or 0),
    )


def by_id(session: Session, table: type[T], ids: Iterable[int | None]) -> dict[int, T]:
    """The rows with these ids, in one query."""
    wanted = {number for number in ids if number is not None}
    if not wanted:
        return {}
    rows = session.exec(select(table).where(col(table.id).in_(wanted)))
    return {row.id: row for row in rows if row.id is not None}
