"""A paper in a mail, shared by all who got it for the same reasons; the prefix of feedback links is inserted later.

Title, excerpt, summary, source and links, the same in all mails: `paper_block.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup, escape

from digest.compose.edition import RISING, Entry
from digest.compose.email import match_reason, template_environment
from digest.compose.email.paper_block import INDENT, PaperBlock, PaperBlocks
from digest.compose.email.template_context import RATE, Recipient, feedback_suffix
from digest.compose.text.bylines import byline
from digest.compose.text.highlighting import bind_dots, escape_text
from digest.compose.text.no_wrap import no_wrap
from digest.compose.text.text_wrapping import shorten, wrap
from digest.i18n import localize
from digest.papers import Record, Summary

# Places of texts and links in the rendered template. No text of a paper holds a control character.
_LINK, _TITLE, _ABSTRACT, _BYLINE, _REASON, _SIGNAL, _NAME, _SUMMARY = map(Markup, "\x01\x02\x03\x04\x05\x06\x07\x0e")
_NONE = Markup()
LABEL_LENGTH = 48  # characters of a title in the label of a link


class SharedParts(NamedTuple):
    """The parts of a paper that a template uses. `name`: for the labels that screen readers say of links.

    `cite`: the address where the paper's page cites it; None in mails.
    """

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
    other_version: Markup | None
    version_label: str
    name: Markup
    origin: Markup
    summary: Markup
    cite: Markup | None = None


@dataclass(frozen=True, slots=True)
class _EntryTexts:
    """The texts of a paper that differ between subscribers."""

    title: Markup
    abstract: Markup
    byline: Markup
    reason: Markup
    signal: Markup


@dataclass(frozen=True, slots=True)
class PaperView:
    """A paper rendered for all who got it for the same reasons.

    Between the `parts` of its HTML goes the prefix of one edition's feedback links; `rate` ends the link. `category`:
    the reason where no topic is; `words`: of the text part.
    """

    title: str
    shared: SharedParts
    parts: tuple[str, ...]
    lines: str
    rate: str | None
    category: str
    words: int


def render_paper(
    entry: Entry,
    record: Record,
    recipient: Recipient,
    blocks: PaperBlocks,
    *,
    page: Callable[[int], str] | None,
    with_feedback: bool,
    with_citation: bool = False,
    category: str = "",
    summaries: tuple[Summary, ...] = (),
) -> PaperView:
    """One paper of an edition: the shared block with its words marked, and the reason.

    `page` returns a paper's public page; `with_feedback`: add feedback links; `with_citation`: a link to cite it;
    `category`: the reason where no topic is.
    """
    block = blocks.block_of(entry.paper, entry.revision, record, entry.novelty, summaries)
    matched_words = [match.words for match in match_reason.named_topics(entry, recipient.topics)]
    groups = (*matched_words, *([entry.example_words] if entry.example else []))
    title, abstract, abstract_lines = blocks.marked(entry.paper, entry.revision, groups, block)
    about, about_lines = _authors_and_facts(block, entry.followed)
    reason, reason_lines = _reason_line(match_reason.reason_line(entry, recipient, category, block.title), category)
    signal, signal_lines = _signal(
        match_reason.rising_line(entry), match_reason.one_line(entry.spark) if entry.section == RISING else ""
    )
    texts = _EntryTexts(title, abstract, about, reason, signal)
    shared = _shared_parts(block, texts, page(entry.paper) if page else None, with_citation=with_citation)
    rate = feedback_suffix(entry.paper, RATE) if with_feedback else None
    lines = _lines(block, (about_lines, signal_lines, reason_lines), abstract_lines, shared.url)
    return PaperView(
        title=block.title,
        shared=shared,
        parts=_parts(shared, rate),
        lines=lines,
        rate=rate,
        category=category,
        words=len(lines.split()),
    )


def _shared_parts(block: PaperBlock, texts: _EntryTexts, own_page: str | None, *, with_citation: bool) -> SharedParts:
    """The parts for the template. A paper that has only an address of a search links to its own page, if any."""
    links_to_own_page = block.found_by_search and own_page is not None
    return SharedParts(
        title=texts.title,
        abstract=texts.abstract,
        byline=texts.byline,
        reason=texts.reason,
        signal=texts.signal,
        url=escape(own_page) if links_to_own_page else block.url,
        linked=block.linked_title,
        searched=block.found_by_search and not links_to_own_page,
        pdf=block.pdf,
        code=block.code,
        other_version=block.other_version,
        version_label=block.version_label,
        name=escape_text(shorten(block.title, LABEL_LENGTH)),
        origin=block.origin,
        summary=block.shown_summary,
        cite=escape(f"{own_page}#cite") if own_page and with_citation else None,
    )


def _parts(shared: SharedParts, rate: str | None) -> tuple[str, ...]:
    """The paper in HTML, split where the prefix of the feedback links goes."""
    frame = shared._replace(
        title=_TITLE,
        abstract=_ABSTRACT if shared.abstract else _NONE,
        byline=_BYLINE if shared.byline else _NONE,
        reason=_REASON if shared.reason else _NONE,
        signal=_SIGNAL if shared.signal else _NONE,
        name=_NAME,
        summary=_SUMMARY if shared.summary else _NONE,
    )
    texts: dict[str, Markup] = {
        _TITLE: shared.title, _ABSTRACT: shared.abstract, _BYLINE: shared.byline,
        _REASON: shared.reason, _SIGNAL: shared.signal, _NAME: shared.name,
        _SUMMARY: shared.summary,
    }  # fmt: skip
    piece = "".join([texts.get(part, part) for part in _render_frame(frame, rate)])
    return tuple(piece.split(_LINK))


@lru_cache(maxsize=4096)
def _render_frame(frame: SharedParts, rate: str | None) -> tuple[str, ...]:
    """The template around a paper's texts and links, in pieces; shared by papers with the same parts."""
    page = template_environment.piece_template("digest").render(paper=frame, rate=_LINK + rate if rate else None)
    return tuple(re.split("([\x02-\x07\x0e])", page))


