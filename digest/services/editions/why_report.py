"""Why a reader got a paper, or did not, or got no mail: answered from what was frozen, else worked out again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy import select as sql
from sqlmodel import Session, col

from digest import clock
from digest.compose.edition import Content, Entry
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.runs import runs
from digest.db.subscribers import subscribers
from digest.errors import NotFound
from digest.matching.profile import Candidate, Profile
from digest.matching.query.language import parse
from digest.matching.reference import reference_matcher
from digest.matching.scoring.boolean_match import Document, has_author, holds, prepare
from digest.models import Delivery, ProfileVersion, Subscriber
from digest.models.subscriber import ACTIVE
from digest.services.catalog import epochs
from digest.services.selection import candidate_papers, reference_backend, thresholds
from digest.text.plain_text import one_line
from digest.text.tex import readable


def why_mail(address: str) -> list[str]:
    """Lines that explain this reader's newest mail, or why there was none. Raises NotFound."""
    with reading() as session:
        reader = _reader(session, address)
        return [*_standing(session, reader), *_lifting(session, reader), *_newest(session, reader)]


def why_paper(address: str, paper: str) -> list[str]:
    """Lines that explain why this reader got that paper (arXiv id or number), or did not. Raises NotFound."""
    with reading() as session:
        reader = _reader(session, address)
        number = _paper_number(session, paper)
        return _sent(session, reader, number) or list(_not_sent(session, reader, number))


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
    if reader.paused_until and reader.paused_until > clock.now().astimezone(clock.zone(reader.time_zone)).date():
        lines.append(f"no mail before {reader.paused_until.isoformat()}: paused")
    if reader.next_due_at is not None:
        local = reader.next_due_at.astimezone(clock.zone(reader.time_zone))
        lines.append(f"next mail: {local:%a %Y-%m-%d %H:%M} {reader.time_zone}, {reader.cadence}")
    return lines


def _lifting(session: Session, reader: Subscriber) -> list[str]:
    """The words of liked papers, which lift papers for this subscriber."""
    likes = subscribers.profile_of(session, reader).likes
    return (
        [f"lifted, from papers you liked: {', '.join(f'{stem} {weight}' for stem, weight in likes)}"] if likes else []
    )


def _newest(session: Session, reader: Subscriber) -> list[str]:
    edition = runs.edition_of(session, reader.id or 0, None)
    if edition is None:
        return ["no edition yet: nothing matched so far, or no run has come by"]
    content = Content.from_json(edition.content)
    version = session.get(ProfileVersion, edition.profile_id)
    profile = Profile.from_json(version.profile) if version else Profile()
    papers = "1 paper" if len(content.entries) == 1 else f"{len(content.entries)} papers"
    state = "cancelled" if edition.cancelled else edition.kind
    lines = [f"newest edition: {edition.day.isoformat()} ({state}), {papers} of {content.considered} considered"]
    lines += [f"  {_mail(delivery)}" for delivery in _deliveries(session, edition.id or 0)]
    records = store.versions(session, [(e.paper, e.revision) for e in content.entries])
    for entry in content.entries:
        title = one_line(readable(records[entry.paper, entry.revision].title))
        lines += [f"  {title}", f"    {reason(entry, profile)}"]
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
        parts.append(f"{'matches' if entry.strict else 'close to'} ‘{topic}’ by {', '.join(words)}")
    if entry.reason:
        parts.append(entry.reason)
    return "; ".join(parts) or "new in your categories"


def _sent(session: Session, reader: Subscriber, paper: int) -> list[str]:
    """One line for each edition that held the paper."""
    lines = []
    for edition in runs.editions_of(session, reader.id or 0):
        version = session.get(ProfileVersion, edition.profile_id)
        profile = Profile.from_json(version.profile) if version else Profile()
        for entry in Content.from_json(edition.content).entries:
            if entry.paper == paper:
                facts = f"score {entry.score}, section {entry.section}"
                lines.append(f"sent on {edition.day.isoformat()} ({facts}): {reason(entry, profile)}")
    return lines


def _not_sent(session: Session, reader: Subscriber, paper: int) -> Iterator[str]:
    """Step by step as a run goes, up to what kept the paper back."""
    found = store.paper(session, paper)
    if found is None:
        raise NotFound(f"paper {paper} is not stored here")
    stored, record = found
    yield f"not sent: {one_line(readable(record.title))}"
    if stored.withdrawn:
        yield "it was withdrawn"
    elif stored.announcement_id is None:
        yield "it was never announced as new here: only revisions or signals of it are known"
    else:
        yield f"announced {_day(stored.announcement_id)}, ingest no. {stored.batch_id}"
        document = prepare(Candidate(paper, record, stored.announcement_id))
        profile = subscribers.profile_of(session, reader)
        yield _kept_out(profile, document) or _judged(session, reader, profile, document, stored.batch_id)


def _kept_out(profile: Profile, document: Document) -> str:
    """What of the profile leaves the paper out, if anything does."""
    for text in profile.exclusions:
        if holds(parse(text).root, document):
            return f"your exclusion {text!r} leaves it out"
    if any(has_author(author, document) for author in profile.authors) or reference_backend.admits(profile, document):
        return ""
    return f"your categories ({', '.join(profile.categories)}) leave it out"


def _judged(session: Session, reader: Subscriber, profile: Profile, document: Document, batch: int) -> str:
    """What a run would make of the paper now."""
    epoch = runs.newest_epoch(session)
    weights = epochs.weights(epoch)
    if all(topic.muted for topic in profile.topics):
        return "you have no topics: you get what trends and what is new in your categories, up to your limit"
    matches = reference_matcher.matches(profile, [document], weights, tau=None)
    if not matches:
        relevance = sum(reference_matcher.not_strict(profile, [document], weights))
        needed = reference_matcher.floor(profile, weights) if profile.close else 0
        much = f" (relevance {relevance:,}, at least {needed:,} is needed)" if needed else ""
        return f"it matches none of your topics as written, and is not close enough{much}"
    (match,) = matches
    tau = thresholds.of(session, epoch, {reader.profile_id or 0: profile}).get(reader.profile_id or 0)
    if not (match.strict or match.followed) and tau is not None and match.relevance <= tau:
        return (
            f"it is close to your topics, but others are closer (relevance {match.relevance:,}, over {tau:,} is needed)"
        )
    return _passed_by(session, reader, document.candidate.announcement, batch)


def _passed_by(session: Session, reader: Subscriber, announcement: int, batch: int) -> str:
    """Why a paper that matches was in no edition."""
    now = store.current_announcement(session, clock.now().astimezone(clock.ARXIV_ZONE).date()) or announcement
    if announcement not in store.window(session, now, candidate_papers.WINDOW):
        return f"it matches, but more than {candidate_papers.WINDOW} announcements have passed: it is no longer new"
    if batch > reader.seen_through:
        return "it matches; it has not been in a run of yours yet"
    if runs.edition_of(session, reader.id or 0, None) is None:
        return "it matches; your first edition will have it, if others don't take its place"
    return "it matches, but others scored higher and your limit was reached, or it came before you subscribed"


def _day(announcement: int) -> str:
    return date.fromordinal(announcement).isoformat()
