"""The part of a paper that is the same in all mails: rendered once and shared by the run.

Keyed by paper and revision, because an edition shows the paper as it was when it was chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar
from urllib.parse import quote

from markupsafe import Markup, escape

from digest.compose.email.match_reason import NAMED_TOPICS
from digest.compose.text.bylines import byline
from digest.compose.text.excerpt import excerpt, excerpt_with_words, finds_words
from digest.compose.text.highlighting import WordPattern, bind_dots, compile_pattern, escape_text, mark_words
from digest.compose.text.no_wrap import no_wrap
from digest.compose.text.preprint_servers import preprint_server
from digest.compose.text.sentence_scores import Sentence, scored_sentences
from digest.compose.text.term_rarity import rarest_first
from digest.compose.text.text_wrapping import shorten, wrap
from digest.i18n import localize, localize_plural
from digest.papers import Record, Summary, is_preprint_doi, numbers_agree, outlet_key, outlet_names
from digest.papers.subjects import category_text
from digest.text.plain_text import one_line
from digest.text.tex import readable

if TYPE_CHECKING:
    from digest.compose.email.paper_view import PaperView

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
INDENT = "  "
MIN_UNUSUAL_NOVELTY = 93  # nine in ten papers of a field have a novelty of 70 to 92 (`matching.scoring.novelty`)
WordGroups = tuple[tuple[str, ...], ...]  # matched words, one group a topic
_JOURNAL = "\x01"  # the place of a journal's name; no text of a paper holds a control character
_MAX_ABSTRACT_READ = 6_000  # characters of an abstract that are read at all: an excerpt needs the first few hundred
_HTTPS = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][!#-;=?-Z\[\]_a-z~]*)?")
_PAGES = re.compile(r"\b([1-9]\d{0,3})(?: \w+)? (?:pages|pp)\b", re.IGNORECASE)
_ADDRESS_LIKE = re.compile(r"https?:|www\.|\w\.(?:com|org|net|io|ai|edu|gov|dev|app|co)\b|@\w", re.IGNORECASE)
_TLS_HOSTS = ("github.com", "gitlab.com", "huggingface.co", "arxiv.org", "doi.org", "bitbucket.org")


@dataclass(frozen=True, slots=True)
class PaperLinks:
    """Where a paper and its parts are, escaped for HTML.

    `other_version`: the address of the published version, or of the preprint where `url` is the published version.
    """

    url: Markup
    found_by_search: bool
    pdf: Markup | None
    code: Markup | None
    other_version: Markup | None
    version_label: str


@dataclass(frozen=True, slots=True)
class PaperBlock(PaperLinks):
    """One revision of a paper, ready to be rendered. Texts are plain; `*_lines` are wrapped; `abstract`: the excerpt.

    `sentences`: those of the abstract, with their scores.
    `origin`: the words before the summary, `In short, by Hugging Face:`; both are '' without one.
    """

    title: str
    shown_title: Markup
    abstract: str
    shown_abstract: Markup
    authors: tuple[str, ...]
    complete: bool
    facts: str
    shown_facts: Markup
    about: Markup
    about_lines: str
    linked_title: bool
    title_lines: str
    abstract_lines: str
    sentences: tuple[Sentence, ...]
    origin: Markup
    shown_summary: Markup
    summary_lines: str


class FifoCache(Generic[Key, Value]):
    """A cache of the last `size` values; the oldest goes first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: dict[Key, Value] = {}

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value for the key, created at the first call."""
        value = self._values.get(key)
        if value is None:
            if len(self._values) >= self._size:
                del self._values[next(iter(self._values))]
            value = self._values[key] = make()
        return value


class MarkedTexts(NamedTuple):
    """A paper's title and excerpt with matched words marked, and the excerpt's lines for the text part."""

    title: Markup
    abstract: Markup
    abstract_lines: str


class PaperBlocks:
    """Rendered parts of papers that the mails of a run share, at most `size` of each kind.

    `views`: papers rendered for all subscribers who got them for the same reasons.
    """

    def __init__(self, size: int = 8192) -> None:
        self._blocks: FifoCache[tuple[int, int, int | None, tuple[Summary, ...]], PaperBlock] = FifoCache(size)
        self._marked: FifoCache[tuple[int, int, WordGroups], MarkedTexts] = FifoCache(size)
        self.views: FifoCache[Hashable, PaperView] = FifoCache(size)

    def block_of(
        self,
        paper: int,
        revision: int,
        record: Record,
        novelty: int | None = None,
        summaries: tuple[Summary, ...] = (),
    ) -> PaperBlock:
        """The block of this revision, built at the first call."""
        return self._blocks.get((paper, revision, novelty, summaries), lambda: paper_block(record, novelty, summaries))

    def marked(self, paper: int, revision: int, groups: WordGroups, block: PaperBlock) -> MarkedTexts:
        """Title and excerpt with these words marked, a group a topic.

        The excerpt gets a sentence for the rarest term of each of the first topics, which the reason names, where
        neither it nor the title shows that.
        """
        return self._marked.get((paper, revision, groups), lambda: _mark_words(block, groups))


def _mark_words(block: PaperBlock, groups: WordGroups) -> MarkedTexts:
    words_pattern = compile_pattern(tuple([word for group in groups for word in group]))
    title = mark_words(block.title, words_pattern, block.shown_title)
    patterns = [pattern for group in groups[:NAMED_TOPICS] if (pattern := _rarest_term(block, group))]
    not_in_title = [pattern for pattern in patterns if not finds_words(pattern, block.title)]
    extended = block.abstract
    if not all(finds_words(pattern, block.abstract) for pattern in not_in_title):
        extended = excerpt_with_words(block.sentences, not_in_title)
    if extended == block.abstract:
        abstract = mark_words(extended, words_pattern, block.shown_abstract)
        return MarkedTexts(title, abstract, block.abstract_lines)
    return MarkedTexts(title, mark_words(extended, words_pattern, escape_text(extended)), wrap(extended, INDENT))


def _rarest_term(block: PaperBlock, terms: Sequence[str]) -> WordPattern | None:
    """A pattern that finds the rarest of the terms that the title or abstract holds; None if they hold none."""
    if len(terms) == 1:
        return compile_pattern(tuple(terms))
    for term in rarest_first(terms):
        pattern = compile_pattern((term,))
        if pattern and any(finds_words(pattern, text) for text in (block.title, *[s.text for s in block.sentences])):
            return pattern
    return None


def paper_block(record: Record, novelty: int | None = None, summaries: Sequence[Summary] = ()) -> PaperBlock:
    """The block of one record. `novelty`: 0 to 100, None where it is unknown. `summaries`: the preferred first."""
    title = readable_title(record)
    source = _abstract(record, title)
    sentences = tuple(scored_sentences(source, title))
    abstract = excerpt(sentences)
    names, fact_line = byline(record.authors, record.authors_complete), facts(record, novelty)
    shown_facts = _shown_facts(record, novelty)
    about = " · ".join(filter(None, (names, fact_line)))
    origin, summary = short_summary(summaries, title, source)
    return PaperBlock(
        **asdict(paper_links(record, title)),
        title=title,
        shown_title=escape_text(title),
        abstract=abstract,
        shown_abstract=escape_text(abstract),
        authors=record.authors,
        complete=record.authors_complete,
        facts=fact_line,
        shown_facts=shown_facts,
        about=bind_dots(Markup(" · ").join(filter(None, (escape_text(names), shown_facts)))),
        about_lines=wrap(about, INDENT),
        linked_title=not _ADDRESS_LIKE.search(title),
        title_lines=wrap(title),
        abstract_lines=wrap(abstract, INDENT),
        sentences=sentences,
        origin=escape_text(origin),
        shown_summary=escape_text(summary),
        summary_lines=wrap(f"{origin} {summary}", INDENT) if summary else "",
    )


def paper_links(record: Record, title: str) -> PaperLinks:
    """The links of a paper. `title`: the readable one, for a search where nothing else is known."""
    url, searched = _url(record, title)
    code = safe_link(record.code_url)
    other_doi, version_label = _other_version(record)
    return PaperLinks(
        url=escape(url),
        found_by_search=searched,
        pdf=escape(f"https://arxiv.org/pdf/{quote(record.arxiv_id)}") if record.arxiv_id else None,
        code=escape(code) if code else None,
        other_version=escape(_doi_url(other_doi)) if other_doi else None,
        version_label=version_label,
    )


def abstract_excerpt(record: Record, title: str) -> str:
    """The excerpt of the abstract, as mails have it. `title`: the readable one."""
    return _excerpt(_abstract(record, title), title)


@lru_cache(maxsize=1024)  # many visitors see the newest papers
def _excerpt(abstract: str, title: str) -> str:
    return excerpt(scored_sentences(abstract, title))


def short_summary(summaries: Iterable[Summary], title: str, abstract: str) -> tuple[str, str]:
    """The words that say who made it, and the first summary without numbers that title and abstract lack; else ''."""
    for summary in summaries:
        text = readable(summary.text)
        if numbers_agree(text, title, abstract):
            return localize("In short, by %(source)s:", source=summary.origin), text
    return "", ""


def readable_title(record: Record) -> str:
    """The title as mails and pages show it, never empty."""
    return shorten(readable(record.title[:2000]), 300) or localize("Untitled paper")


class SourceText(NamedTuple):
    """Where a paper appears, with a place for the name of a journal, which pages print in italics."""

    text: str
    journal: str = ""

    def __str__(self) -> str:
        """In plain text: `An Index: Nature`, `A Server preprint · now in Nature`."""
        return self.text.replace(_JOURNAL, self.journal)


def source_text(record: Record) -> SourceText:
    """Where a paper outside arXiv appears; empty for papers of arXiv, which are the usual case."""
    names = [shorten(readable(name[:200]), 40) for name in outlet_names(record)]
    if not names or record.arxiv_id:
        return SourceText("")
    journal = shorten(readable((record.venue or "")[:200]), 40)
    if has_published_version(record) and journal:
        server = preprint_server(record.preprint_dois[0]) or (names[0] if len(names) == 1 and not record.pmid else "")
        preprint = localize("%(server)s preprint", server=server) if server else ""
        published = localize("now in %(journal)s", journal=_JOURNAL)
        return SourceText(" · ".join(filter(None, (preprint, published))), journal)
    if len(names) == 1 and is_preprint_doi(record.doi or ""):
        return SourceText(localize("%(server)s preprint", server=names[0]))
    others = [name for name in names if outlet_key(name) != outlet_key(journal)]
    if not journal and len(names) == 1:
        return SourceText(_JOURNAL, names[0])
    return SourceText(": ".join(filter(None, (", ".join(others), _JOURNAL if journal else ""))), journal)


def facts(record: Record, novelty: int | None = None) -> str:
    """Source, category, code, venue, institution, length and unusual novelty, as far as known, with dots between."""
    return " · ".join(_fact_parts(record, novelty, str(source_text(record))))


def _shown_facts(record: Record, novelty: int | None) -> Markup:
    """The same in HTML."""
    source = source_text(record)
    text = no_wrap(" · ".join(_fact_parts(record, novelty, source.text)), [first_category(record)])
    return Markup(text.replace(_JOURNAL, Markup("<i>{}</i>").format(escape_text(source.journal))))  # noqa: S704


def _fact_parts(record: Record, novelty: int | None, source: str) -> list[str]:
    parts = [
        withdrawal_mark(record),
        source,
        first_category(record),
        localize("code") if record.has_code or record.code_url else "",
        "" if source else shown_venue(record),
        shorten(readable(record.institutions[0][:200]), 40) if record.institutions else "",
        _length(record.comment or ""),
        localize("unusual for its field") if is_unusual(record, novelty) else "",
    ]
    return [part for part in parts if part]


def withdrawal_mark(record: Record) -> str:
    """`retracted` (by the publisher) or `withdrawn` (by the authors), '' for other papers."""
    if record.retracted:
        return localize("retracted")
    return localize("withdrawn") if record.withdrawn else ""


def shown_venue(record: Record) -> str:
    """The venue; of a preprint that was published there since, `now in Nature`; '' for none."""
    venue = shorten(readable((record.venue or "")[:200]), 40)
    return localize("now in %(journal)s", journal=venue) if venue and has_published_version(record) else venue


def has_published_version(record: Record) -> bool:
    """True for a preprint whose published version is known."""
    return bool(
        record.doi and not is_preprint_doi(record.doi) and (record.preprint_dois or (record.arxiv_id and record.issued))
    )


def _other_version(record: Record) -> tuple[str, str]:
    """DOI and label of the version that the main link does not lead to; '' for none."""
    if record.doi and record.arxiv_id and not is_preprint_doi(record.doi):
        return record.doi, localize("Published version")
    if record.preprint_dois and not record.arxiv_id:
        return record.preprint_dois[0], localize("Preprint")
    return "", ""


def _doi_url(doi: str) -> str:
    return f"https://doi.org/{quote(doi)}"


def _length(comment: str) -> str:
    """`12 pages`, as the authors' comment says; '' where it does not."""
    match = _PAGES.search(comment[:200])
    return localize_plural("%(n)s page", "%(n)s pages", int(match[1])) if match else ""