def _authors_and_facts(block: PaperBlock, followed: tuple[str, ...]) -> tuple[Markup, str]:
    """Authors and facts, for HTML and for a terminal; the block's own unless an author is marked with a star."""
    if not followed:
        return block.about, block.about_lines
    names = byline(block.authors, block.complete, followed)
    html_line = Markup(" · ").join(filter(None, (escape_text(names), block.shown_facts)))
    return bind_dots(html_line), wrap(" · ".join(filter(None, (names, block.facts))), INDENT)


@lru_cache(maxsize=8192)
def _reason_line(text: str, category: str = "") -> tuple[Markup, str]:
    """A reason, for HTML and for a terminal. Subscribers with the same topic share it."""
    return bind_dots(no_wrap(text, [category])), wrap(text, INDENT)


@lru_cache(maxsize=8192)
def _signal(facts: str, spark: str) -> tuple[Markup, str]:
    """The reason of a rising paper. The bars are hidden from screen readers, which would spell them out."""
    if not spark:
        return _reason_line(facts)
    bars = Markup('&nbsp;·&nbsp;<span aria-hidden="true">{}</span>').format(spark)
    lines = wrap(f"{facts} · {spark}", INDENT)
    if lines.endswith(f"·\n{INDENT}{spark}"):  # bars do not stand alone in a line: they take the last word along
        head, _, word = wrap(facts, INDENT).rpartition(" ")
        lines = f"{head}\n{INDENT}{word} · {spark}"
    return escape_text(facts) + bars, lines


def _lines(block: PaperBlock, about: tuple[str, ...], abstract_lines: str, url: Markup) -> str:
    """The paper in the text part: title, authors, reason, summary, abstract, address."""
    lines = [block.title_lines, *filter(None, about)]
    if block.summary_lines:
        lines += ["", block.summary_lines]
    if abstract_lines:
        lines += ["", abstract_lines]
    lines += ["", INDENT + url.unescape()]
    if block.other_version:
        lines += [f"{INDENT}{block.version_label}:", INDENT + block.other_version.unescape()]
    if block.code:
        lines += [INDENT + localize("Code:"), INDENT + block.code.unescape()]
    return "\n".join(lines)
