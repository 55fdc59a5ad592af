"""Why a reader got a paper, or did not, or got no mail: answered from what was frozen, else worked out again."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select as sql
from sqlmodel import Session, col

from digest import clock
from digest.compose.edition import Content, Entry
from digest.db import papers as store
from digest.db import runs, subscribers
from digest.db.engine import reading
from digest.errors import NotFound
from digest.matching import reference
from digest.matching.profile import Candidate, Profile
from digest.matching.strict import prepare
from digest.models import Delivery, Edition, ProfileVersion, Subscriber
from digest.models.subscriber import ACTIVE
from digest.services import epochs, select


def why_mail(address: str) -> list[str]:
    """Lines that explain this reader's newest mail, or why there was none. Raises NotFound."""
    with reading() as session:
        reader = _reader(session, address)
        return [*_standing(session, reader), *_newest(session, reader)]


def why_paper(address: str, paper: str) -> list[str]:
    """Lines that explain why this reader got that paper (arXiv id or number), or did not. Raises NotFound."""
    with reading() as session:
        reader = _reader(session, address)
        number = _paper_number(session, paper)
        lines = [*_sent(session, reader, number)]
        return lines or [*_not_sent(session, reader, number)]


def _reader(session: Session, address: str) -> Subscriber:
    found = subscribers.by_key(session, subscribers.address(address).key)
    if found is None:
        raise NotFound(f"nobody is subscribed as {address}")
    return found


def _paper_number(session: Session, text: str) -> int:
    found = store.by_arxiv_id(session, text.removeprefix("arXiv:"))
    if found is None and text.isdecimal() and store.paper(session, int(text)):
        found = int(text)
    if found is None:
        raise NotFound(f"paper {text!r} is not stored here; give its arXiv id or its number on our pages")
    return found


def _standing(session: Session, reader: Subscriber) -> list[str]:
    """What stands between this reader and mail, and when the next one is due."""
    lines = []
    if reader.state != ACTIVE:
        since = f" since {reader.left_at:%Y-%m-%d}" if reader.left_at else ""
        lines.append(f"no mail: the subscription is {reader.state}{since}")
    suppression = subscribers.suppression(session, reader.address_key)
    if suppression is not None:
        lines.append(f"no mail: the address is suppressed since {suppression.at:%Y-%m-%d} ({suppression.reason})")
    if reader.paused_until and reader.paused_until > clock.now().date():
        lines.append(f"no mail before {reader.paused_until.isoformat()}: paused")
    if reader.next_due_at is not None:
        local = reader.next_due_at.astimezone(clock.zone(reader.time_zone))
        lines.append(f"next mail: {local:%a %Y-%m-%d %H:%M} {reader.time_zone}, {reader.cadence}")
    return lines


def _newest(session: Session, reader: Subscriber) -> list[str]:
    edition = runs.edition_of(session, reader.id or 0, None)
    if edition is None:
        return ["no edition yet: nothing matched so far, or no run has come by"]
    content = Content.from_json(edition.content)
    version = session.get(ProfileVersion, edition.profile_id)
    profile = Profile.from_json(version.profile) if version else Profile()
    counted = f"{len(content.entries)} papers of {content.considered} considered"
    lines = [f"newest edition: {edition.day.isoformat()} ({edition.kind}), {counted}"]
    lines += [f"  {_mail(delivery)}" for delivery in _deliveries(session, edition.id or 0)]
    records = store.versions(session, [(e.paper, e.revision) for e in content.entries])
    lines += [f"  - {records[(e.paper, e.revision)].title}: {reason(e, profile)}" for e in content.entries]
    return lines


def _deliveries(session: Session, edition_id: int) -> list[Delivery]:
    kinds = ("digest", "welcome", "notice", "resend")
    statement = sql(Delivery).where(col(Delivery.subject_id) == edition_id, col(Delivery.kind).in_(kinds))
    return list(session.execute(statement.order_by(col(Delivery.id))).scalars())


def _mail(delivery: Delivery) -> str:
    tries = f"{delivery.attempts} {'try' if delivery.attempts == 1 else 'tries'}"
    due = f", due {delivery.due_at:%Y-%m-%d %H:%M} UTC" if delivery.due_at and delivery.state != "sent" else ""
    said = f": {delivery.reply}" if delivery.reply else ""
    return f"{delivery.kind} mail: {delivery.state}, {tries}{due}{said}"


def reason(entry: Entry, profile: Profile) -> str:
    """Why an entry is in its edition, in one line."""
    parts = [f"you follow {', '.join(entry.followed)}"] if entry.followed else []
    for index, words in entry.matched:
        topic = profile.topics[index].text if index < len(profile.topics) else "a topic since changed"
        parts.append(f"{'matches' if entry.strict else 'close to'} {topic!r} by {', '.join(words)}")
    if entry.reason:
        parts.append(entry.reason)
    return "; ".join(parts) or "new in your categories"


def _sent(session: Session, reader: Subscriber, paper: int) -> list[str]:
    """One line for each edition that held the paper."""
    lines = []
    for edition in runs.editions_since(session, [reader.id or 0], 0):
        version = session.get(ProfileVersion, edition.profile_id)
        profile = Profile.from_json(version.profile) if version else Profile()
        for entry in Content.from_json(edition.content).entries:
            if entry.paper == paper:
                facts = f"score {entry.score}, section {entry.section}"
                lines.append(f"sent on {edition.day.isoformat()} ({facts}): {reason(entry, profile)}")
    return lines


def _not_sent(session: Session, reader: Subscriber, paper: int) -> list[str]:
    found = store.paper(session, paper)
    if found is None:
        raise NotFound(f"paper {paper} is not stored here")
    stored, record = found
    profile = subscribers.profile_of(session, reader)
    lines = [f"not sent: {record.title}"]
    if stored.withdrawn:
        return [*lines, "it was withdrawn"]
    if stored.announcement_id is None:
        return [*lines, "it was never announced as new here: only revisions or signals of it are known"]
    announced = date.fromordinal(stored.announcement_id)
    lines.append(f"announced {announced.isoformat()}, ingest no. {stored.batch_id}")
    candidate = Candidate(paper, record, stored.announcement_id)
    weights = epochs.weights(runs.newest_epoch(session))
    document = prepare(candidate)
    if not select.admits(profile, document):
        return [*lines, "your categories or exclusions leave it out"]
    matches = reference.matches(profile, [document], weights, tau=None)
    if not matches:
        return [*lines, "it matches none of your topics, and its words are too few for a close match"]
    return [*lines, *_waiting(session, reader, stored.batch_id, matches[0].strict)]


def _waiting(session: Session, reader: Subscriber, batch: int, strict: bool) -> list[str]:
    if batch > reader.seen_through:
        return ["it matches; it has not been in a run of yours yet"]
    latest = session.execute(
        sql(Edition).where(col(Edition.subscriber_id) == reader.id).order_by(col(Edition.day).desc()).limit(1)
    ).scalar_one_or_none()
    if latest is None or (reader.confirmed_at and latest.created_at < reader.confirmed_at):
        return ["it matches, but it came before you subscribed"]
    how = "as written" if strict else "closely"
    return [f"it matches {how}, but others scored higher and your limit was reached, or it came before you subscribed"]
