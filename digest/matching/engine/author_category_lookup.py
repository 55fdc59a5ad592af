"""Find the papers of the authors and categories that profiles name."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from digest.matching.engine.paper_index import PaperIndex
from digest.matching.engine.segments import concatenated_ranges
from digest.matching.kernel.array_layout import I32
from digest.text.person_names import PersonName, names_agree

LAST = "\U0010ffff"  # sorts after every character
_Wanted = tuple[PersonName, bool, int]  # name, whether it is a prefix, atom


class AuthorLookup:
    """Authors that profiles name, indexed by the readings of their family names."""

    def __init__(self, wanted: Iterable[_Wanted]) -> None:
        self.exact: dict[tuple[str, str], list[_Wanted]] = defaultdict(list)
        self.beginnings: dict[str, list[_Wanted]] = defaultdict(list)
        for one in wanted:
            name, prefix, _ = one
            for family, initial in (
                _readings(" ".join(name.given_names), name.particles, name.family) if name.family else ()
            ):
                if prefix:
                    self.beginnings[family].append(one)
                else:
                    self.exact[family, initial].append(one)
        self.families = {family for family, _ in self.exact}

    def matches(self, index: PaperIndex) -> tuple[I32, I32]:
        """The atoms that hold for papers of this index, and these papers, as two parallel arrays."""
        atoms: list[int] = []
        numbers: list[int] = []
        for number in self._some(index):
            given, particles, family = index.names[number].split("|")
            wanted = self._like(given, particles, family)
            found = PersonName(tuple(given.split()), particles, family) if wanted else None
            for wanted_name, prefix, atom in wanted:
                if found and (wanted_name == found or names_agree(wanted_name, found, prefix=prefix)):
                    atoms.append(atom)
                    numbers.append(number)
        return _through(atoms, numbers, index.name_at, index.name_id)

    def _some(self, index: PaperIndex) -> Iterable[int]:
        """The index's names that may agree; all of them where profiles name many authors."""
        if len(self.families) + len(self.beginnings) > len(index.names) >> 4:
            return range(len(index.names))
        found = {number for key in self.families for number in index.by_name.get(key, ())}
        for beginning in self.beginnings:
            first, last = bisect_left(index.name_keys, beginning), bisect_left(index.name_keys, beginning + LAST)
            found.update(number for key in index.name_keys[first:last] for number in index.by_name[key])
        return found

    def _like(self, given: str, particles: str, family: str) -> Iterable[_Wanted]:
        """The profiles' names that may agree with this one."""
        readings = _readings(given, particles, family)
        keys = readings | {(family, "") for family, _ in readings}
        found = [one for key in keys for one in self.exact.get(key, ())]
        if self.beginnings:
            starts = {family[:end] for family, _ in readings for end in range(1, len(family) + 1)}
            found += (one for start in starts for one in self.beginnings.get(start, ()))
        return dict.fromkeys(found)


def _readings(given: str, particles: str, family: str) -> set[tuple[str, str]]:
    """The possible (family name, initial) pairs of a name.

    With and without particles, and with the last given name as part of the family name (Garcia Molina). A different
    initial contradicts; a missing one does not.
    """
    front, _, last = given.rpartition(" ")
    found = {(family, given[:1]), (particles + family, given[:1])}
    if last:
        found |= {(last + family, front[:1]), (particles + last + family, front[:1])}
    return {one for one in found if one[0]}


class CategoryLookup:
    """Categories that profiles name: `cs.LG` is one category, `cs` and `cs.*` an archive; `exact` ones never are."""

    def __init__(self, wanted: Iterable[tuple[str, int]], exact: Iterable[tuple[str, int]]) -> None:
        self.by_key: dict[str, list[int]] = defaultdict(list)
        for name, number in wanted:
            archive = name.removesuffix(".*")
            for key in {name, archive, f"{archive}.{LAST}"}:
                self.by_key[key].append(number)
        for name, number in exact:
            self.by_key[name].append(number)

    def numbers(self, category: str) -> list[int]:
        """The numbers of the categories and archives that a paper's category belongs to."""
        archives = (f"{category[:at]}.{LAST}" for at, letter in enumerate(category) if letter == ".")
        return list({number for key in (category, *archives) for number in self.by_key.get(key, ())})

    def matches(self, index: PaperIndex) -> tuple[I32, I32]:
        """Pairs of atom and paper, as two arrays."""
        found = [(atom, number) for number, name in enumerate(index.categories) for atom in self.numbers(name)]
        atoms, numbers = [atom for atom, _ in found], [number for _, number in found]
        return _through(atoms, numbers, index.category_at, index.category_id)


def _through(values: list[int], numbers: list[int], at: I32, ids: I32) -> tuple[I32, I32]:
    """Expand pairs of (value, number) to pairs of (value, paper), for every paper that has the number."""
    if not values:
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    order = np.argsort(ids, kind="stable")
    begin = np.searchsorted(ids[order], numbers)
    size = np.searchsorted(ids[order], numbers, side="right") - begin
    paper = np.repeat(np.arange(len(at) - 1, dtype=np.int32), np.diff(at))[order]
    return np.repeat(np.array(values, np.int32), size), paper[concatenated_ranges(begin, size)]
