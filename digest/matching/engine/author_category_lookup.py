"""Find the papers of the authors and categories that profiles name."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from digest.matching.engine.paper_index import PaperIndex
from digest.matching.engine.segments import concatenated_ranges
from digest.matching.kernel.array_layout import I32
from digest.papers.subjects import included_categories
from digest.text.person_names import PersonName, names_agree

LAST_CHARACTER = "\U0010ffff"  # sorts after every character
_AuthorQuery = tuple[PersonName, bool, int]  # name, whether it is a prefix, atom


class AuthorLookup:
    """Authors that profiles name, indexed by the readings of their family names."""

    def __init__(self, authors: Iterable[_AuthorQuery]) -> None:
        self.exact: dict[tuple[str, str], list[_AuthorQuery]] = defaultdict(list)
        self.prefixes: dict[str, list[_AuthorQuery]] = defaultdict(list)
        for author in authors:
            name, prefix, _ = author
            for family, initial in (
                _readings(" ".join(name.given_names), name.particles, name.family) if name.family else ()
            ):
                if prefix:
                    self.prefixes[family].append(author)
                else:
                    self.exact[family, initial].append(author)
        self.families = {family for family, _ in self.exact}

    def matches(self, index: PaperIndex) -> tuple[I32, I32]:
        """The atoms that hold for papers of this index, and these papers, as two parallel arrays."""
        atoms: list[int] = []
        name_ids: list[int] = []
        for name_id in self._candidate_names(index):
            given_names, particles, family = index.names[name_id].split("|")
            possible_authors = self._possible_authors(given_names, particles, family)
            paper_author = PersonName(tuple(given_names.split()), particles, family) if possible_authors else None
            for name, prefix, atom in possible_authors:
                if paper_author and (name == paper_author or names_agree(name, paper_author, prefix=prefix)):
                    atoms.append(atom)
                    name_ids.append(name_id)
        return _expand_to_papers(atoms, name_ids, index.name_at, index.name_id)

    def _candidate_names(self, index: PaperIndex) -> Iterable[int]:
        """The index's names that may agree; all of them where profiles name many authors."""
        if len(self.families) + len(self.prefixes) > len(index.names) >> 4:
            return range(len(index.names))
        name_ids = {name_id for key in self.families for name_id in index.by_name.get(key, ())}
        for prefix in self.prefixes:
            begin, end = bisect_left(index.name_keys, prefix), bisect_left(index.name_keys, prefix + LAST_CHARACTER)
            name_ids.update(name_id for key in index.name_keys[begin:end] for name_id in index.by_name[key])
        return name_ids

    def _possible_authors(self, given_names: str, particles: str, family: str) -> Iterable[_AuthorQuery]:
        """The profiles' names that may agree with this one."""
        readings = _readings(given_names, particles, family)
        keys = readings | {(family, "") for family, _ in readings}
        authors = [author for key in keys for author in self.exact.get(key, ())]
        if self.prefixes:
            prefixes = {family[:end] for family, _ in readings for end in range(1, len(family) + 1)}
            authors += (author for prefix in prefixes for author in self.prefixes.get(prefix, ()))
        return dict.fromkeys(authors)


def _readings(given_names: str, particles: str, family: str) -> set[tuple[str, str]]:
    """The possible (family name, initial) pairs of a name.

    With and without particles, and with the last given name as part of the family name (Garcia Molina). A different
    initial contradicts; a missing one does not.
    """
    other_given_names, _, last_given_name = given_names.rpartition(" ")
    readings = {(family, given_names[:1]), (particles + family, given_names[:1])}
    if last_given_name:
        readings |= {
            (last_given_name + family, other_given_names[:1]),
            (particles + last_given_name + family, other_given_names[:1]),
        }
    return {reading for reading in readings if reading[0]}


class CategoryLookup:
    """Categories that profiles name: `cs.LG` is one category, `cs` and `cs.*` an archive; `exact` ones never are.

    `bio` is a field with arXiv's equivalents.
    """

    def __init__(self, categories: Iterable[tuple[str, int]], exact: Iterable[tuple[str, int]]) -> None:
        self.by_key: dict[str, list[int]] = defaultdict(list)
        for name, number in categories:
            for archive in included_categories(name):
                for key in (archive, f"{archive}.{LAST_CHARACTER}"):
                    self.by_key[key].append(number)
        for name, number in exact:
            self.by_key[name].append(number)

    def numbers(self, category: str) -> list[int]:
        """The numbers of the categories and archives that a paper's category belongs to."""
        archives = (f"{category[:i]}.{LAST_CHARACTER}" for i, character in enumerate(category) if character == ".")
        return list({number for key in (category, *archives) for number in self.by_key.get(key, ())})

    def matches(self, index: PaperIndex) -> tuple[I32, I32]:
        """Pairs of atom and paper, as two arrays."""
        pairs = [(atom, number) for number, name in enumerate(index.categories) for atom in self.numbers(name)]
        atoms, numbers = [atom for atom, _ in pairs], [number for _, number in pairs]
        return _expand_to_papers(atoms, numbers, index.category_at, index.category_id)


def _expand_to_papers(values: list[int], ids_to_find: list[int], id_at: I32, ids: I32) -> tuple[I32, I32]:
    """Expand pairs of (value, number) to pairs of (value, paper), for every paper that has the number."""
    if not values:
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    order = np.argsort(ids, kind="stable")
    begin = np.searchsorted(ids[order], ids_to_find)
    size = np.searchsorted(ids[order], ids_to_find, side="right") - begin
    paper = np.repeat(np.arange(len(id_at) - 1, dtype=np.int32), np.diff(id_at))[order]
    return np.repeat(np.array(values, np.int32), size), paper[concatenated_ranges(begin, size)]
