"""Explain why a subscriber got a paper or a mail, or did not: from stored editions, else by matching again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from sqlmodel import Session

from digest import clock
from digest.compose.edition import Content, Entry
from digest.db.core.engine import reading
from digest.db.outbox import subscriber_mail
from digest.db.papers import papers as store
from digest.db.runs import editions, owned_papers, runs
from digest.db.subscribers import subscribers
from digest.errors import NotFound
from digest.matching.profile import Candidate, Profile
from digest.matching.query.language import parse, people_of
from digest.matching.reference import reference_matcher
from digest.matching.scoring.boolean_match import (
    Document,
    followed_predicate,
    has_author,
    node_matches,
    prepare_document,
)
from digest.matching.scoring.parameters import WINDOW_ANNOUNCEMENTS
from digest.models import Delivery, Epoch, Paper, ProfileVersion, Subscriber
from digest.models.subscriber import ACTIVE, PENDING
from digest.models.types import stored_id
from digest.services.catalog import epochs, followed_people
from digest.services.catalog.context_lookup import EpochContexts, topics_of
from digest.services.selection import reference_backend, source_language_choice, threshold_lookup
from digest.services.subscriptions import send_schedule
from digest.text.counted import count_of
from digest.text.person_references import reference_of
from digest.text.plain_text import one_line
from digest.text.tex import readable


def why_mail(address: str) -> list[str]:
    """Lines that explain this subscriber's newest mail, or why there was none. Raises NotFound."""
    with reading() as session:
        subscriber = _find_subscriber(session, address)
        return [
            *_delivery_obstacles(session, subscriber),
            *_profile_words(session, subscriber),
            *_newest_edition(session, subscriber),
        ]


def why_paper(address: str, paper: str) -> list[str]:
    """Lines that explain why this subscriber got that paper (arXiv id or number), or did not. Raises NotFound."""
    with reading() as session:
        subscriber = _find_subscriber(session, address)
        paper_id = _paper_id(session, paper)
        return _lines_of_editions_with(session, subscriber, paper_id) or list(
            _reasons_not_sent(session, subscriber, paper_id)
        )


def _find_subscriber(session: Session, address: str) -> Subscriber:
    subscriber = subscribers.by_key(session, subscribers.parse_address(address).key)
    if subscriber is None:
        raise NotFound(f"nobody is subscribed as {address}")
    return subscriber


def _paper_id(session: Session, text: str) -> int:
    paper_id = store.by_arxiv_id(session, text.removeprefix("arXiv:"))
    if paper_id is None and text.isdecimal() and int(text) < 2**31 and store.paper_by_id(session, int(text)):
        paper_id = int(text)
    if paper_id is None:
        raise NotFound(f"paper {text!r} is not stored here; give its arXiv id or its number on our pages")
    return paper_id


def _delivery_obstacles(session: Session, subscriber: Subscriber) -> list[str]:
    """What prevents mail to this subscriber, and when the next one is due."""
    lines = []
    if subscriber.state != ACTIVE:
        left_on = f" on {subscriber.left_at:%Y-%m-%d}" if subscriber.left_at else ""
        is_pending = subscriber.state == PENDING
        lines.append("no mail: the sign-up is not confirmed" if is_pending else f"no mail: unsubscribed{left_on}")
    suppression = subscribers.suppression(session, subscriber.address_key)
    if suppression is not None:
        lines.append(f"no mail: the address is suppressed since {suppression.at:%Y-%m-%d} ({suppression.reason})")
    if subscriber.paused_until and send_schedule.is_paused(subscriber, clock.now()):
        lines.append(f"no mail before {subscriber.paused_until.isoformat()}: paused")
    if subscriber.next_due_at is not None:
        local = subscriber.next_due_at.astimezone(clock.zone_info(subscriber.time_zone))
        lines.append(f"next mail: {local:%a %Y-%m-%d %H:%M} {subscriber.time_zone}, {subscriber.cadence}")
    return lines


def _profile_words(session: Session, subscriber: Subscriber) -> list[str]:
    """The words of liked papers, which raise a paper's score, and those of example papers, which find similar ones."""
    profile = subscribers.profile_of(session, subscriber)
    lines = []
    if profile.likes:
        words = ", ".join(f"{stem} {weight}" for stem, weight in profile.likes)
        lines.append(f"lifted, from papers you liked: {words}")
    if profile.examples:
        words = ", ".join(f"{term.written} {term.weight}" for term in profile.examples.terms)
        lines.append(f"searched for, from the papers you start from: {words}")
    return lines


