"""The day's mail. What is the same for all readers is made once (`Blocks`); words and reasons are added for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

from markupsafe import Markup, escape

from digest.compose.edition import FOLLOWED, NEW, RISING, Content, Entry
from digest.compose.email import paper_view, template_environment, wording
from digest.compose.email.email_parts import listed
from digest.compose.email.paper_block import Blocks
from digest.compose.email.paper_view import Shared, View
from digest.compose.email.template_context import PLAIN_SERVICE, Links, Pieces, Reader, Rendered, Service
from digest.compose.text import highlighting
from digest.compose.text.text_wrapping import wrap
from digest.errors import N_
from digest.i18n import say
from digest.papers import Record
from digest.text.plain_text import one_line

HERE = "\x01"  # a paper's place in a page; no text holds a control sign
TITLES = 3  # so many tell in an inbox what the mail holds
HTML_LIMIT = 98_000  # bytes; one large reader cuts at about 102 KB
# what of an entry decides how it looks, beside the words of its topics; ranking's own figures are not shown
_SHOWN = attrgetter(*(name for name in Entry._fields if name not in {"score", "mask", "topic", "matched"}))
_SECTIONS = ((FOLLOWED, N_("★ Followed")), (NEW, N_("New for you")), (RISING, N_("Rising ↑")))


class _Slot(NamedTuple):
    """Where a paper goes in a template's page; it is put there afterwards, so that its text is never copied."""

    piece: Markup = escape(HERE)
    lines: str = HERE


_SLOT = _Slot()
Shown = tuple[Entry, View]


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
    edition, shown = _views(edition, papers, reader, links, blocks or Blocks())
    while True:
        rendered = _digest(edition, shown, reader, links, service)
        size = _size(rendered.html_pieces, limit)
        if limit is None or size <= limit or len(shown) < 2:
            return rendered
        shown = _fewer(shown, size - limit, size)


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
    edition, shown = _views(edition, papers, reader, links, blocks or Blocks())
    begins = links.feedback or ""
    in_feed = [
        (entry, _InFeed(view.shared, *[begins + end if end else None for end in view.ends])) for entry, view in shown
    ]
    values = _values(edition, shown, reader) | {"sections": _sections(in_feed)}
    return wording.subject(edition, reader), template_environment.fragment("edition").render(values)


def _views(
    edition: Content, papers: Mapping[tuple[int, int], Record], reader: Reader, links: Links, blocks: Blocks
) -> tuple[Content, list[Shown]]:
    """The edition without the papers that are unknown; its entries as they are shown, each with how it looks."""
    known = tuple([entry for entry in edition.entries if (entry.paper, entry.revision) in papers])
    shown = [
        (entry, _view(entry, papers[entry.paper, entry.revision], reader, links, blocks))
        for name, _ in _SECTIONS
        for entry in known
        if entry.section == name
    ]
    return edition if len(known) == len(edition.entries) else replace(edition, entries=known), shown


def _fewer(shown: list[Shown], over: int, size: int) -> list[Shown]:
    """The papers without enough of the last new ones (then of any) to lose so many bytes."""
    drop = min(len(shown) - 1, over * len(shown) // size + 1)
    last = [place for place, (entry, _) in enumerate(shown) if entry.section == NEW][-drop:]
    last += [place for place, (entry, _) in reversed([*enumerate(shown)]) if entry.section != NEW][: drop - len(last)]
    return [one for place, one in enumerate(shown) if place not in last]


def _digest(edition: Content, shown: Sequence[Shown], reader: Reader, links: Links, service: Service) -> Rendered:
    """The mail with these papers."""
    values = _values(edition, shown, reader) | {"sections": _sections([(entry, _SLOT) for entry, _ in shown])}
    page = listed("digest", values, reader, links, service)
    begins = str(escape(links.feedback or ""))
    return Rendered(
        page.subject,
        _filled(page.text_pieces, [(view.lines,) for _, view in shown]),
        _filled(page.html_pieces, [_begun(view.parts, begins) for _, view in shown]),
    )


def _begun(parts: Pieces, begins: str) -> Sequence[str]:
    """The parts of a paper, between them how the reader's links begin."""
    pieces = [begins] * (2 * len(parts) - 1)
    pieces[::2] = parts
    return pieces


def _filled(page: Pieces, papers: Sequence[Sequence[str]]) -> Pieces:
    """The page with the papers where their places are."""
    filled: list[str] = []
    left = iter(papers)
    for piece in page:
        first, *others = piece.split(HERE)
        filled.append(first)
        for after in others:
            filled += next(left)
            if after:
                filled.append(after)
    return tuple(filled)


def _sections(papers: Sequence[tuple[Entry, object]]) -> list[_Section]:
    """The sections that hold something, each with its papers."""
    found = [
        _Section(say(title), name == RISING, [paper for entry, paper in papers if entry.section == name])
        for name, title in _SECTIONS
    ]
    return [section for section in found if section.papers]


def _values(edition: Content, shown: Sequence[Shown], reader: Reader) -> dict[str, object]:
    """What templates are told of an edition with these papers, beside the papers themselves."""
    titles = [view.lines.partition("\n")[0] for _, view in shown[:TITLES]]
    opening, notice = wording.opening(reader), _notice(edition)
    return {
        "headline": wording.headline(edition),
        "opening_lines": wrap(opening),
        "notice_lines": wrap(notice),
        "preheader": highlighting.shown(wording.preheader(titles)),
        "opening": opening,
        "notice": highlighting.shown(notice),
        "left": wording.rolled_over(len(edition.entries) - len(shown)),
        "past": wording.past_limit(edition.more),
        "considered": wording.chosen_from(edition.considered),
        "line": wording.subject(edition, reader),
    }


def _notice(edition: Content) -> str:
    """The edition's notice, kept in English, in the language of today."""
    return one_line(say(edition.notice)) if edition.notice else ""


def _view(entry: Entry, record: Record, reader: Reader, links: Links, blocks: Blocks) -> View:
    """One paper as all see it who got it for the same reasons."""
    topics, asks = reader.topics, links.feedback is not None
    matched = tuple([(topics[i] if 0 <= i < len(topics) else "", found) for i, found in entry.matched])

    def make() -> View:
        return paper_view.view(entry, record, reader, blocks, page=links.paper, asks=asks)

    return blocks.views.get((_SHOWN(entry), matched, asks, links.paper is None), make)
