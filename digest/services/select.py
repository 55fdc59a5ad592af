"""Choosing one reader's papers: what is new for the profile, then what is rising in it; nothing twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmodel import Session

from digest.compose.edition import FOLLOWED, NEW, NOVELTY, RISING, Content, Entry
from digest.db import runs
from digest.matching import reference
from digest.matching.profile import Match, Profile
from digest.matching.query import parse
from digest.matching.strict import Document, holds, in_category
from digest.services.pool import Pool

MOST_RISING = 3


def sent_before(session: Session, pool: Pool, readers: Sequence[int]) -> dict[int, frozenset[int]]:
    """Papers that each reader's editions of the window held: enough, since older papers are not eligible."""
    sent: dict[int, set[int]] = {}
    for edition in runs.editions_since(session, readers, pool.first):
        entries = edition.content["entries"] if edition.content else ()
        sent.setdefault(edition.subscriber_id, set()).update(entry["paper"] for entry in entries)
    return {reader: frozenset(papers) for reader, papers in sent.items()}


def choose(
    pool: Pool, profile: Profile, *, seen_through: int, tau: int | None, sent: frozenset[int], notice: str = ""
) -> Content:
    """The edition of one reader. `seen_through`: the last batch considered before; `tau`: the calibrated threshold."""
    fresh = [d for d in pool.documents if pool.batch[d.candidate.id] > seen_through]
    if not any(not topic.muted for topic in profile.topics):
        return _without_topics(pool, profile, fresh, sent, notice)
    found = reference.matches(profile, fresh, pool.weights, tau=tau, sent=sent)
    kept = reference.cap(profile, found)
    new = [_entry(pool, match, FOLLOWED if match.followed else NEW) for match in kept]
    chosen = {entry.paper for entry in new}
    rising = _rising(pool, profile, tau=tau, sent=sent | chosen)
    return Content(entries=tuple(new + rising), considered=len(fresh), more=len(found) - len(kept), notice=notice)


def _rising(pool: Pool, profile: Profile, *, tau: int | None, sent: frozenset[int]) -> list[Entry]:
    """Matching papers with a signal that this reader never got, from the last 7 announcements, at most 3."""
    documents = [
        d for d in pool.documents if d.candidate.announcement >= pool.first_rising and d.candidate.id in pool.trends
    ]
    found = reference.matches(profile, documents, pool.weights, tau=tau, sent=sent)
    found.sort(key=lambda match: (-pool.trends[match.paper].strength, match.paper))
    return [_entry(pool, match, RISING) for match in found[:MOST_RISING]]


def _without_topics(
    pool: Pool, profile: Profile, fresh: Sequence[Document], sent: frozenset[int], notice: str
) -> Content:
    """The trending papers of the categories chosen, past followed authors; then what is new in them."""
    followed = [m for m in reference.matches(profile, fresh, pool.weights, tau=None, sent=sent) if m.followed]
    taken = sent | {match.paper for match in followed}
    allowed = _allowed(pool.documents, profile, taken)
    trending = [d for d in allowed if d.candidate.id in pool.trends and d.candidate.announcement >= pool.first_rising]
    trending.sort(key=lambda d: (-pool.trends[d.candidate.id].strength, d.candidate.id))
    entries = [_entry(pool, match, FOLLOWED) for match in followed]
    entries += [_plain(pool, d, RISING) for d in trending[: profile.limit]]
    room = profile.limit - len(trending)
    rest = _allowed(fresh, profile, taken) if profile.categories and room > 0 else []
    shown = {entry.paper for entry in entries}
    rest = [d for d in rest if d.candidate.id not in shown]
    rest.sort(key=lambda d: (-d.candidate.announcement, d.candidate.id))
    entries += [_plain(pool, d, NEW) for d in rest[: max(room, 0)]]
    more = len(trending) + len(rest) + len(followed) - len(entries)
    return Content(entries=_in_order(entries), considered=len(fresh), more=max(more, 0), notice=notice)


def _in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """By section as the mail shows them."""
    place = {FOLLOWED: 0, NEW: 1, RISING: 2}
    return tuple(sorted(entries, key=lambda entry: place[entry.section]))


def _allowed(documents: Iterable[Document], profile: Profile, taken: frozenset[int]) -> list[Document]:
    return [d for d in documents if d.candidate.id not in taken and admits(profile, d)]


def admits(profile: Profile, document: Document) -> bool:
    """True where the profile's categories and exclusions leave the paper in."""
    categories = document.categories[: 1 if profile.primary_only else None]
    if profile.categories and not any(in_category(wanted.lower(), categories) for wanted in profile.categories):
        return False
    return not any(holds(parse(text).root, document) for text in profile.exclusions)


def _entry(pool: Pool, match: Match, section: str) -> Entry:
    trend = pool.trends.get(match.paper)
    return Entry(
        paper=match.paper,
        revision=pool.revision[match.paper],
        section=section,
        score=match.score,
        strict=match.strict,
        topic=match.topic,
        mask=match.mask,
        matched=match.matched,
        followed=match.followed,
        signals=_signals(pool, match.paper),
        reason=trend.facts if trend else "",
        spark=trend.spark if trend else "",
    )


def _plain(pool: Pool, document: Document, section: str) -> Entry:
    trend = pool.trends.get(document.candidate.id)
    return Entry(
        paper=document.candidate.id,
        revision=pool.revision[document.candidate.id],
        section=section,
        signals=_signals(pool, document.candidate.id),
        reason=trend.facts if trend else "",
        spark=trend.spark if trend else "",
    )


def _signals(pool: Pool, paper: int) -> tuple[tuple[str, float], ...]:
    """What is shown of a paper beside its text, kept with the edition so that it shows the same again."""
    trend, novelty = pool.trends.get(paper), pool.novelty.get(paper)
    counters = trend.signals if trend else ()
    return counters if novelty is None else (*counters, (NOVELTY, float(novelty)))
