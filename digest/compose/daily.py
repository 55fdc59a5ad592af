"""The day's mail. What is the same for all readers is made once (`Blocks`); words and reasons are added for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from operator import attrgetter
from typing import NamedTuple

from markupsafe import Markup, escape

from digest.compose import phrases, pieces, templates
from digest.compose.assemble import listed
from digest.compose.blocks import Blocks
from digest.compose.edition import FOLLOWED, NEW, RISING, Content, Entry
from digest.compose.language import say
from digest.compose.pieces import Shared, View
from digest.compose.views import PLAIN_SERVICE, Links, Pieces, Reader, Rendered, Service
from digest.compose.words import shown
from digest.compose.wrap import wrap
from digest.errors import N_
from digest.papers import Record
from digest.text.plain import one_line

HERE = "\x01"  # a paper's place in a page; no text holds a control sign
TITLES = 3  # so many tell in an inbox what the mail holds
HTML_LIMIT = 98_000  # bytes; one large reader cuts at about 102 KB
# what of an entry decides how it looks, beside the words of its topics; ranking's own figures are not shown
_SHOWN = attrgetter(*({field.name for field in fields(Entry)} - {"score", "mask", "topic", "matched"}))
_SECTIONS = ((FOLLOWED, N_("★ Followed")), (NEW, N_("New for you")), (RISING, N_("Rising ↑")))


class _Paper(NamedTuple):
    """One paper as this reader sees it: what others see too, with the reader's own addresses."""

    html: Pieces
    view: View
    links: tuple[str | None, ...]


class _Slot(NamedTuple):
    """Where a paper goes in a template's page; it is put there afterwards, so that its text is never copied."""

    piece: Markup = escape(HERE)
    lines: str = HERE


_SLOT = _Slot()


class _InFeed(NamedTuple):
    """One paper as a feed's template sees it."""

    shared: Shared
    more: str | None
    less: str | None
    mute: str | None


class _Section(NamedTuple):
    """One section as a template sees it."""

    title: str
    rising: bool
    papers: Sequence[object]


def digest(
    edition: Content,
    papers: Mapping[tuple[int, int], Record],
    reader: Reader,
    links: Links,
    *,
    service: Service = PLAIN_SERVICE,
    blocks: Blocks | None = None,
    limit: int | None = HTML_LIMIT,
) -> Rendered:
    """The day's mail, a welcome, or an edition again, by `reader.kind`. `papers` by (paper id, revision).

    An entry whose paper is not among `papers` is left out. What would pass `limit` bytes of HTML rolls over to the
    web view; `limit=None` is the web view itself. Give one `Blocks` to all readers of a run.
    """
    edition, views = _views(edition, papers, reader, links, blocks or Blocks())
    shown_entries = _by_section(edition.entries)
    while True:
        given = [(entry, views[id(entry)]) for entry in shown_entries]
        rendered = _digest(edition, given, reader, links, service)
        size = _size(rendered.html_pieces, limit)
        if limit is None or size <= limit or len(shown_entries) < 2:
            return rendered
        shown_entries = _fewer(shown_entries, size - limit, size)


def _size(pieces: Pieces, limit: int | None) -> int:
    """How many bytes of UTF-8 the page has; its pieces are encoded only where it could pass the limit."""
    letters = sum(map(len, pieces))
    return letters if limit is None or 2 * letters <= limit else sum([len(piece.encode()) for piece in pieces])


def fragment(
    edition: Content,
    papers: Mapping[tuple[int, int], Record],
    reader: Reader,
    links: Links,
    *,
    blocks: Blocks | None = None,
) -> tuple[str, str]:
    """The whole edition for a feed: its subject, and HTML without page, style or footer."""
    edition, views = _views(edition, papers, reader, links, blocks or Blocks())
    given = [(entry, views[id(entry)]) for entry in _by_section(edition.entries)]
    in_feed = [(entry, _InFeed(paper.view.shared, *paper.links)) for entry, paper in given]
    values = _values(edition, given, reader) | {"sections": _sections(in_feed)}
    return phrases.subject(edition, reader), templates.fragment("edition").render(values)