def _newest_edition(session: Session, subscriber: Subscriber) -> list[str]:
    edition = editions.edition_of_subscriber(session, stored_id(subscriber), None)
    if edition is None:
        return ["no edition yet: nothing matched so far, or no run has come by"]
    content = Content.from_json(edition.content)
    version = session.get(ProfileVersion, edition.profile_id)
    profile = Profile.from_json(version.profile) if version else Profile()
    papers = count_of(len(content.entries), "paper")
    state = "cancelled" if edition.cancelled else edition.kind
    lines = [f"newest edition: {edition.day.isoformat()} ({state}), {papers} of {content.considered} considered"]
    lines += [f"  {_delivery_line(mail)}" for mail in subscriber_mail.mail_about_edition(session, stored_id(edition))]
    records = store.versions(session, [(entry.paper, entry.revision) for entry in content.entries])
    for entry in content.entries:
        title = one_line(readable(records[entry.paper, entry.revision].title))
        lines += [f"  {title}", f"    {entry_reason(entry, profile)}"]
    return lines


def _delivery_line(delivery: Delivery) -> str:
    tries = f"{delivery.attempts} {'try' if delivery.attempts == 1 else 'tries'}"
    due = f", due {delivery.due_at:%Y-%m-%d %H:%M} UTC" if delivery.due_at and delivery.state != "sent" else ""
    reply = f": {delivery.reply}" if delivery.reply else ""
    return f"{delivery.kind} mail: {delivery.state}, {tries}{due}{reply}"


def entry_reason(entry: Entry, profile: Profile) -> str:
    """Why an entry is in its edition, in one line of English for administrators; mails: `match_reason.reason_line`."""
    parts = [f"you follow {', '.join(entry.followed)}"] if entry.followed else []
    for index, words in entry.matched:
        topic = profile.topics[index].text if index < len(profile.topics) else "a topic since changed"
        by_words = "" if [word.casefold() for word in words] == [topic.casefold()] else f" by {', '.join(words)}"
        parts.append(f"{'matches' if entry.strict else 'close to'} ‘{topic}’{by_words}")
    if entry.example:
        parts.append(f"like ‘{entry.example}’: shares {', '.join(entry.example_words)}")
    if entry.reason:
        parts.append(entry.reason)
    return "; ".join(parts) or "new in your categories"


def _lines_of_editions_with(session: Session, subscriber: Subscriber, paper: int) -> list[str]:
    """One line for each edition with the paper."""
    lines = []
    for edition in editions.editions_of_subscriber(session, stored_id(subscriber)):
        version = session.get(ProfileVersion, edition.profile_id)
        profile = Profile.from_json(version.profile) if version else Profile()
        for entry in Content.from_json(edition.content).entries:
            if entry.paper == paper:
                section = f"in the section {entry.section}"
                lines.append(f"sent on {edition.day.isoformat()} {section}: {entry_reason(entry, profile)}")
    return lines


def _reasons_not_sent(session: Session, subscriber: Subscriber, paper: int) -> Iterator[str]:
    """The steps of a run up to the one that excluded the paper."""
    stored_paper = store.paper_by_id(session, paper)
    if stored_paper is None:
        raise NotFound(f"paper {paper} is not stored here")
    paper_row, record = stored_paper
    yield f"not sent: {one_line(readable(record.title))}"
    if paper_row.withdrawn:
        yield "it was withdrawn"
    elif paper_row.announcement_id is None:
        yield "it was never announced as new here: only revisions or signals of it are known"
    elif reason := _owned_reason(session, stored_id(subscriber), paper):
        yield reason
    else:
        yield f"announced {_day(paper_row.announcement_id)}, ingest no. {paper_row.batch_id}"
        profile = subscribers.profile_of(session, subscriber)
        people = followed_people.papers_of(session, people_of(profile))
        candidate = Candidate(
            paper,
            record,
            paper_row.announcement_id,
            people=frozenset(person for person, paper_ids in people.items() if paper in paper_ids),
        )
        document = prepare_document(candidate)
        yield from _namesakes(profile, document)
        yield (
            _choice_reason(profile, paper_row)
            or _exclusion_reason(profile, document)
            or _matching_result(session, subscriber, profile, document, paper_row.batch_id)
        )


def _owned_reason(session: Session, subscriber_id: int, paper: int) -> str:
    """Why the paper is no news to the subscriber; '' where it is."""
    if paper in owned_papers.stored_examples(session, [subscriber_id]).get(subscriber_id, ()):
        return "it is one of the papers you start from: they find others, but are not sent themselves"
    if paper in owned_papers.owned_papers(session, [subscriber_id], paper).get(subscriber_id, ()):
        return "you gave feedback on it: you have it from an earlier mail"
    return ""


