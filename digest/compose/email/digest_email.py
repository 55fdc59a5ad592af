"""The digest mail. Parts that are the same for all subscribers are rendered once (`PaperBlocks`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from markupsafe import Markup, escape

from digest.compose.edition import FOLLOWED, NEW, RISING, SECTION_ORDER, Content, Entry
from digest.compose.email import match_reason, paper_view, subject_line, template_environment, topic_groups, wording
from digest.compose.email.email_parts import subscription_mail
from digest.compose.email.paper_block import INDENT, PaperBlocks
from digest.compose.email.paper_view import PaperView, SharedParts
from digest.compose.email.template_context import DEFAULT_SERVICE, Links, MailService, Pieces, Recipient, RenderedMail
from digest.compose.email.template_environment import PAPER_MARK
from digest.compose.email.topic_groups import GROUPED_FROM
from digest.compose.text import highlighting
from digest.compose.text.no_wrap import no_wrap
from digest.compose.text.text_wrapping import shorten, wrap
from digest.errors import N_
from digest.i18n import localize
from digest.papers import Record, Summary
from digest.text.plain_text import one_line

SUBJECT_TITLES = 3  # titles that the subject and the preheader are made of
SUMMARY_LINES = 3  # of "Today in short", which opens a mail of GROUPED_FROM papers
HTML_LIMIT = 98_000  # bytes; Gmail clips a mail at about 102 KB
# the fields of an entry that decide how it looks, beside the words of its topics; ranking's own figures are not shown
_VISIBLE = attrgetter(*(name for name in Entry._fields if name not in {"score", "mask", "topic", "matched"}))
_TITLES = {FOLLOWED: N_("★ Followed"), NEW: N_("New for you"), RISING: N_("Rising ↑")}
_SECTIONS = tuple((section, _TITLES[section]) for section in SECTION_ORDER)


NO_SUMMARIES: Mapping[int, tuple[Summary, ...]] = MappingProxyType({})
EntryView = tuple[Entry, PaperView]
MIN_ORDERED = 4  # new papers from which on their heading says that the best match is first


class _FeedPaper(NamedTuple):
    """One paper as a feed's template uses it."""

    shared: SharedParts
    rate: str | None


class _Section(NamedTuple):
    """One section as a template uses it."""

    title: str
    rising: bool
    papers: Sequence[object]


class _SummaryLine(NamedTuple):
    """One line of "Today in short": a topic or section with its number of papers, and its first paper."""

    label: Markup
    title: Markup
    url: Markup | None
    lines: str


def digest(
    edition: Content,
    papers: Mapping[tuple[int, int], Record],
    recipient: Recipient,
    links: Links,
    *,
    service: MailService = DEFAULT_SERVICE,
    blocks: PaperBlocks | None = None,
    summaries: Mapping[int, tuple[Summary, ...]] = NO_SUMMARIES,
    limit: int | None = HTML_LIMIT,
) -> RenderedMail:
    """The digest, a welcome, or a resend, by `recipient.kind`. `papers` by (paper id, revision).

    An entry whose paper is not in `papers` is left out. Papers beyond `limit` bytes of HTML are left to the web view;
    `limit=None` is the web view itself. Pass the same `PaperBlocks` for all mails of a run. `summaries`: by paper, as
    known when the edition was assembled.
    """
    edition, views = _views(edition, papers, recipient, links, blocks or PaperBlocks(), summaries)
    values = _edition_values(edition, views, recipient, links)
    while True:
        rendered = _digest(values, views, len(edition.entries), recipient, links, service)
        size = _html_size(rendered.html_pieces, limit)
        if limit is None or size <= limit or len(views) < 2:
            return rendered
        views = _drop_papers(views, size - limit, size)


def _html_size(pieces: Pieces, limit: int | None) -> int:
    """The page's bytes of UTF-8; its pieces are encoded only where it could exceed the limit."""
    characters = sum(map(len, pieces))
    return characters if limit is None or 2 * characters <= limit else sum([len(piece.encode()) for piece in pieces])


