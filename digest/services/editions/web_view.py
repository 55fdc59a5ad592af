"""Load and render editions for mail, browser and feeds, with the papers as they were when chosen.

Only a mail holds the subscriber's own links: the web view gets shared and feeds are read by other services, so there
they would let strangers act for the subscriber.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from sqlmodel import Session

from digest import clock, settings
from digest.compose.edition import Content
from digest.compose.email import digest_email
from digest.compose.email.template_context import Links, MailService, Recipient
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.papers import summaries
from digest.db.subscribers import subscribers
from digest.errors import NotFound
from digest.i18n import localize
from digest.models import Edition, Subscriber
from digest.models.types import stored_id
from digest.papers import Record, Summaries, Summary, known_summaries
from digest.services.catalog import paper_exports
from digest.services.editions import notice_figures
from digest.services.editions.notice_figures import muted_topics, topic_texts
from digest.services.security import signed_links
from digest.sources import registry


class Addressee(Protocol):
    """The subscriber's fields that a mail needs."""

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
        """When they confirmed the subscription."""


class EditionIdentity(Protocol):
    """The edition's fields that a mail needs beside its content."""

    @property
    def id(self) -> int | None:
        """The edition's number."""

    @property
    def day(self) -> date:
        """The subscriber's local date."""

    @property
    def kind(self) -> str:
        """Digest, welcome or notice."""


@dataclass(frozen=True, slots=True)
class EditionPapers:
    """Papers by (paper, revision) and topics by profile version, loaded once for several editions."""

    by_version: Mapping[int, tuple[str, ...]]
    muted_by_version: Mapping[int, tuple[str, ...]]
    categories_by_version: Mapping[int, tuple[str, ...]]
    papers: Mapping[tuple[int, int], Record]
    summaries: Summaries

    def summaries_of(self, edition: Edition) -> dict[int, tuple[Summary, ...]]:
        """The summaries of the edition's papers that were known when it was assembled."""
        papers = [int(entry["paper"]) for entry in edition.content["entries"]]
        return known_summaries(self.summaries, papers, edition.created_at)

    def topics(self, edition: Edition) -> tuple[str, ...]:
        """The topics of the edition's profile version."""
        return self.by_version.get(edition.profile_id, ())

    def muted(self, edition: Edition) -> tuple[str, ...]:
        """The muted topics of the edition's profile version."""
        return self.muted_by_version.get(edition.profile_id, ())

    def categories(self, edition: Edition) -> tuple[str, ...]:
        """The categories of the edition's profile version."""
        return self.categories_by_version.get(edition.profile_id, ())


def load_edition_papers(session: Session, editions: Iterable[Edition]) -> EditionPapers:
    """The papers and profiles of these editions, in one query each."""
    edition_list = list(editions)
    versions = subscribers.profile_versions(session, {edition.profile_id for edition in edition_list})
    versions_shown = {
        (int(entry["paper"]), int(entry["revision"]))
        for edition in edition_list
        for entry in edition.content["entries"]
    }
    return EditionPapers(
        by_version={version_id: topic_texts(version.profile) for version_id, version in versions.items()},
        muted_by_version={version_id: muted_topics(version.profile) for version_id, version in versions.items()},
        categories_by_version={
            version_id: tuple(version.profile.get("categories", ())) for version_id, version in versions.items()
        },
        papers=_with_withdrawals(session, store.versions(session, versions_shown)) if versions_shown else {},
        summaries=summaries.summaries_of(
            session, sorted({paper for paper, _ in versions_shown}), registry.summary_origins()
        ),
    )


def _with_withdrawals(session: Session, papers: Mapping[tuple[int, int], Record]) -> dict[tuple[int, int], Record]:
    """The papers as they were chosen, but marked where they were withdrawn or retracted since."""
    newest = store.later_withdrawn(session, {paper for paper, _ in papers})
    return {
        key: replace(record, withdrawn=True, retracted=newest[key[0]].retracted) if key[0] in newest else record
        for key, record in papers.items()
    }


def web_view(edition_id: int, page: str) -> str:
    """The edition as a web page, with all its papers. Raises NotFound.

    `page`: its own address; below it are the page that mails its owner the preferences link, and the further papers.
    """
    with reading() as session:
        edition = session.get(Edition, edition_id)
        subscriber = session.get(Subscriber, edition.subscriber_id) if edition else None
        if edition is None or subscriber is None or edition.cancelled:
            raise NotFound(localize("this edition no longer exists"))
        papers = load_edition_papers(session, [edition])
    recipient = edition_recipient(edition, subscriber, papers.topics(edition), categories=papers.categories(edition))
    content, links = (
        Content.from_json(edition.content),
        replace(public_links(), mail_link=f"{page}/link", further=f"{page}/more"),
    )
    if not content.entries:
        return notice_figures.mail_without_papers(
            content, edition.subscriber_id, recipient, links, papers.muted(edition), service_identity()
        ).html
    entries = paper_exports.bibtex_entries([entry.paper for entry in content.entries])
    return digest_email.digest(
        content,
        papers.papers,
        recipient,
        replace(links, citations=paper_exports.download_links(page), bibtex=entries),
        service=service_identity(),
        summaries=papers.summaries_of(edition),
        limit=None,
    ).html


def edition_papers(edition_id: int) -> list[int]:
    """Ids of an edition's papers in its order. Raises NotFound."""
    with reading() as session:
        edition = session.get(Edition, edition_id)
        if edition is None or edition.cancelled:
            raise NotFound(localize("this edition no longer exists"))
        return list(dict.fromkeys(int(entry["paper"]) for entry in edition.content["entries"]))


def service_identity() -> MailService:
    """The sender's name and addresses, from the settings."""
    configured = settings.get()
    return MailService(configured.service_name, configured.base_url, configured.postal_address)


def edition_recipient(
    edition: EditionIdentity,
    subscriber: Addressee,
    topics: tuple[str, ...],
    *,
    kind: str | None = None,
    categories: tuple[str, ...] = (),
) -> Recipient:
    """The recipient of an edition that was chosen for `topics`; `kind` overrides the edition's (a resend)."""
    confirmed_at = subscriber.confirmed_at or subscriber.created_at
    return Recipient(
        topics=topics,
        confirmed=confirmed_at.astimezone(clock.zone_info(subscriber.time_zone)).date(),
        day=edition.day,
        kind=kind or edition.kind,
        categories=categories,
    )


def public_links() -> Links:
    """Links for places that others can read: public pages only."""
    base = settings.get().base_url
    return Links(paper=lambda paper: f"{base}/papers/{paper}")


def subscription_links(subscriber_id: int) -> Links:
    """The links of a mail that is about no edition, signed for its subscriber."""
    return replace(
        public_links(),
        preferences=signed_links.preferences(subscriber_id),
        unsubscribe=signed_links.unsubscribe(subscriber_id),
    )


def mail_links(edition: EditionIdentity, subscriber: Addressee) -> Links:
    """The links of an edition's mail, signed for its subscriber."""
    web_view_link = signed_links.edition(stored_id(edition))
    return replace(
        subscription_links(stored_id(subscriber)),
        web_view=web_view_link,
        further=f"{web_view_link}/more",
        feedback=signed_links.feedback(stored_id(edition)),
    )