def is_unusual(record: Record, novelty: int | None) -> bool:
    """True for the top 5 % of novelty, the only ones that are mentioned; a paper without category is of no field."""
    return bool(record.categories) and novelty is not None and novelty >= MIN_UNUSUAL_NOVELTY


def first_category(record: Record) -> str:
    """The field a paper is listed in first; '' for none."""
    return one_line(category_text(record.categories[0])[:60]) if record.categories else ""


def safe_link(url: str | None) -> str | None:
    """The address if it is safe to link; large hosts are known to speak TLS, others must say so."""
    if not url or len(url) > 500:
        return None
    host = url.removeprefix("http://").removeprefix("www.")
    if url.startswith("http://") and host.startswith(_TLS_HOSTS):
        url = "https://" + url.removeprefix("http://")
    return url if _HTTPS.fullmatch(url) else None


def _url(record: Record, title: str) -> tuple[str, bool]:
    """Where the paper is; a search for its title where neither an identifier nor its page is known."""
    if record.arxiv_id:
        return f"https://arxiv.org/abs/{quote(record.arxiv_id)}", False
    if record.doi:
        return _doi_url(record.doi), False
    if page := safe_link(record.url):
        return page, False
    return f"https://arxiv.org/search/?query={quote(title[:120])}&searchtype=title", True


def _abstract(record: Record, title: str) -> str:
    """The readable abstract; without its first sentence where the title was derived from that."""
    text = readable(record.abstract[:_MAX_ABSTRACT_READ])
    start = title.rstrip(".…")
    if record.title_derived and start and text.startswith(start):
        remainder = text[len(start) :]
        sentence = re.match(r"[^.!?]{0,400}[.!?]+\s+", remainder)
        text = remainder[sentence.end() :] if sentence else text
    return text