def feed_fragment(
    edition: Content,
    papers: Mapping[tuple[int, int], Record],
    recipient: Recipient,
    links: Links,
    *,
    blocks: PaperBlocks | None = None,
    summaries: Mapping[int, tuple[Summary, ...]] = NO_SUMMARIES,
) -> tuple[str, str]:
    """The whole edition for a feed: its subject, and HTML without page, style or footer."""
    edition, views = _views(edition, papers, recipient, links, blocks or PaperBlocks(), summaries)
    prefix = links.feedback or ""
    feed_papers = [(entry, _FeedPaper(view.shared, prefix + view.rate if view.rate else None)) for entry, view in views]
    values = _edition_values(edition, views, recipient, links) | {"sections": _sections(feed_papers, recipient)}
    return str(values["line"]), template_environment.fragment_template("edition").render(values)


def _views(
    edition: Content,
    papers: Mapping[tuple[int, int], Record],
    recipient: Recipient,
    links: Links,
    blocks: PaperBlocks,
    summaries: Mapping[int, tuple[Summary, ...]],
) -> tuple[Content, list[EntryView]]:
    """The edition without unknown papers, and its entries in the mail's order, each with its view."""
    entries = tuple([entry for entry in edition.entries if (entry.paper, entry.revision) in papers])
    views = [
        (
            entry,
            _view(entry, papers[entry.paper, entry.revision], recipient, links, blocks, summaries.get(entry.paper, ())),
        )
        for name, _ in _SECTIONS
        for entry in entries
        if entry.section == name
    ]
    return edition if len(entries) == len(edition.entries) else replace(edition, entries=entries), views


