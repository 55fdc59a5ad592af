"""The vocabulary of all profiles: each word, phrase, name and category is interned as a number."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from digest.matching.engine.growable_arrays import Interner
from digest.matching.query.language import TEXT_FIELDS, ProfileTerm, Term, phrase_words
from digest.matching.scoring.parameters import FIXED_IMPACTS
from digest.text.folding import fold_text
from digest.text.person_names import PersonName, parse_name
from digest.text.person_references import author_id_key, reference_of

PERSON = "person"  # in the keys of atoms
_BLANK = " "  # between the stems of a pair; no stem has one
KIND_MASKS = {
    "": 0b00011,
    "ti": 0b00001,
    "abs": 0b00010,
    "co": 0b00100,
    "venue": 0b01000,
    "inst": 0b10000,
    "all": 0b11111,
}


class AdjacentPair(NamedTuple):
    """Two adjacent stems of example papers: their number as one word of the vocabulary, both words, their phrase."""

    number: int
    first: int
    second: int
    phrase: int


@dataclass(slots=True)
class Vocabulary:
    """All terms of profiles, each once. `words`: (text, prefix). An atom is a condition that holds for a paper or not.

    `atom_phrase`, `atom_kinds`: phrase and kinds of text of each atom that has words (−1 and 0 for others); `authors`,
    `people`, `categories`: author names, people (`query.language.people_of`) and categories with their atoms;
    `exact_categories`: categories of `all:` terms, which match only the category itself.
    """

    words: dict[tuple[str, bool], int] = field(default_factory=dict)
    words_with_impacts: set[int] = field(default_factory=set)
    phrases: Interner[bytes] = field(default_factory=Interner)
    phrase_word: array[int] = field(default_factory=lambda: array("i"))
    phrase_at: array[int] = field(default_factory=lambda: array("i", [0]))
    atoms: Interner[tuple[str, str] | tuple[int, int]] = field(default_factory=Interner)
    atom_phrase: array[int] = field(default_factory=lambda: array("i"))
    atom_kinds: array[int] = field(default_factory=lambda: array("i"))
    authors: list[tuple[PersonName, bool, int]] = field(default_factory=list)
    people: dict[str, int] = field(default_factory=dict)
    categories: list[tuple[str, int]] = field(default_factory=list)
    exact_categories: list[tuple[str, int]] = field(default_factory=list)
    code: int = -1
    category_numbers: dict[str, int] = field(default_factory=dict)
    profile_terms: Interner[ProfileTerm] = field(default_factory=Interner)
    scoring_terms: array[int] = field(
        default_factory=lambda: array("i")
    )  # the profile term under which it is scored, whatever its field
    term_rows: array[int] = field(default_factory=lambda: array("i"))  # word, fixed

    def word(self, text: str, prefix: bool) -> int:
        """The number of a stem or of a prefix."""
        return self.words.setdefault((text, prefix), len(self.words))

    def profile_term(self, term: ProfileTerm) -> int:
        """The number of a `ProfileTerm`."""
        number = self.profile_terms.get(term)
        if number is not None:
            return number
        has_words = term.field in TEXT_FIELDS
        key = self.profile_term(term._replace(field="")) if has_words and term.field else len(self.profile_terms)
        new_number = self.profile_terms.intern(term)
        word = self.word(term.text, term.prefix) if has_words else -1
        self.words_with_impacts.add(word)
        self.scoring_terms.append(key)
        self.term_rows.extend((word, FIXED_IMPACTS.get(term.field, 0)))
        return new_number

    def category(self, name: str) -> int:
        """The number of a category that admits papers."""
        return self.category_numbers.setdefault(name.lower(), len(self.category_numbers))

    def liked_stem(self, stem: str) -> int:
        """The number of a stem of liked papers, which gets impacts."""
        word = self.word(stem, False)
        self.words_with_impacts.add(word)
        return word

    def example_term(self, stems: Sequence[str]) -> int:
        """The number of a word or an adjacent pair of example papers, which gets impacts."""
        if len(stems) > 1:
            self._intern_phrase([self.word(stem, False) for stem in stems])
        return self.liked_stem(_BLANK.join(stems))

    def pairs(self) -> Iterator[AdjacentPair]:
        """The adjacent pairs among the words."""
        for (text, _), number in self.words.items():
            if _BLANK in text:
                first, second = (self.words[stem, False] for stem in text.split(_BLANK))
                yield AdjacentPair(number, first, second, self._intern_phrase([first, second]))

    def author_atom(self, text: str) -> int:
        """The atom of an author's name."""
        return self.intern_atom(("au", text), text)

    def followed_atom(self, author: str) -> int:
        """The atom of a followed author: of the name, or of the person that the text names."""
        return self.author_atom(author) if reference_of(author) is None else self.intern_atom((PERSON, author), author)

    def term_atom(self, term: Term) -> int:
        """The atom of a query's term."""
        match term.field:
            case "au":
                key = author_id_key(term.text)
                return self.intern_atom((PERSON, key), key) if key else self.author_atom(term.text)
            case "cat":
                return self.intern_atom(("cat", fold_text(term.text)), "")
            case "has":
                return self.intern_atom(("has", ""), "")
        phrase = self._phrase(term)
        if term.field == "all":
            return self.intern_atom(("all", term.text), term.text, phrase, KIND_MASKS["all"])
        return self.intern_atom((phrase, KIND_MASKS[term.field]), "", phrase, KIND_MASKS[term.field])

    def _phrase(self, term: Term) -> int:
        return self._intern_phrase([self.word(word.text, word.prefix) for word in phrase_words(term)])

    def _intern_phrase(self, word_numbers: Sequence[int]) -> int:
        words = array("i", word_numbers)
        key = words.tobytes()
        number = self.phrases.get(key)
        if number is None:
            number = self.phrases.intern(key)
            self.phrase_word.extend(words)
            self.phrase_at.append(len(self.phrase_word))
        return number

    def intern_atom(self, key: tuple[str, str] | tuple[int, int], text: str, phrase: int = -1, kinds: int = 0) -> int:
        """The atom of a key, created if new: a phrase with its kinds of text, or a field with its value."""
        number = self.atoms.get(key)
        if number is not None:
            return number
        new_number = self.atoms.intern(key)
        self.atom_phrase.append(phrase)
        self.atom_kinds.append(kinds)
        self.register_atom(key, text, new_number)
        return new_number

    def register_atom(self, key: tuple[str, str] | tuple[int, int], text: str, number: int) -> None:
        """Register the atom of a field without words, such as an author or category."""
        if key[0] == PERSON:
            self.people[text] = number
        if key[0] in {"au", "all"}:
            self.authors.append((parse_name(text.removesuffix("*")), text.endswith("*"), number))
        if key[0] == "all":
            self.exact_categories.append((fold_text(text), number))
        elif key[0] == "cat":
            self.categories.append((str(key[1]), number))
        elif key[0] == "has":
            self.code = number
