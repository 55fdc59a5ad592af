"""The entries of a bibliography, and what was wrong with those that are damaged. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from digest.errors import N_

LINE, ITEM, ROW = "line", "item", "row"  # the units of positions

# Reasons. `%(detail)s` is replaced by the problem's detail.
NO_TITLE_OR_IDENTIFIER = N_("neither a title nor a DOI, arXiv id or PubMed id")
NO_TITLE = N_("no title; it can be found by its identifier only")
BAD_DOI = N_("%(detail)s is not a DOI")
BAD_ARXIV_ID = N_("%(detail)s is not an arXiv id")
UNREADABLE_CHARACTERS = N_("some characters can't be read: the file has another encoding than it seems")
UNEXPECTED_TYPE = N_("%(detail)s has an unexpected type")


@dataclass(frozen=True, slots=True)
class BibliographyEntry:
    """One paper of a bibliography, in readable text (no TeX, no HTML).

    `unit` and `position` say where it stands: a line, an item or a row, from 1; `key` is its name there, '' for none.
    """

    title: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    abstract: str = ""
    arxiv_id: str | None = None
    doi: str | None = None
    pmid: str | None = None
    unit: str = ITEM
    position: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class EntryProblem:
    """What is wrong at one place. `is_lost`: no entry could be made of it; else it is used as far as it was read."""

    unit: str
    position: int
    key: str
    reason: str
    detail: str = ""
    is_lost: bool = False

    def message(self, localize: Callable[..., str]) -> str:
        """One line: the place, the key and the reason, in the language of `localize`."""
        places = {LINE: N_("line %(n)s"), ITEM: N_("item %(n)s"), ROW: N_("row %(n)s")}
        place = localize(places[self.unit], n=self.position)
        return f"{place}{f' ({self.key})' if self.key else ''}: {localize(self.reason, detail=self.detail)}"


@dataclass(frozen=True, slots=True)
class ParsedBibliography:
    """A parsed bibliography. `left_out`: entries beyond MAX_ENTRIES; `form`: the name of its format."""

    form: str
    entries: tuple[BibliographyEntry, ...] = ()
    problems: tuple[EntryProblem, ...] = ()
    left_out: int = 0

    @property
    def lost(self) -> int:
        """How many entries could not be used."""
        return sum(problem.is_lost for problem in self.problems)


def join_bibliographies(parts: Sequence[ParsedBibliography]) -> ParsedBibliography:
    """Several bibliographies as one, in their order."""
    return ParsedBibliography(
        form=" and ".join(dict.fromkeys(part.form for part in parts)),
        entries=tuple(entry for part in parts for entry in part.entries),
        problems=tuple(problem for part in parts for problem in part.problems),
        left_out=sum(part.left_out for part in parts),
    )


@dataclass(slots=True)
class RawEntry:
    """The fields of an entry as they stand in the file.

    `doi_texts` must contain a DOI if they are not empty; `link_texts` may contain a DOI or an arXiv id; `arxiv_texts`
    must be an arXiv id. `reasons` are pairs of reason and detail.
    """

    unit: str
    position: int
    key: str = ""
    title: str = ""
    authors: list[str] = field(default_factory=list)
    year_text: str = ""
    abstract: str = ""
    doi_texts: list[str] = field(default_factory=list)
    arxiv_texts: list[str] = field(default_factory=list)
    link_texts: list[str] = field(default_factory=list)
    pmid_text: str = ""
    reasons: list[tuple[str, str]] = field(default_factory=list)
