"""The day's mail. What is the same for all readers is made once (`Blocks`); words and reasons are added for each."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from markupsafe import Markup, escape

from digest.compose import phrases, templates
from digest.compose.assemble import listed
from digest.compose.blocks import INDENT, Blocks, PaperBlock
from digest.compose.edition import FOLLOWED, NEW, RISING, Content, Entry
from digest.compose.language import N_, say
from digest.compose.names import byline
from digest.compose.views import LESS, MORE, MUTE, PLAIN_SERVICE, Links, Reader, Rendered, Service
from digest.compose.words import shown
from digest.compose.wrap import wrap
from digest.papers import Record
from digest.text.plain import one_line

HTML_LIMIT = 98_000  # bytes; one large reader cuts at about 102 KB
_PLACES = ("\x01", "\x02", "\x03")  # where more, less and mute go; no text of a paper holds a control sign
_SECTIONS = ((FOLLOWED, N_("★ Followed")), (NEW, N_("New for you")), (RISING, N_("Rising ↑")))


@dataclass(frozen=True, slots=True)
class _Shared:
    """What a mail shows of a paper beside the reader's links: the same for all who got it for the same reason."""

    title: Markup
    abstract: Markup
    byline: Markup
    reason: Markup
    signal: Markup
    url: Markup
    linked: bool
    searched: bool
    pdf: Markup | None
    code: Markup | None


@dataclass(frozen=True, slots=True)
class _Paper:
    """One paper as a template sees it: in HTML, in the text part, and in parts for a feed."""

    piece: Markup
    lines: str
    shared: _Shared
    more: str | None
    less: str | None
    mute: str | None


@dataclass(frozen=True, slots=True)
class _Section:
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
        over = len(rendered.html.encode()) - limit if limit is not None else 0
        if over <= 0 or len(shown_entries) < 2:
            return rendered
        shown_entries = _fewer(shown_entries, over, len(rendered.html))


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
    """What this reader sees of one paper: the shared block, the words marked, the reason, the links."""
    block = blocks.of(entry.paper, entry.revision, record, entry.novelty)
    words = tuple([word for _, found in entry.matched for word in found])
    title, abstract = blocks.marked(entry.paper, entry.revision, words, block)
    about, about_lines = _about(block, entry.followed)
    reason, reason_lines = _line(phrases.reason(entry, reader, block.category))
    signal, signal_lines = _signal(phrases.rising(entry), entry.spark if entry.section == RISING else "")
    url, searched = block.url, block.found_by_search
    if searched and links.paper:
        url, searched = escape(links.paper(entry.paper)), False
    shared = _Shared(
        title, abstract, about, reason, signal, url, block.linked_title, searched, block.pdf, block.code
    )  # fmt: skip
    give = links.feedback
    more, less = (give(entry, MORE), give(entry, LESS)) if give else (None, None)
    mute = give(entry, MUTE) if give and entry.matched else None
    return _Paper(
        piece=_piece(shared, more, less, mute),
        lines=_lines(block, (about_lines, signal_lines, reason_lines), url),
        shared=shared,
        more=more,
        less=less,
        mute=mute,
    )


def _piece(shared: _Shared, *given: str | None) -> Markup:
    """The paper in HTML: rendered once for all who see the same, the reader's links put in."""
    page = _pieces(shared, tuple(link is not None for link in given))
    for place, link in zip(_PLACES, given, strict=True):
        if link is not None:
            page = page.replace(place, html.escape(link))
    return Markup(page)  # noqa: S704 - a template's own output


@lru_cache(maxsize=8192)
def _pieces(shared: _Shared, given: tuple[bool, ...]) -> str:
    """The paper in HTML with places for the reader's links."""
    places = (place if there else None for place, there in zip(_PLACES, given, strict=True))
    return templates.piece("digest").render(paper=shared, **dict(zip(("more", "less", "mute"), places, strict=True)))


def _about(block: PaperBlock, followed: tuple[str, ...]) -> tuple[Markup, str]:
    """Authors and facts, for HTML and for a terminal; the block's own unless an author wears a star."""
    if not followed:
        return block.about, block.about_lines
    names = byline(block.authors, block.complete, followed)
    about = " · ".join(part for part in (names, block.facts) if part)
    return shown(about), wrap(about, INDENT)


@lru_cache(maxsize=8192)
def _line(text: str) -> tuple[Markup, str]:
    """A reason, for HTML and for a terminal. Readers with one topic share it."""
    return shown(text), wrap(text, INDENT)


@lru_cache(maxsize=8192)
def _signal(facts: str, spark: str) -> tuple[Markup, str]:
    """The facts behind *rising*. The bars are for eyes: a reader of screens would spell them out."""
    if not spark:
        return _line(facts)
    bars = Markup(' · <span aria-hidden="true">{}</span>').format(spark)
    return shown(facts) + bars, wrap(f"{facts} · {spark}", INDENT)


def _lines(block: PaperBlock, about: tuple[str, ...], url: Markup) -> str:
    """The paper in the text part: title, authors, reason, abstract, address."""
    lines = [block.title_lines, *filter(None, about)]
    if block.abstract_lines:
        lines += ["", block.abstract_lines]
    lines += ["", INDENT + url.unescape()]
    if block.code:
        lines.append(f"{INDENT}Code: {block.code.unescape()}")
    return "\n".join(lines)
