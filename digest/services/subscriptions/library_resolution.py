"""Reads a library from wherever it is, and finds which of its papers are stored here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from sqlmodel import Session

from digest import papers
from digest.bibliography import orcid_fetch, zotero
from digest.bibliography.entry import BibliographyEntry, EntryProblem, ParsedBibliography
from digest.bibliography.parser_process import parse_in_child
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.errors import N_, BadInput
from digest.papers import Record
from digest.services.subscriptions.example_papers import ExampleEntry
from digest.sources import identifier_lookup

NOTHING = N_("paste identifiers or addresses of papers, or choose a file")
NOTHING_KNOWN = N_("none of these papers is stored here, and nothing else is known of them: %(identifiers)s")
MAX_LOOKED_UP = 200  # papers of one import that are not stored here
MAX_PASTED = 200_000  # characters of the paste box
_TITLE_KEY = "t:"


@dataclass(frozen=True, slots=True)
class LibrarySource:
    """Where a library is: exactly one of these. `zotero_key` may come with `zotero_library` or alone."""

    file: bytes | None = None
    pasted: str = ""
    zotero_library: str = ""
    zotero_key: str = field(default="", repr=False)
    orcid_id: str = ""

    @property
    def is_remote(self) -> bool:
        """True where it is fetched from Zotero or ORCID, which takes time but little computing."""
        return self.file is None and bool(self._zotero or self._orcid)

    @property
    def _zotero(self) -> str:
        """The Zotero library to read, or a key, or an address of one in the pasted text; '' for none."""
        pasted = self.pasted.strip()
        is_pasted = "\n" not in pasted and zotero.is_zotero_reference(pasted)
        return self.zotero_library.strip() or self.zotero_key.strip() or (pasted if is_pasted else "")

    @property
    def _orcid(self) -> str:
        """The ORCID iD, also where it is the pasted text; '' for none."""
        return self.orcid_id.strip() or (self.pasted.strip() if orcid_fetch.is_orcid_id(self.pasted) else "")

    def parse(self) -> ParsedBibliography:
        """Fetch and parse it. Raises BadInput, NotFound, SourceDown."""
        if self.file is not None:
            return parse_in_child(self.file)
        if self._zotero:
            address = self.zotero_library or ("" if self.zotero_key.strip() else self.pasted)
            return zotero.fetch_library(address, self.zotero_key)
        if self._orcid:
            return orcid_fetch.fetch_works(self._orcid)
        if not self.pasted.strip():
            raise BadInput(NOTHING, field="papers")
        if len(self.pasted) > MAX_PASTED:
            raise BadInput(N_("the pasted text is too long; save it to a file"), field="papers")
        return parse_in_child(self.pasted.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class ResolvedLibrary:
    """A library whose papers were looked up.

    `total`: its usable entries; `known`: how many papers are stored here; `repeated`: entries of a paper that came
    before; `unknown`: identifiers of entries without a title that are not stored here, so nothing is known of them.
    """

    form: str
    total: int
    stored_count: int
    repeated: int
    examples: tuple[ExampleEntry, ...]
    unknown: tuple[str, ...] = ()
    problems: tuple[EntryProblem, ...] = ()
    left_out: int = 0

    @property
    def awaited(self) -> tuple[ExampleEntry, ...]:
        """The unknown papers that the sources may know, to be looked up after an import: the first 200."""
        lookable = (identifier for identifier in self.unknown if identifier_lookup.is_lookable(identifier))
        return tuple(ExampleEntry("", "", identifier) for identifier in islice(lookable, MAX_LOOKED_UP))

    def with_examples(self, entries: tuple[ExampleEntry, ...]) -> ResolvedLibrary:
        """The library with these papers, which were unknown before."""
        identifiers = {entry.identifier for entry in entries}
        unknown = tuple(identifier for identifier in self.unknown if identifier not in identifiers)
        return replace(self, examples=(*self.examples, *entries), unknown=unknown)

    @property
    def lost(self) -> int:
        """How many entries could not be used because they are damaged."""
        return sum(problem.is_lost for problem in self.problems)


def read_library(source: LibrarySource) -> ResolvedLibrary:
    """Read a library and look up its papers. Nothing is stored.

    Raises BadInput for one that can't be read, NotFound and SourceDown for one that can't be fetched.
    """
    parsed = source.parse()
    with reading() as session:
        return resolve(session, parsed)


def read_usable_library(source: LibrarySource) -> ResolvedLibrary:
    """`read_library`, but raises BadInput too where nothing is known of any paper, and no source may know one."""
    library = read_library(source)
    return library if library.awaited else require_usable(library)


def require_usable(library: ResolvedLibrary) -> ResolvedLibrary:
    """The library. Raises BadInput where nothing is known of any of its papers."""
    if not library.examples:
        identifiers = ", ".join(library.unknown[:3])
        raise BadInput(NOTHING_KNOWN, field="papers", identifiers=identifiers)
    return library


def resolve(session: Session, parsed: ParsedBibliography) -> ResolvedLibrary:
    """Look up the entries: by arXiv id, by DOI, by PMID, else by exact folded title and first author."""
    paper_ids = _paper_ids(session, parsed.entries)
    examples: dict[tuple[str, object], ExampleEntry] = {}
    unknown: list[str] = []
    for entry, paper_id in zip(parsed.entries, paper_ids, strict=True):
        identifier = entry.arxiv_id or entry.doi or (f"PMID:{entry.pmid}" if entry.pmid else "")
        if paper_id is None and not entry.title:
            unknown.append(identifier)
            continue
        key = ("paper", paper_id) if paper_id is not None else ("text", identifier or entry.title.casefold())
        examples.setdefault(key, ExampleEntry(entry.title, entry.abstract, identifier, paper_id))
    return ResolvedLibrary(
        form=parsed.form,
        total=len(parsed.entries),
        stored_count=sum(example.paper_id is not None for example in examples.values()),
        repeated=len(parsed.entries) - len(unknown) - len(examples),
        examples=_with_stored_titles(session, list(examples.values())),
        unknown=tuple(dict.fromkeys(unknown)),
        problems=parsed.problems,
        left_out=parsed.left_out,
    )


def _paper_ids(session: Session, entries: Sequence[BibliographyEntry]) -> list[int | None]:
    arxiv_ids = [entry.arxiv_id for entry in entries if entry.arxiv_id]
    dois = [entry.doi for entry in entries if entry.doi]
    by_arxiv_id, by_doi = store.find_by_identifiers(session, arxiv_ids, dois)
    pmids = {f"pmid:{entry.pmid}" for entry in entries if entry.pmid}
    by_pmid = store.find_by_further_identifiers(session, pmids)
    nothing = (None, None)
    ids = [
        by_arxiv_id.get(entry.arxiv_id or "")
        or by_doi.get(entry.doi or "", nothing)[0]
        or by_pmid.get(f"pmid:{entry.pmid}", nothing)[0]
        for entry in entries
    ]
    keys = {
        index: f"{_TITLE_KEY}{key}"
        for index, entry in enumerate(entries)
        if ids[index] is None and (key := papers.title_key(Record(title=entry.title, authors=entry.authors)))
    }
    by_key = store.find_by_keys(session, dict.fromkeys(keys.values())) if keys else {}
    for index, key in keys.items():
        ids[index] = min(by_key[key]) if by_key.get(key) else None
    return ids


def _with_stored_titles(session: Session, examples: Sequence[ExampleEntry]) -> tuple[ExampleEntry, ...]:
    """The examples with the stored title of those without one (pasted identifiers)."""
    untitled = [example.paper_id for example in examples if not example.title and example.paper_id is not None]
    stored_papers = store.stored_papers(session, untitled)
    return tuple(
        ExampleEntry(stored_papers[example.paper_id].record.title, "", example.identifier, example.paper_id)
        if not example.title and example.paper_id in stored_papers
        else example
        for example in examples
    )
