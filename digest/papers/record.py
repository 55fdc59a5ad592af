"""What sources tell of a paper: records, what stands beside them, and what could not be read. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import date
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Record:
    """One paper as a source gives it, or as merged from several. Missing is None or empty: unknown, never zero.

    `categories` are arXiv's names (`cs.LG`), the primary one first. `version` is the source's version number.
    `title_derived` marks a title made from the abstract's first sentence. `authors_complete` is False after 'et al.'.
    `has_code` is True where a source marks code or `code_url` is known; False means unknown.
    """

    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    authors_complete: bool = True
    arxiv_id: str | None = None
    version: int = 1
    doi: str | None = None
    categories: tuple[str, ...] = ()
    comment: str | None = None
    institutions: tuple[str, ...] = ()
    venue: str | None = None
    code_url: str | None = None
    published: date | None = None
    title_derived: bool = False
    withdrawn: bool = False
    has_code: bool = False

    def __reduce__(self) -> tuple[type[Record], tuple[object, ...]]:
        """Between processes as the values alone, which is faster than by the names of the fields."""
        return Record, _VALUES(self)


_VALUES = attrgetter(*(one.name for one in fields(Record)))


@dataclass(frozen=True, slots=True)
class PaperKeys:
    """Keys of one record. `alike`: of title and abstract, which a twin shares; `people`: of its authors."""

    similarity_keys: tuple[str, ...]
    author_keys: tuple[str, ...]

    def __reduce__(self) -> tuple[type[PaperKeys], tuple[object, ...]]:
        """As `Record` goes."""
        return PaperKeys, (self.similarity_keys, self.author_keys)


@dataclass(frozen=True, slots=True)
class ListedPaper:
    """A record with what its source says beside it: how it is announced, and counters by name (`upvotes`, `rank`).

    `keys`: of this record, where they were made ahead; then it is storable, too. `summary`: one line that the source
    made of the paper, '' for none.
    """

    record: Record
    announce_type: str | None = None  # arXiv's own words: new, cross, replace, replace-cross
    signals: tuple[tuple[str, float], ...] = ()
    keys: PaperKeys | None = field(default=None, compare=False, repr=False)
    summary: str = ""

    def __reduce__(self) -> tuple[type[ListedPaper], tuple[object, ...]]:
        """As `Record` goes."""
        return ListedPaper, (self.record, self.announce_type, self.signals, self.keys, self.summary)


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """One piece of a document that could not be read: where (line, row or entry from 1), why, and how it begins."""

    position: int
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class AuthorFigures:
    """Figures of an author's page as the source prints them."""

    h_index: int | None = None
    papers: int | None = None
    citations: int | None = None
    novelty: int | None = None
    ai_score: int | None = None


@dataclass(frozen=True, slots=True)
class AuthorProfile:
    """An author with figures. `key` tells people of one name apart where the source has keys."""

    name: str
    figures: AuthorFigures
    key: str = ""


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """What a parser found in one document: papers in its order, pieces it refused, the announcement's date if told.

    `figures`: of the author whose page the document is; `people`: of authors that it names. `cut`: the document breaks
    off, so papers may be missing.
    """

    papers: tuple[ListedPaper, ...] = ()
    rejected: tuple[RejectedItem, ...] = ()
    announced: date | None = None
    figures: AuthorFigures | None = None
    authors: tuple[AuthorProfile, ...] = ()
    notes: tuple[str, ...] = field(default=())
    is_cut: bool = False


def single_author(parsed: ParsedDocument) -> AuthorProfile | None:
    """Whose page the document is: the one name on most of its papers, with the figures; None where nobody's."""
    count = Counter(name for item in parsed.papers for name in item.record.authors)
    if parsed.figures is None or not count:
        return None
    (name, most), *others = count.most_common(2)
    alone = 2 * most > len(parsed.papers) and all(most > number for _, number in others)
    return AuthorProfile(name, parsed.figures) if alone else None
