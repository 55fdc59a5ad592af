"""What sources provide about papers: records, announce types, signals, authors' figures, rejected items. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import date
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Record:
    """One paper from a source, or merged from several. None or empty means unknown, never zero.

    `categories` are arXiv's names (`cs.LG`) or codes of `papers.subjects` (`bio.genomics`), the primary one first.
    `version` is the source's version number.
    `title_derived` marks a title made of the abstract's first sentence. `authors_complete` is False after 'et al.'.
    `has_code` is True where a source marks code or `code_url` is known; False means unknown. `doi` is that of the
    published version where it is known, which appeared on `issued`; then `preprint_dois` has those of the preprints.
    `venue`: the journal or conference. `retracted` papers are `withdrawn` too. `language`: ISO 639-1 or -3, as the
    source says. `outlets`: names of the outlets beside arXiv that carry it (`papers.outlets`). `url`: its page,
    for a paper without identifier.
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
    preprint_dois: tuple[str, ...] = ()
    pmid: str | None = None
    retracted: bool = False
    language: str | None = None
    keywords: tuple[str, ...] = ()
    issued: date | None = None
    outlets: tuple[str, ...] = ()
    url: str | None = None

    def __reduce__(self) -> tuple[type[Record], tuple[object, ...]]:
        """Pickle the values without the field names, which is faster."""
        return Record, _field_values(self)


_field_values = attrgetter(*(item.name for item in fields(Record)))


@dataclass(frozen=True, slots=True)
class PaperKeys:
    """Keys of one record. `similarity_keys`: of title and abstract, shared by duplicates; `author_keys`: of authors."""

    similarity_keys: tuple[str, ...]
    author_keys: tuple[str, ...]

    def __reduce__(self) -> tuple[type[PaperKeys], tuple[object, ...]]:
        """Pickle the values only."""
        return PaperKeys, (self.similarity_keys, self.author_keys)


@dataclass(frozen=True, slots=True)
class AuthorId:
    """A source's id of an author of a paper. `name`: as the source prints it there; `institution`: '' if unknown."""

    name: str
    scheme: str
    value: str
    institution: str = ""


@dataclass(frozen=True, slots=True)
class ListedPaper:
    """A record with its announce type and counters by name (`upvotes`, `rank`).

    `keys`: of this record, where they were computed in advance; then the record is storable, too. `summary`: the
    source's one-line summary of the paper, '' for none. `author_ids`: those that the source has, in no order.
    """

    record: Record
    announce_type: str | None = None  # in arXiv's terms: new, cross, replace, replace-cross
    signals: tuple[tuple[str, float], ...] = ()
    keys: PaperKeys | None = field(default=None, compare=False, repr=False)
    summary: str = ""
    author_ids: tuple[AuthorId, ...] = ()

    def __reduce__(self) -> tuple[type[ListedPaper], tuple[object, ...]]:
        """Pickle the values only."""
        return ListedPaper, (
            self.record,
            self.announce_type,
            self.signals,
            self.keys,
            self.summary,
            self.author_ids,
        )


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """An item of a document that could not be used. `position`: line, row or entry from 1; `excerpt`: its start.

    `identity`: a text that is the same whenever the item comes again; '' where the excerpt is.
    """

    position: int
    reason: str
    excerpt: str
    identity: str = ""


@dataclass(frozen=True, slots=True)
class AuthorFigures:
    """Figures of an author as the source prints them."""

    h_index: int | None = None
    papers: int | None = None
    citations: int | None = None
    novelty: int | None = None
    ai_score: int | None = None


@dataclass(frozen=True, slots=True)
class AuthorProfile:
    """An author with figures. `key` distinguishes people of one name where the source has keys."""

    name: str
    figures: AuthorFigures
    key: str = ""


@dataclass(frozen=True, slots=True)
class AuthorCandidate:
    """Somebody of a name whom a source knows. `ids`: (scheme, value), the most reliable first; `papers`: their number.

    `titles`: of recent papers, newest first; '' and () for unknown.
    """

    name: str
    ids: tuple[tuple[str, str], ...]
    institution: str = ""
    papers: int = 0
    titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A parsed document: papers in its order, rejected items, the announcement's date (None: not in it).

    `figures`: of the author whose page the document is; `authors`: figures of authors that it names. `is_cut`: the
    document is truncated, so papers may be missing. `is_author_page`: all its papers are of one author.
    """

    papers: tuple[ListedPaper, ...] = ()
    rejected: tuple[RejectedItem, ...] = ()
    announced: date | None = None
    figures: AuthorFigures | None = None
    authors: tuple[AuthorProfile, ...] = ()
    notes: tuple[str, ...] = field(default=())
    is_cut: bool = False
    is_author_page: bool = False


_MIN_COMPLETE = 3  # papers with all their authors, where the lists of others end with 'et al.'


def page_author(parsed: ParsedDocument) -> str | None:
    """The author whose page the document is; None for other pages and in doubt.

    It is the only name on most papers. Lists that end with 'et al.' may lack it, so only the complete ones count, if
    there are at least three; with fewer of them, it must be on every paper.
    """
    authored = [item.record for item in parsed.papers if item.record.authors]
    complete = [record for record in authored if record.authors_complete]
    if not (parsed.is_author_page or parsed.figures) or not authored:
        return None
    has_enough = len(complete) == len(authored) or len(complete) >= _MIN_COMPLETE
    records = complete if has_enough else authored
    (name, name_count), *others = Counter(name for record in records for name in record.authors).most_common(2)
    is_frequent = 2 * name_count > len(records) if has_enough else name_count == len(records) >= _MIN_COMPLETE
    return name if is_frequent and all(name_count > number for _, number in others) else None


def single_author(parsed: ParsedDocument) -> AuthorProfile | None:
    """The author whose page the document is, with figures; None for other pages."""
    name = page_author(parsed) if parsed.figures else None
    return AuthorProfile(name, parsed.figures) if name and parsed.figures else None