def _choice_reason(profile: Profile, paper: Paper) -> str:
    """The choice of sources or languages that the paper fails; '' if none."""
    reason = source_language_choice.reason_left_out(
        source_language_choice.choice_of(profile), paper.outlets, paper.language
    )
    if reason is None:
        return ""
    choices = profile.sources if reason == "sources" else profile.languages
    value = paper.outlets.replace(" ", ", ") if reason == "sources" else paper.language
    return f"your {reason} ({', '.join(choices)}) leave it out: it is {'from' if reason == 'sources' else 'in'} {value}"


def _namesakes(profile: Profile, document: Document) -> Iterator[str]:
    """Followed people whose name an author has, although the paper is not theirs as far as known."""
    for author in profile.authors:
        if author not in document.candidate.people and reference_of(author) and has_author(author, document):
            yield (
                f"an author has the name of {author}, but is somebody else as far as known: another id, or no"
                " co-author and no subject in common"
            )


def _exclusion_reason(profile: Profile, document: Document) -> str:
    """The exclusion or category filter that the paper fails; '' if none."""
    for text in profile.exclusions:
        if node_matches(parse(text).root, document):
            return f"your exclusion {text!r} leaves it out"
    if any(followed_predicate(author)(document) for author in profile.authors) or reference_backend.allows_paper(
        profile, document
    ):
        return ""
    return f"your categories ({', '.join(profile.categories)}) leave it out"


def _matching_result(session: Session, subscriber: Subscriber, profile: Profile, document: Document, batch: int) -> str:
    """The result of matching the paper now."""
    epoch = runs.newest_epoch(session)
    weights = epochs.weights(epoch)
    if not profile.finds_papers:
        return "you have no topics: you get what trends and what is new in your categories, up to your limit"
    as_written = reference_matcher.match_all(replace(profile, close=False), [document], weights, tau=None)
    reason = "" if as_written else _reason_not_close(session, subscriber, profile, document, epoch)
    return reason or _reason_not_chosen(session, subscriber, document.candidate.announcement, batch)


def _reason_not_close(
    session: Session, subscriber: Subscriber, profile: Profile, document: Document, epoch: Epoch | None
) -> str:
    """Why a paper is no close match; '' where it is."""
    version, weights = subscriber.profile_id or 0, epochs.weights(epoch)
    tau, has_contexts = threshold_lookup.thresholds_by_version(session, epoch, {version: profile})[version]
    relevance = sum(reference_matcher.non_strict_relevances(profile, [document], weights))
    epoch_contexts = EpochContexts.from_epoch(epoch)
    contexts = epoch_contexts.by_stem(epoch_contexts.known(session, topics_of([profile]))) if has_contexts else {}
    if reference_matcher.match_all(profile, [document], weights, tau=tau, contexts=contexts):
        return ""
    if tau and reference_matcher.match_all(profile, [document], weights, tau=0, contexts=contexts):
        return f"it is close to your topics, but others are closer (relevance {relevance:,}, over {tau:,} is needed)"
    floor = reference_matcher.close_floor_of(profile, weights) if profile.close else 0
    if not floor or relevance < floor:
        relevance_text = f" (relevance {relevance:,}, at least {floor:,} is needed)" if floor else ""
        return f"it matches none of your topics as written, and is not close enough{relevance_text}"
    if contexts:
        return "it has words of your topics, but is not like earlier papers about one whose words it has, or about two"
    return "it has words of your topics, but too few of any one topic, or only common ones"


def _reason_not_chosen(session: Session, subscriber: Subscriber, announcement: int, batch: int) -> str:
    """Why a matching paper was in no edition."""
    current = store.current_announcement(session, clock.now().astimezone(clock.ARXIV_ZONE).date()) or announcement
    if announcement not in store.announcement_window(session, current, WINDOW_ANNOUNCEMENTS):
        window = WINDOW_ANNOUNCEMENTS
        return f"it matches, but more than {window} announcements have passed: it is no longer new"
    if batch > subscriber.seen_through:
        return "it matches; it has not been in a run of yours yet"
    if editions.edition_of_subscriber(session, stored_id(subscriber), None) is None:
        return "it matches; your first edition will have it, if others don't take its place"
    return "it matches, but others scored higher and your limit was reached, or it came before you subscribed"


def _day(announcement: int) -> str:
    return date.fromordinal(announcement).isoformat()