def _drop_papers(views: list[EntryView], excess: int, size: int) -> list[EntryView]:
    """Drop as many of the last new papers (then of any) as are needed to save `excess` bytes of `size`."""
    drop_count = min(len(views) - 1, excess * len(views) // size + 1)
    dropped_positions = [i for i, (entry, _) in enumerate(views) if entry.section == NEW][-drop_count:]
    dropped_positions += [i for i, (entry, _) in reversed([*enumerate(views)]) if entry.section != NEW][
        : drop_count - len(dropped_positions)
    ]
    return [view for i, view in enumerate(views) if i not in dropped_positions]


def _digest(
    edition_values: Mapping[str, object],
    views: Sequence[EntryView],
    papers: int,
    recipient: Recipient,
    links: Links,
    service: MailService,
) -> RenderedMail:
    """The mail with these papers. `papers`: how many the edition has."""
    values = {
        **edition_values,
        "left": wording.papers_rolled_over(papers - len(views)),
        "sections": _sections([(entry, PAPER_MARK) for entry, _ in views], recipient),
    }
    page = subscription_mail("digest", values, recipient, links, service)
    prefix = str(escape(links.feedback or ""))
    return RenderedMail(
        page.subject,
        _fill_page(page.text_pieces, [(view.lines,) for _, view in views]),
        _fill_page(page.html_pieces, [_with_prefix(view.parts, prefix) for _, view in views]),
    )


def _with_prefix(parts: Pieces, prefix: str) -> Sequence[str]:
    """The parts of a paper, with the prefix of the subscriber's feedback links between them."""
    pieces = [prefix] * (2 * len(parts) - 1)
    pieces[::2] = parts
    return pieces


def _fill_page(page: Pieces, papers: Sequence[Sequence[str]]) -> Pieces:
    """The page with the papers at their places, inserted after rendering so that their texts are never copied."""
    filled: list[str] = []
    remaining = iter(papers)
    for piece in page:
        first, *others = piece.split(PAPER_MARK)
        filled.append(first)
        for text in others:
            filled += next(remaining)
            if text:
                filled.append(text)
    return tuple(filled)


def _sections(papers: Sequence[tuple[Entry, object]], recipient: Recipient) -> list[_Section]:
    """The sections that have papers."""
    sections = []
    for name, title in _SECTIONS:
        section_papers = [paper for entry, paper in papers if entry.section == name]
        if section_papers:
            ordered = name == NEW and recipient.topics and _is_ordered_by_match(papers)
            heading = localize("New for you, best match first") if ordered else localize(title)
            sections.append(_Section(heading, name == RISING, section_papers))
    return sections


def _is_ordered_by_match(papers: Sequence[tuple[Entry, object]]) -> bool:
    """True where the new papers are many, and those that only come close to a topic stand last."""
    strict = [entry.strict for entry, _ in papers if entry.section == NEW]
    return len(strict) >= MIN_ORDERED and strict == sorted(strict, reverse=True)


def _edition_values(
    edition: Content, views: Sequence[EntryView], recipient: Recipient, links: Links
) -> dict[str, object]:
    """The template's values for an edition with all of its papers, beside the papers themselves."""
    titles = [view.title for _, view in views[:SUBJECT_TITLES]]
    headline, opening, notice = (
        subject_line.headline(edition, recipient),
        wording.opening_line(recipient, edition.days_back),
        _notice(edition),
    )
    excerpt = views[0][1].shared.abstract.striptags() if len(views) == 1 else ""
    grouped = len(views) >= GROUPED_FROM
    considered = wording.considered_papers(edition.considered, recipient.kind)
    reading = wording.reading_time(sum([view.words for _, view in views])) if grouped else ""
    return {
        "headline": headline,
        "shown_headline": no_wrap(headline, subject_line.named_categories(recipient)),
        "opening_lines": wrap(opening),
        "notice_lines": wrap(notice),
        "preheader": highlighting.escape_text(subject_line.preheader(edition, recipient, titles, excerpt)),
        "opening": opening,
        "notice": highlighting.escape_text(notice),
        "short_title": localize("In short") if recipient.kind == "welcome" else localize("Today in short"),
        "short": _summary_lines(views, recipient) if grouped else [],
        "left": "",
        "past": wording.matches_past_limit(edition.more, has_topics=bool(recipient.topics)),
        "further": links.further,
        "citations": links.citations,
        "bibtex": links.bibtex,
        "considered": considered,
        "reading": reading,
        "considered_lines": wrap(f"{considered} {reading}".strip()),
        "line": subject_line.subject(edition, recipient, titles),
    }


def _notice(edition: Content) -> str:
    """The edition's notice, stored in English, translated."""
    return one_line(localize(edition.notice)) if edition.notice else ""


def _summary_lines(views: Sequence[EntryView], recipient: Recipient) -> list[_SummaryLine]:
    """The largest topics with their number of papers and first paper; filled up with the next papers.

    None where all papers are of one topic: the list below begins with the same titles.
    """
    groups: dict[str, list[PaperView]] = {}
    for entry, view in views:
        groups.setdefault(topic_groups.group_label(entry, recipient, view.category), []).append(view)
    if len(groups) < 2:
        return []
    largest = sorted(groups, key=lambda label: -len(groups[label]))[:SUMMARY_LINES]
    lines = [_summary_line(f"{label} ({len(groups[label])})", groups[label][0]) for label in largest]
    others: Iterable[PaperView] = (view for label in largest for view in groups[label][1:])
    return [
        *lines,
        *[_summary_line("", view) for view, _ in zip(others, range(SUMMARY_LINES - len(lines)), strict=False)],
    ]


def _summary_line(label: str, view: PaperView) -> _SummaryLine:
    url = view.shared.url if view.shared.linked else None
    return _cached_summary_line(label, view.title, view.category, url)


@lru_cache(maxsize=4096)  # subscribers with the same topic share it
def _cached_summary_line(label: str, title: str, category: str, url: Markup | None) -> _SummaryLine:
    title = shorten(title, 90)
    text = f"{label}: {title}" if label else title
    return _SummaryLine(no_wrap(label, [category]), highlighting.escape_text(title), url, wrap(text, INDENT))


def _view(
    entry: Entry,
    record: Record,
    recipient: Recipient,
    links: Links,
    blocks: PaperBlocks,
    summaries: tuple[Summary, ...],
) -> PaperView:
    """One paper as shown to all subscribers who got it for the same reasons."""
    topics, with_feedback, with_citation = recipient.topics, links.feedback is not None, bool(links.citations)
    matched = tuple([(topics[i] if 0 <= i < len(topics) else "", words) for i, words in entry.matched])
    needs_category = not (entry.matched or entry.followed or entry.example or entry.section == RISING)
    category = match_reason.matching_category(recipient.categories, record.categories) if needs_category else ""

    def render() -> PaperView:
        return paper_view.render_paper(
            entry,
            record,
            recipient,
            blocks,
            page=links.paper,
            with_feedback=with_feedback,
            with_citation=with_citation,
            category=category,
            summaries=summaries,
        )

    key = (_VISIBLE(entry), matched, with_feedback, with_citation, links.paper is None, category, summaries)
    return blocks.views.get(key, render)
