"""Preview the papers of a profile for each of the last days, without a subscription."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from sqlmodel import Session

from digest.caching import BoundedCache
from digest.compose.edition import Content, Entry
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.errors import N_, TooMany
from digest.i18n import localize
from digest.matching.profile import Profile
from digest.matching.scoring.topic_context import NO_CONTEXTS
from digest.services.catalog.context_lookup import topics_of
from digest.services.catalog.page_schemas import Preview, PreviewDay, PreviewPaper
from digest.services.preview import preview_data, topic_counts
from digest.services.preview.preview_data import PREVIEW_DAYS, PreviewData
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.postings_backend import DayCandidates, PaperTitle, PostingsBackend
from digest.services.selection.source_language_choice import choice_of

MAX_CANDIDATES = 4_000  # papers that a preview evaluates, which takes up to 0.5 ms for each that must be prepared
_MAX_PREVIEWS, _PREVIEW_BYTES = 2_000, 16 << 20
_RETRY_SECONDS = 120
_TOO_MANY_MESSAGE = N_("the newest announcement has too many papers for a preview yet; try again in a few minutes")


def _size_of(preview: Preview) -> int:
    """About how many bytes a preview takes."""
    return 500 + sum(300 + 400 * len(day.papers) for day in preview.days)


_previews: BoundedCache[Preview] = BoundedCache(max_entries=_MAX_PREVIEWS, max_bytes=_PREVIEW_BYTES, size_of=_size_of)


def preview(
    profile: Profile,
    *,
    days: int = PREVIEW_DAYS,
    limit: int | None = None,
    until: date | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    whole: bool = False,
    owned: Collection[int] = (),
) -> Preview:
    """The last `days` calendar days up to `until` (the newest announcement's), at most `limit` papers of each.

    Days without an announcement are left out. Word counts and threshold are those of the newest day, for all days.
    `cancelled` is called before each day. `whole`: look at all days, even where that takes long. `owned`: papers of the
    subscriber's own library, which no mail brings. Raises BadQuery for a topic in error, Cancelled, TooMany.
    """
    left_out = frozenset(owned)
    profile = replace(profile, limit=limit or profile.limit)
    with reading() as session:
        data = preview_data.cache.current(session, days, until)
        if data is None:
            return Preview(())
        if profile.examples is not None or left_out:
            return _make_preview(session, profile, data, cancelled, whole=whole, left_out=left_out)
        return _previews.get(
            (profile, whole),
            lambda: _make_preview(session, profile, data, cancelled, whole=whole),
            version=data.number,
        )


def refresh() -> None:
    """Prepare what all previews have in common, where papers or signals have changed. For a background task."""
    preview_data.cache.refresh()
    with reading() as session:
        data = preview_data.cache.current(session, PREVIEW_DAYS)
        topic_counts.prepare_suggestions(session, data.newest_batch if data else store.newest_batch(session))


def _make_preview(
    session: Session,
    profile: Profile,
    data: PreviewData,
    cancelled: Callable[[], bool],
    *,
    whole: bool,
    left_out: Collection[int] = (),
) -> Preview:
    select = partial(_select, session, data=data, cancelled=cancelled, whole=whole, left_out=left_out)
    selection = select(profile)
    contents = [content for _, content in selection.days]
    counts = topic_counts.topic_counts(
        session,
        profile,
        contents,
        lambda other: [content for _, content in select(other).days],
        data.newest_batch,
    )
    days_shown = tuple(_preview_day(profile, pool, content, selection.titles) for pool, content in selection.days)
    return Preview(days_shown, left_out=selection.left_out, topics=counts)


@dataclass(frozen=True, slots=True)
class _PreviewSelection:
    """The edition of each announcement, oldest first; `left_out`: how many older ones have too many papers."""

    days: Sequence[tuple[CandidatePool, Content]]
    titles: Mapping[int, PaperTitle]
    left_out: int = 0


def _select(
    session: Session,
    profile: Profile,
    *,
    data: PreviewData,
    cancelled: Callable[[], bool],
    whole: bool,
    left_out: Collection[int],
) -> _PreviewSelection:
    contexts = data.contexts.when_needed(session, topics_of([profile])) if data.window else NO_CONTEXTS
    backend = PostingsBackend(
        session, profile, data.weights, data.posting_cache, data.titles, contexts=contexts, left_out=left_out
    )
    tau = backend.threshold(data.window, max_undecided=MAX_CANDIDATES) if data.window else None
    days: list[DayCandidates] = []
    total = 0
    for pool, lists in zip(reversed(data.pools), reversed(data.postings), strict=True):
        day = backend.candidates(pool, lists, tau)
        total += len(day.numbers)
        if total > MAX_CANDIDATES and not whole:
            break
        days.append(day)
    if not days:
        raise TooMany(localize(_TOO_MANY_MESSAGE), seconds=_RETRY_SECONDS)
    contents = backend.choose(days, tau, cancelled)
    selected = [(day.pool, content) for day, content in zip(days, contents, strict=True)]
    return _PreviewSelection(selected[::-1], backend.titles, len(data.pools) - len(days))


def _preview_day(
    profile: Profile, pool: CandidatePool, content: Content, titles: Mapping[int, PaperTitle]
) -> PreviewDay:
    return PreviewDay(
        date=date.fromordinal(pool.oldest_announcement),
        papers=tuple(_paper(profile, pool, entry, titles[entry.paper]) for entry in content.entries[: profile.limit]),
        total=len(content.entries) + content.more,
        announced=pool.count_after(0, choice_of(profile)),
    )


def _paper(profile: Profile, pool: CandidatePool, entry: Entry, title: PaperTitle) -> PreviewPaper:
    trend = pool.trends.get(entry.paper)
    return PreviewPaper(
        id=entry.paper,
        title=title.text,
        score=entry.score,
        strict=entry.strict,
        matched=tuple((profile.topics[i].text, words) for i, words in entry.matched),
        trending=trend.percentile if trend else None,
        arxiv_id=title.arxiv_id,
        example=entry.example,
        example_words=entry.example_words,
        source=title.source,
    )
