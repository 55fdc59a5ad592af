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
from digest.compose.language import N_, say
from digest.compose.pieces import Shared
from digest.compose.views import LESS, MORE, MUTE, PLAIN_SERVICE, Links, Reader, Rendered, Service
from digest.compose.words import shown
from digest.compose.wrap import wrap
from digest.papers import Record
from digest.text.plain import one_line

HTML_LIMIT = 98_000  # bytes; one large reader cuts at about 102 KB
# what of an entry decides how it looks, beside the words of its topics; ranking's own figures are not shown
_SHOWN = attrgetter(*({field.name for field in fields(Entry)} - {"score", "mask", "topic", "matched"}))
_SECTIONS = ((FOLLOWED, N_("★ Followed")), (NEW, N_("New for you")), (RISING, N_("Rising ↑")))


class _Paper(NamedTuple):
    """One paper as a template sees it: in HTML, in the text part, and in parts for a feed."""

    piece: Markup
    lines: str
    shared: Shared
    more: str | None
    less: str | None
    mute: str | None


class _Section(NamedTuple):
    """One section as a template sees it."""

    title: str
    rising: bool
    papers: list[_Paper]


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
        rendered = _digest(edition, [(entry, views[id(entry)]) for entry in shown_entries], reader, links, service)
        over = _over(rendered.html, limit)
        if over <= 0 or len(shown_entries) < 2:
            return rendered
        shown_entries = _fewer(shown_entries, over, len(rendered.html))


def _over(page: str, limit: int | None) -> int:
    """How many bytes of UTF-8 the page has past the limit; it is not encoded where that can't be any."""
    return 0 if limit is None or 4 * len(page) <= limit else len(page.encode()) - limit


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
    values = _values(edition, [(entry, views[id(entry)]) for entry in _by_section(edition.entries)], reader)
    return phrases.subject(edition, reader), templates.fragment("edition").render(values)


def _views(
    edition: Content, papers: Mapping[tuple[int, int], Record], reader: Reader, links: Links, blocks: Blocks
) -> tuple[Content, dict[int, _Paper]]:
    """The edition without the papers that are unknown, and how each entry (by its `id`) looks to this reader."""
    known = tuple(entry for entry in edition.entries if (entry.paper, entry.revision) in papers)
    views = {id(entry): _paper(entry, papers[entry.paper, entry.revision], reader, links, blocks) for entry in known}
    return replace(edition, entries=known), views


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
    papers: list[tuple[Entry, _Paper]],
    reader: Reader,
    links: Links,
    service: Service,
) -> Rendered:
    """The mail with these papers."""
    return listed("digest", _values(edition, papers, reader), reader, links, service)


def _values(edition: Content, papers: list[tuple[Entry, _Paper]], reader: Reader) -> dict[str, object]:
    """What templates are told of an edition with these papers."""
    sections = [
        _Section(say(title), name == RISING, [paper for entry, paper in papers if entry.section == name])
        for name, title in _SECTIONS
    ]
    titles = [str(one.lines).partition("\n")[0] for section in sections for one in section.papers]
    return {
        "headline": phrases.headline(edition),
        "opening_lines": wrap(phrases.opening(reader)),
        "notice_lines": wrap(_notice(edition)),
        "preheader": shown(phrases.preheader(titles)),
        "opening": phrases.opening(reader),
        "notice": shown(_notice(edition)),
        "sections": [section for section in sections if section.papers],
        "left": phrases.rolled_over(len(edition.entries) - len(papers)),
        "past": phrases.past_limit(edition.more),
        "considered": phrases.chosen_from(edition.considered),
        "line": phrases.subject(edition, reader),
    }


def _notice(edition: Content) -> str:
    """The edition's notice, kept in English, in the language of today."""
    return one_line(say(edition.notice)) if edition.notice else ""


def _paper(entry: Entry, record: Record, reader: Reader, links: Links, blocks: Blocks) -> _Paper:
    """What this reader sees of one paper: what others see of it, with the reader's own links."""
    topics, give = reader.topics, links.feedback
    matched = tuple([(topics[i] if 0 <= i < len(topics) else "", words) for i, words in entry.matched])
    page = links.paper(entry.paper) if links.paper else None
    key = (_SHOWN(entry), matched, page, give is None)
    view = blocks.views.get(key, lambda: pieces.view(entry, record, reader, blocks, page=page, asks=give is not None))
    more, less = (give(entry, MORE), give(entry, LESS)) if give else (None, None)
    mute = give(entry, MUTE) if give and matched else None
    said = "\n".join([link for link in (more, less, mute) if link is not None])
    own = str.split(escape(said), "\n") if give else []  # as plain strings: Markup is slow to make
    piece = [part for pair in zip(view.parts, [*own, ""], strict=True) for part in pair]
    return _Paper(Markup("".join(piece)), view.lines, view.shared, more, less, mute)  # noqa: S704 - a template's output