def _views(
    edition: Content, papers: Mapping[tuple[int, int], Record], reader: Reader, links: Links, blocks: Blocks
) -> tuple[Content, dict[int, _Paper]]:
    """The edition without the papers that are unknown, and how each entry (by its `id`) looks to this reader."""
    known = tuple([entry for entry in edition.entries if (entry.paper, entry.revision) in papers])
    begins = str(escape(links.feedback or ""))
    views = {
        id(entry): _paper(entry, papers[entry.paper, entry.revision], reader, links, blocks, begins) for entry in known
    }
    return edition if len(known) == len(edition.entries) else replace(edition, entries=known), views


def _by_section(entries: Sequence[Entry]) -> list[Entry]:
    """The entries in the order they are shown."""
    return [entry for name, _ in _SECTIONS for entry in entries if entry.section == name]


def _fewer(entries: list[Entry], over: int, size: int) -> list[Entry]:
    """The entries without enough of the last new ones (then of any) to lose so many bytes."""
    drop = min(len(entries) - 1, over * len(entries) // size + 1)
    last = [entry for entry in entries if entry.section == NEW][-drop:]
    last += [entry for entry in reversed(entries) if entry.section != NEW][: drop - len(last)]
    gone = {id(entry) for entry in last}
    return [entry for entry in entries if id(entry) not in gone]


def _digest(
    edition: Content,
    papers: Sequence[tuple[Entry, _Paper]],
    reader: Reader,
    links: Links,
    service: Service,
) -> Rendered:
    """The mail with these papers."""
    values = _values(edition, papers, reader) | {"sections": _sections([(entry, _SLOT) for entry, _ in papers])}
    page = listed("digest", values, reader, links, service)
    return Rendered(
        page.subject,
        _filled(page.text, [(paper.view.lines,) for _, paper in papers]),
        _filled(page.html, [paper.html for _, paper in papers]),
    )


def _filled(page: str, papers: Sequence[Pieces]) -> Pieces:
    """The page with the papers where their places are."""
    first, *others = page.split(HERE)
    pieces = [first]
    for paper, after in zip(papers, others, strict=True):
        pieces += paper
        if after:
            pieces.append(after)
    return tuple(pieces)


def _sections(papers: Sequence[tuple[Entry, object]]) -> list[_Section]:
    """The sections that hold something, each with its papers."""
    found = [
        _Section(say(title), name == RISING, [paper for entry, paper in papers if entry.section == name])
        for name, title in _SECTIONS
    ]
    return [section for section in found if section.papers]


def _values(edition: Content, papers: Sequence[tuple[Entry, _Paper]], reader: Reader) -> dict[str, object]:
    """What templates are told of an edition with these papers, beside the papers themselves."""
    titles = [paper.view.lines.partition("\n")[0] for _, paper in papers[:TITLES]]
    opening, notice = phrases.opening(reader), _notice(edition)
    return {
        "headline": phrases.headline(edition),
        "opening_lines": wrap(opening),
        "notice_lines": wrap(notice),
        "preheader": shown(phrases.preheader(titles)),
        "opening": opening,
        "notice": shown(notice),
        "left": phrases.rolled_over(len(edition.entries) - len(papers)),
        "past": phrases.past_limit(edition.more),
        "considered": phrases.chosen_from(edition.considered),
        "line": phrases.subject(edition, reader),
    }


def _notice(edition: Content) -> str:
    """The edition's notice, kept in English, in the language of today."""
    return one_line(say(edition.notice)) if edition.notice else ""


def _paper(
    entry: Entry, record: Record, reader: Reader, links: Links, blocks: Blocks, begins: str
) -> _Paper:  # fmt: skip
    """What this reader sees of one paper. `begins`: how the reader's links begin, for HTML."""
    topics, asks = reader.topics, links.feedback is not None
    matched = tuple([(topics[i] if 0 <= i < len(topics) else "", words) for i, words in entry.matched])

    def make() -> View:
        return pieces.view(entry, record, reader, blocks, page=links.paper, asks=asks)

    view = blocks.views.get((_SHOWN(entry), matched, asks, links.paper is None), make)
    html = [view.parts[0]]
    for part in view.parts[1:]:
        html += (begins, part)
    return _Paper(tuple(html), view, tuple([(links.feedback or "") + end if end else None for end in view.ends]))
