"""A paper's part of a mail that is the same for all readers: made once, shared by the run.

Keyed by paper and revision, because an edition shows the paper as it was when it was chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import quote

from markupsafe import Markup, escape

from digest.compose.text.bylines import byline
from digest.compose.text.highlighting import fold, marked, pattern, shown
from digest.compose.text.text_wrapping import excerpt, shortened, wrap
from digest.i18n import say
from digest.papers import Record
from digest.text.plain_text import one_line
from digest.text.tex import readable

if TYPE_CHECKING:
    from digest.compose.email.paper_view import View

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")
INDENT = "  "
_SOURCE = 6_000  # characters of an abstract that are read at all: an excerpt needs the first few hundred
_HTTPS = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][!#-;=?-Z\[\]_a-z~]*)?")
_ADDRESS_LIKE = re.compile(r"https?:|www\.|\w\.(?:com|org|net|io|ai|edu|gov|dev|app|co)\b|@\w", re.IGNORECASE)
_TLS = ("github.com", "gitlab.com", "huggingface.co", "arxiv.org", "doi.org", "bitbucket.org")


@dataclass(frozen=True, slots=True)
class PaperBlock:
    """One revision of a paper, ready to be shown. Texts are readable and clean; lines are wrapped for a terminal."""

    title: str
    shown_title: Markup
    folded_title: str
    abstract: str
    shown_abstract: Markup
    folded_abstract: str
    authors: tuple[str, ...]
    complete: bool
    facts: str
    about: Markup
    about_lines: str
    category: str
    url: Markup
    found_by_search: bool
    pdf: Markup | None
    code: Markup | None
    linked_title: bool
    title_lines: str
    abstract_lines: str


class Kept(Generic[Key, Made]):
    """The last `size` things made, by their keys."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._made: dict[Key, Made] = {}

    def get(self, key: Key, make: Callable[[], Made]) -> Made:
        """What is kept for the key, made at the first call."""
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= self._size:
                del self._made[next(iter(self._made))]
            found = self._made[key] = make()
        return found


class Blocks:
    """What the mails of a run share of papers, at most `size` of each kind.

    `views`: papers as all see them who got them for the same reasons.
    """

    def __init__(self, size: int = 8192) -> None:
        self._blocks: Kept[tuple[int, int, int | None], PaperBlock] = Kept(size)
        self._marked: Kept[tuple[int, int, tuple[str, ...]], tuple[Markup, Markup]] = Kept(size)
        self.views: Kept[Hashable, View] = Kept(size)

    def of(self, paper: int, revision: int, record: Record, novelty: int | None = None) -> PaperBlock:
        """The block of this revision, made at the first call."""
        return self._blocks.get((paper, revision, novelty), lambda: block(record, novelty))

    def marked(self, paper: int, revision: int, words: tuple[str, ...], one: PaperBlock) -> tuple[Markup, Markup]:
        """Title and abstract for HTML, these words marked."""

        def make() -> tuple[Markup, Markup]:
            found = pattern(words)
            title = marked(one.title, one.folded_title, found, one.shown_title)
            return title, marked(one.abstract, one.folded_abstract, found, one.shown_abstract)

        return self._marked.get((paper, revision, words), make)


def block(record: Record, novelty: int | None = None) -> PaperBlock:
    """The block of one record. `novelty`: 0 to 100, None where it is unknown."""
    title = shortened(readable(record.title[:2000]), 300) or say("Untitled paper")
    abstract = _abstract(record, title)
    url, searched = _url(record, title)
    known = facts(record, novelty)
    about = " · ".join(part for part in (byline(record.authors, record.authors_complete), known) if part)
    code = https(record.code_url)
    return PaperBlock(
        title=title,
        shown_title=shown(title),
        folded_title=fold(title),
        abstract=abstract,
        shown_abstract=shown(abstract),
        folded_abstract=fold(abstract),
        authors=record.authors,
        complete=record.authors_complete,
        facts=known,
        about=shown(about),
        about_lines=wrap(about, INDENT),
        category=_category(record),
        url=escape(url),
        found_by_search=searched,
        pdf=escape(f"https://arxiv.org/pdf/{quote(record.arxiv_id)}") if record.arxiv_id else None,
        code=escape(code) if code else None,
        linked_title=not _ADDRESS_LIKE.search(title),
        title_lines=wrap(title),
        abstract_lines=wrap(abstract, INDENT),
    )


def facts(record: Record, novelty: int | None = None) -> str:
    """Category, code, venue, institution, novelty: what is known, with dots between."""
    known = [
        say("withdrawn") if record.withdrawn else "",
        _category(record),
        say("code") if record.has_code or record.code_url else "",
        shortened(readable((record.venue or "")[:200]), 40),
        shortened(readable(record.institutions[0][:200]), 40) if record.institutions else "",
        say("novelty %(n)s", n=novelty) if novelty is not None else "",
    ]
    return " · ".join(fact for fact in known if fact)


def _category(record: Record) -> str:
    """The field a paper is listed in first; '' for none."""
    return one_line(record.categories[0][:40]) if record.categories else ""


def https(url: str | None) -> str | None:
    """The address if it is safe to link; large hosts are known to speak TLS, others must say so."""
    if not url or len(url) > 500:
        return None
    host = url.removeprefix("http://").removeprefix("www.")
    if url.startswith("http://") and host.startswith(_TLS):
        url = "https://" + url.removeprefix("http://")
    return url if _HTTPS.fullmatch(url) else None


def _url(record: Record, title: str) -> tuple[str, bool]:
    """Where the paper is; a search for its title where no identifier is known."""
    if record.arxiv_id:
        return f"https://arxiv.org/abs/{quote(record.arxiv_id)}", False
    if record.doi:
        return f"https://doi.org/{quote(record.doi)}", False
    return f"https://arxiv.org/search/?query={quote(title[:120])}&searchtype=title", True


def _abstract(record: Record, title: str) -> str:
    """The abstract's first sentences; without the first one where the title is made of it."""
    text = readable(record.abstract[:_SOURCE])
    start = title.rstrip(".…")
    if record.title_derived and start and text.startswith(start):
        rest = text[len(start) :]
        sentence = re.match(r"[^.!?]{0,400}[.!?]+\s+", rest)
        text = rest[sentence.end() :] if sentence else text
    return excerpt(text)
