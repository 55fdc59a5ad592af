"""The papers that an edition's profile matches beyond its limit: titles for the page behind "58 more".

An edition stores how many there are, not which: their ids would make every stored edition several times larger and
take away the engine's early stop, for a list that few subscribers open. So the page matches again, by what the run
knew: the same profile version, threshold, word counts and batch, and the editions that came before. The list differs
from the stored number only where papers were withdrawn or revised since, and the page says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session

from digest import clock
from digest.compose.edition import NEW, RISING, Content, Entry
from digest.compose.email import match_reason, paper_block, topic_groups
from digest.compose.email.template_context import Recipient
from digest.compose.text.bylines import byline
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.runs import owned_papers, runs, sent_papers
from digest.errors import NotFound
from digest.i18n import localize
from digest.matching.profile import Profile
from digest.matching.scoring.parameters import WINDOW_ANNOUNCEMENTS
from digest.models import Edition, Epoch, ProfileVersion, Run, Subscriber
from digest.models.delivery import WELCOME
from digest.papers import Record
from digest.services.catalog.page_schemas import FURTHER_LISTED, FurtherGroup, FurtherPage, FurtherPaper
from digest.services.editions import notice_figures, web_view, welcome
from digest.services.selection import candidate_papers, selector, threshold_lookup
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.edition_sections import SelectionRequest
from digest.services.selection.source_language_choice import PaperChoice, choice_of


def further_papers(edition_id: int) -> FurtherPage:
    """The further papers of an edition, best first; grouped by topic from eight papers on. Raises NotFound."""
    with reading() as session:
        edition = session.get(Edition, edition_id)
        subscriber = session.get(Subscriber, edition.subscriber_id) if edition else None
        version = session.get(ProfileVersion, edition.profile_id) if edition else None
        if edition is None or subscriber is None or version is None or edition.cancelled:
            raise NotFound(localize("this edition no longer exists"))
        content, profile = Content.from_json(edition.content), Profile.from_json(version.profile)
        entries = _beyond_limit(session, edition, content, profile) if content.more else []
        records = store.versions(session, [(entry.paper, entry.revision) for entry in entries])
    topics = notice_figures.topic_texts(version.profile)
    recipient = web_view.edition_recipient(edition, subscriber, topics, categories=profile.categories)
    mailed_papers = frozenset(entry.paper for entry in content.entries)
    return FurtherPage(
        day=edition.day,
        total=content.more,
        listed=len(entries),
        has_topics=bool(topics),
        groups=_grouped(entries, records, recipient, mailed_papers),
    )


def _beyond_limit(session: Session, edition: Edition, content: Content, profile: Profile) -> list[Entry]:
    """What the profile without limit and caps matches in the edition's run beside the edition's new papers."""
    run, epoch = _run_of(session, edition)
    window = WINDOW_ANNOUNCEMENTS
    if edition.kind == WELCOME:
        window = welcome.announcements_shown(session, edition.announcement_id)
    pool = candidate_papers.load_pool(session, run, epoch, window=window)
    seen_through = _seen_through(edition, content, pool, choice_of(profile))
    topics = tuple([replace(topic, cap=None) for topic in profile.topics])
    limit = len(content.entries) + min(content.more, FURTHER_LISTED)
    sent = sent_papers.papers_sent_since(
        session, [edition.subscriber_id], pool.oldest_relevant_announcement(seen_through), before=edition.id
    )
    owned = owned_papers.owned_papers(session, [edition.subscriber_id], pool.oldest_paper, before=edition.created_at)
    thresholds = threshold_lookup.thresholds_by_version(session, epoch, {edition.profile_id: profile})
    tau, has_contexts = thresholds[edition.profile_id]
    request = SelectionRequest(
        replace(profile, topics=topics, limit=limit),
        seen_through,
        tau,
        [*sent.get(edition.subscriber_id, ()), *owned.get(edition.subscriber_id, ())],
        rising=False,
        has_contexts=has_contexts,
    )
    [complete] = selector.choose(session, pool, [request])
    included = _included(content, has_topics=request.has_topics)
    section = RISING if not request.has_topics and len(content.section(RISING)) >= profile.limit else NEW
    further = [entry for entry in complete.section(section) if entry.paper not in included]
    return further[: min(content.more, FURTHER_LISTED)]


def _included(content: Content, *, has_topics: bool) -> frozenset[int]:
    """The edition's papers that its number of further papers leaves out: with topics, a rising one may be in both."""
    return frozenset([entry.paper for entry in content.entries if not (has_topics and entry.section == RISING)])


def _run_of(session: Session, edition: Edition) -> tuple[Run, Epoch | None]:
    """The edition's run with its epoch. A welcome has no stored run: it knew what its subscriber had seen through."""
    run = session.get(Run, edition.run_id) if edition.run_id else None
    if run is not None:
        return run, session.get(Epoch, run.epoch_id) if run.epoch_id else None
    created = Run(
        slot=clock.slot_of(edition.created_at),
        created_at=edition.created_at,
        signals_at=edition.created_at,
        batch_through=edition.previous_seen,
        announcement_id=edition.announcement_id,
    )
    return created, runs.epoch_created_before(session, edition.created_at)


def _seen_through(edition: Edition, content: Content, pool: CandidatePool, choice: PaperChoice) -> int:
    """The batch that the subscriber had seen through; 0 for a first edition. The number considered says which."""
    return min(edition.previous_seen, 0, key=lambda batch: abs(pool.count_after(batch, choice) - content.considered))


def _grouped(
    entries: Sequence[Entry],
    records: dict[tuple[int, int], Record],
    recipient: Recipient,
    mailed_papers: frozenset[int],
) -> tuple[FurtherGroup, ...]:
    """The papers by topic, the largest group first; a single group without a label for a few."""
    groups: dict[str, list[FurtherPaper]] = defaultdict(list)
    grouped = len(entries) >= topic_groups.GROUPED_FROM
    for entry in entries:
        record = records.get((entry.paper, entry.revision))
        if record is not None:
            category = match_reason.matching_category(recipient.categories, record.categories)
            label = topic_groups.group_label(entry, recipient, category) if grouped else ""
            groups[label].append(_paper(entry.paper, record, entry.paper in mailed_papers))
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    return tuple([FurtherGroup(label, tuple(papers)) for label, papers in ordered])


def _paper(paper: int, record: Record, in_edition: bool) -> FurtherPaper:
    about = (byline(record.authors, record.authors_complete), paper_block.first_category(record))
    return FurtherPaper(paper, paper_block.readable_title(record), " · ".join(filter(None, about)), in_edition)
