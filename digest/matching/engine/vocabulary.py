"""The vocabulary of all profiles: each word, phrase, name and category is interned as a number."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from digest.matching.engine.growable_arrays import Numbered
from digest.matching.query.language import TEXT_FIELDS, ProfileTerm, Term, phrase_words
from digest.matching.scoring.bm25 import FIXED
from digest.text.folding import fold_text
from digest.text.person_names import PersonName, parse_name

KINDS = {"": 0b00011, "ti": 0b00001, "abs": 0b00010, "co": 0b00100, "venue": 0b01000, "inst": 0b10000, "all": 0b11111}


@dataclass(slots=True)
class Vocabulary:
    """All terms of profiles, each once. `words`: (text, prefix). An atom is a condition that holds for a paper or not.

    `atom_phrase`, `atom_kinds`: phrase and kinds of text of each atom that has words (−1 and 0 for others); `authors`,
    `categories`: author names and categories with their atoms; `exact_categories`: categories of `all:` terms, which
    match only the category itself.
    """

    words: dict[tuple[str, bool], int] = field(default_factory=dict)
    weighing: set[int] = field(default_factory=set)
    phrases: Numbered[bytes] = field(default_factory=Numbered)
    phrase_word: array[int] = field(default_factory=lambda: array("i"))
    phrase_at: array[int] = field(default_factory=lambda: array("i", [0]))
    atoms: Numbered[tuple[str, str] | tuple[int, int]] = field(default_factory=Numbered)
    atom_phrase: array[int] = field(default_factory=lambda: array("i"))
    atom_kinds: array[int] = field(default_factory=lambda: array("i"))
    authors: list[tuple[PersonName, bool, int]] = field(default_factory=list)
    categories: list[tuple[str, int]] = field(default_factory=list)
    exact: list[tuple[str, int]] = field(default_factory=list)
    code: int = -1
    admitting: dict[str, int] = field(default_factory=dict)
    wants: Numbered[ProfileTerm] = field(default_factory=Numbered)
    want_key: array[int] = field(
        default_factory=lambda: array("i")
    )  # the profile term under which it is scored, whatever its field
    want_row: array[int] = field(default_factory=lambda: array("i"))  # word, fixed

    def word(self, text: str, prefix: bool) -> int:
        """The number of a stem or of a prefix."""
        return self.words.setdefault((text, prefix), len(self.words))

    def want(self, want: ProfileTerm) -> int:
        """The number of a `ProfileTerm`."""
        known = self.wants.get(want)
        if known is not None:
            return known
        text = want.field in TEXT_FIELDS
        key = self.want(want._replace(field="")) if text and want.field else len(self.wants)
        number = self.wants.number(want)
        word = self.word(want.text, want.prefix) if text else -1
        self.weighing.add(word)
        self.want_key.append(key)
        self.want_row.extend((word, FIXED.get(want.field, 0)))
        return number

    def category(self, name: str) -> int:
        """The number of a category that admits papers."""
        return self.admitting.setdefault(name.lower(), len(self.admitting))

    def liked(self, stem: str) -> int:
        """The number of a stem of liked papers, which gets impacts."""
        word = self.word(stem, False)
        self.weighing.add(word)
        return word

    def author(self, text: str) -> int:
        """The atom of an author's name."""
        return self.put_atom(("au", text), text)

    def atom(self, term: Term) -> int:
        """The atom of a query's term."""
        match term.field:
            case "au":
                return self.author(term.text)
            case "cat":
                return self.put_atom(("cat", fold_text(term.text)), "")
            case "has":
                return self.put_atom(("has", ""), "")
        found = self._phrase(term)
        if term.field == "all":
            return self.put_atom(("all", term.text), term.text, found, KINDS["all"])
        return self.put_atom((found, KINDS[term.field]), "", found, KINDS[term.field])

    def _phrase(self, term: Term) -> int:
        words = array("i", [self.word(word.text, word.prefix) for word in phrase_words(term)])
        key = words.tobytes()
        known = self.phrases.get(key)
        if known is None:
            known = self.phrases.number(key)
            self.phrase_word.extend(words)
            self.phrase_at.append(len(self.phrase_word))
        return known

    def put_atom(self, key: tuple[str, str] | tuple[int, int], text: str, words: int = -1, kinds: int = 0) -> int:
        """The atom of a key, created if new: a phrase with its kinds of text, or a field with its value."""
        known = self.atoms.get(key)
        if known is not None:
            return known
        number = self.atoms.number(key)
        self.atom_phrase.append(words)
        self.atom_kinds.append(kinds)
        self.name_atom(key, text, number)
        return number

    def name_atom(self, key: tuple[str, str] | tuple[int, int], text: str, number: int) -> None:
        """Register the atom of a field without words, such as an author or category."""
        if key[0] in {"au", "all"}:
            self.authors.append((parse_name(text.removesuffix("*")), text.endswith("*"), number))
        if key[0] == "all":
            self.exact.append((fold_text(text), number))
        elif key[0] == "cat":
            self.categories.append((str(key[1]), number))
        elif key[0] == "has":
            self.code = number
