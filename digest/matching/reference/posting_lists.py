"""Which papers of one announcement have a term: sorted terms with lists of papers, as bytes that are read in place.

The terms are those of `scoring.index_terms`. The words of each paper are there in their order too, so phrases are found
exactly, and a paper's words are known without preparing it. In a file all this takes about 3 KB a paper, so a preview
looks up 20,000 papers. A lookup is a binary search, which needs neither NumPy nor a dictionary of all words.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from digest.errors import BadInput
from digest.matching.scoring.boolean_match import Document
from digest.matching.scoring.index_terms import (
    AllOf,
    AnyOf,
    IndexPair,
    IndexPhrase,
    IndexQuery,
    IndexTerm,
    Without,
    document_terms,
)
from digest.matching.scoring.parameters import ABSTRACT_TF, TITLE_TF

MAX_PAPERS = 1 << 16  # papers are numbered with 16 bits
_MAGIC = b"posting lists 4\n"
_PAIR = "p"
_PAIR_HASH_BYTES = 6  # so long that no two pairs of words have the same hash
_STEM = "x"
_CUT_LENGTH = 60  # characters: longer terms are cut, so the counts of such stems are kept apart
_ALIGNMENT = 8
_MAX_SHORT = 1 << 16  # numbers below take two bytes
_SECTION_TYPES = "qIIIHBQI"  # of the arrays, in the order of `PostingLists`, as `array` names them; then those of words


@dataclass(frozen=True, eq=False)
class PostingLists:
    """Papers by term. A paper has its number in `ids`; `x_at` are the offsets at which a term or its list begins.

    `tf`: of each entry of a stem's list 3 in the title, 1 in the abstract, 4 in both; of others 0. `lengths`: tokens of
    title and abstract. `pairs`: a hash of two adjacent words, then 16 bits of the paper's number,
    sorted. `word_at`: where the words of each title and each abstract begin in `words`, which are numbers of stems in
    the order of their terms. `long_stems`: in how many papers each stem is that is too long for a term;
    `long_papers`: the numbers of these papers.
    """

    ids: memoryview[int]
    lengths: memoryview[int]
    term_text: bytes
    term_at: memoryview[int]
    list_at: memoryview[int]
    papers: memoryview[int]
    tf: memoryview[int]
    pairs: memoryview[int]
    word_at: memoryview[int]
    words: memoryview[int]
    long_stems: Mapping[str, int]
    long_papers: frozenset[int]

    @property
    def paper_count(self) -> int:
        """How many papers there are."""
        return len(self.ids)

    def find(self, query: IndexQuery) -> set[int]:
        """The numbers of the papers that a query finds."""
        match query:
            case IndexTerm(text, prefix):
                return self._with_text(text, prefix=prefix)
            case IndexPair(first, second):
                return self._with_pair(first, second)
            case IndexPhrase():
                return self._with_phrase(query)
            case AllOf(parts):
                return self._find_all(parts)
            case AnyOf(parts):
                return set().union(*map(self.find, parts))
            case Without(keep, drop):
                return self.find(keep) - self.find(drop)

    def frequencies(self, stem: str) -> dict[int, int]:
        """The tf of each paper with a stem, by its number: 3 in the title, 1 in the abstract, 4 in both."""
        return dict(zip(*self.stem_list(stem), strict=True))

    def stem_list(self, stem: str) -> tuple[memoryview[int], memoryview[int]]:
        """The numbers of the papers with a stem, and its tf in each."""
        span = self._list_of(_STEM + stem[: _CUT_LENGTH - 1])
        return self.papers[span], self.tf[span]

    def paper_frequencies(self, number: int) -> dict[str, int]:
        """The tf of each stem of a paper that is not one of `long_papers`."""
        title, abstract = (set(self._text(number, is_abstract)) for is_abstract in (False, True))
        words, first = title | abstract, self._stem_range.start
        stems = self._stems([first + word for word in words])
        frequencies = [TITLE_TF * (word in title) + ABSTRACT_TF * (word in abstract) for word in words]
        return dict(zip(stems, frequencies, strict=True))

    def stem_counts(self) -> dict[str, int]:
        """In how many papers each stem is."""
        return dict(self.long_stems) | {stem: len(papers) for stem, papers, _ in self.stem_lists()}

    def stem_lists(self) -> Iterator[tuple[str, memoryview[int], memoryview[int]]]:
        """Each stem that is not too long for a term, with the numbers of its papers and its tf in each."""
        for position, stem in zip(self._stem_range, self._stems(self._stem_range), strict=True):
            if len(stem) < _CUT_LENGTH - 1:
                span = slice(self.list_at[position], self.list_at[position + 1])
                yield stem, self.papers[span], self.tf[span]

    @cached_property
    def _stem_range(self) -> range:
        """The positions of the terms that are stems."""
        return range(self._position(_STEM.encode()), self._position(chr(ord(_STEM) + 1).encode()))

    def _stems(self, positions: Sequence[int]) -> list[str]:
        """The stems of terms, by the terms' positions."""
        text, at = self.term_text, self.term_at
        return [text[at[position] + 1 : at[position + 1]].decode("utf-8", "surrogatepass") for position in positions]

    def _text(self, number: int, is_abstract: bool) -> memoryview[int]:
        """The words of a paper's title or abstract."""
        text = 2 * number + is_abstract
        return self.words[self.word_at[text] : self.word_at[text + 1]]

    def _find_all(self, parts: Iterable[IndexQuery]) -> set[int]:
        numbers: set[int] | None = None
        for part in parts:
            numbers = self.find(part) if numbers is None else numbers & self.find(part)
            if not numbers:
                return set()
        return numbers or set()

    def _with_text(self, text: str, *, prefix: bool) -> set[int]:
        if not prefix:
            return set(self.papers[self._list_of(text)])
        encoded = _encode(text)
        begin, end = self._position(encoded), self._position(encoded + b"\xff")
        return set(self.papers[self.list_at[begin] : self.list_at[end]])

    def _list_of(self, term: str) -> slice:
        """Where the list of exactly this term is."""
        encoded = _encode(term)
        position = self._position(encoded)
        if position == len(self.term_at) - 1:
            return slice(0)
        begin, end = self.term_at[position], self.term_at[position + 1]
        is_present = self.term_text[begin:end] == encoded
        return slice(self.list_at[position], self.list_at[position + 1]) if is_present else slice(0)

    def _with_pair(self, first: str, second: str) -> set[int]:
        key = _pair_key(first, second)
        begin, end = bisect_left(self.pairs, key), bisect_left(self.pairs, key + MAX_PAPERS)
        return {value & 0xFFFF for value in self.pairs[begin:end]}

    def _with_phrase(self, phrase: IndexPhrase) -> set[int]:
        numbers = self._find_all(phrase.pairs.parts)
        if not numbers or (len(phrase.stems) == 2 and not phrase.field):
            return numbers
        words = [self._position(_encode(_STEM + stem)) - self._stem_range.start for stem in phrase.stems]
        sought = array(self.words.format, words).tobytes()
        texts = [is_abstract for is_abstract in (False, True) if phrase.field != ("ti" if is_abstract else "abs")]
        return {n for n in numbers if any(self._contains(self._text(n, is_abstract), sought) for is_abstract in texts)}

    @staticmethod
    def _contains(text: memoryview[int], sought: bytes) -> bool:
        """True where these words are adjacent in a text, in their order."""
        content, size, at = text.tobytes(), text.itemsize, -1
        while (at := content.find(sought, at + 1)) >= 0:
            if at % size == 0:
                return True
        return False

    def _position(self, term: bytes) -> int:
        """The position of the first term that is not less."""
        text, at = self.term_text, self.term_at
        return bisect_left(range(len(at) - 1), term, key=lambda position: text[at[position] : at[position + 1]])


def _pair_key(first: str, second: str) -> int:
    """The value of `pairs` for two adjacent words and the paper 0."""
    pair = _encode(f"{first} {second}")
    return int.from_bytes(hashlib.blake2b(pair, digest_size=_PAIR_HASH_BYTES).digest()) << 16


def _encode(term: str) -> bytes:
    return term.encode("utf-8", "surrogatepass")


def _pair_keys(document: Document) -> set[int]:
    texts = document.title, document.abstract
    return {_pair_key(*pair) for pair in {(a.stem, b.stem) for text in texts for a, b in pairwise(text.tokens)}}


def build_posting_lists(documents: Iterable[tuple[int, Document]]) -> bytes:
    """The posting lists of documents with their papers' ids, as bytes for `read_posting_lists`.

    At most 65,536 papers.
    """
    ids, lengths, pairs = array("q"), array("I"), array("Q")
    texts: list[tuple[str, ...]] = []
    lists_by_term: dict[str, tuple[array[int], array[int]]] = {}
    long_stems: dict[str, int] = {}
    long_papers: set[int] = set()
    for number, (paper_id, document) in enumerate(documents):
        ids.append(paper_id)
        lengths.append(document.length)
        texts += (document.title.stems, document.abstract.stems)
        for stem in document.tf:
            if len(stem) >= _CUT_LENGTH - 1:
                long_stems[stem] = long_stems.get(stem, 0) + 1
                long_papers.add(number)
        tf_of_term = {(_STEM + stem)[:_CUT_LENGTH]: value for stem, value in document.tf.items()}
        pairs.extend(key | number for key in _pair_keys(document))
        for term in document_terms(document, ()):
            if not term.startswith(_PAIR):
                papers, tf = lists_by_term.setdefault(term, (array("H"), array("B")))
                papers.append(number)
                tf.append(tf_of_term.get(term, 0))
    facts = {"long_stems": long_stems, "long_papers": sorted(long_papers)}
    return _serialize((ids, lengths, array("Q", sorted(pairs))), lists_by_term, texts, facts)


def _serialize(
    papers_and_pairs: tuple[array[int], array[int], array[int]],
    lists_by_term: Mapping[str, tuple[array[int], array[int]]],
    texts: Sequence[tuple[str, ...]],
    facts: Mapping[str, object],
) -> bytes:
    ids, lengths, pairs = papers_and_pairs
    encoded_terms = sorted((_encode(term), term) for term in lists_by_term)
    term_at, list_at, papers, tf = array("I", [0]), array("I", [0]), array("H"), array("B")
    length = 0
    for encoded, term in encoded_terms:
        length += len(encoded)
        papers.extend(lists_by_term[term][0])
        tf.extend(lists_by_term[term][1])
        term_at.append(length)
        list_at.append(len(papers))
    arrays = (ids, lengths, term_at, list_at, papers, tf, pairs, *_words_of_texts(texts))
    parts = [value.tobytes() for value in arrays] + [b"".join(encoded for encoded, _ in encoded_terms)]
    body = b"".join(part + bytes(-len(part) % _ALIGNMENT) for part in parts)
    header = {
        "sizes": [len(part) for part in parts],
        "words": arrays[-1].typecode,
        "sum": zlib.adler32(body),
        **facts,
    }
    first_line = _MAGIC + json.dumps(header).encode() + b"\n"
    return first_line[:-1] + b" " * (-len(first_line) % _ALIGNMENT) + b"\n" + body


def _words_of_texts(texts: Sequence[tuple[str, ...]]) -> tuple[array[int], array[int]]:
    """Where each text begins, and the words of all texts."""
    terms = {stem: _encode((_STEM + stem)[:_CUT_LENGTH]) for text in texts for stem in text}
    number_of_term = {term: number for number, term in enumerate(sorted(set(terms.values())))}
    numbers = {stem: number_of_term[term] for stem, term in terms.items()}
    words = array("H" if len(number_of_term) <= _MAX_SHORT else "I", (numbers[stem] for text in texts for stem in text))
    return array("I", accumulate(map(len, texts), initial=0)), words


def read_posting_lists(data: bytes | mmap.mmap) -> PostingLists:
    """The posting lists in these bytes. Raises BadInput where they are truncated, changed or of another version."""
    header_end = data.find(b"\n", len(_MAGIC)) + 1
    if data[: len(_MAGIC)] != _MAGIC or not header_end:
        raise BadInput("not posting lists, or from another version", field="postings")
    try:
        header = json.loads(data[len(_MAGIC) : header_end])
        if zlib.adler32(memoryview(data)[header_end:]) != header["sum"]:
            raise BadInput("posting lists that are cut or changed", field="postings")
        sizes: list[int] = header["sizes"]
    except (ValueError, KeyError) as error:
        raise BadInput("posting lists that can't be read", field="postings") from error
    types = _SECTION_TYPES + header["words"]
    arrays, term_text = _sections(memoryview(data)[header_end:], sizes, types)
    ids, lengths, term_at, list_at, papers, tf, pairs, word_at, words = arrays
    return PostingLists(
        ids=ids, lengths=lengths, term_text=term_text, term_at=term_at, list_at=list_at, papers=papers, tf=tf,
        pairs=pairs, word_at=word_at, words=words, long_stems=header["long_stems"],
        long_papers=frozenset(header["long_papers"]),
    )  # fmt: skip


def _sections(body: memoryview[int], sizes: list[int], types: str) -> tuple[list[memoryview[int]], bytes]:
    """The arrays, and the bytes after them."""
    sections: list[memoryview[int]] = []
    offset = 0
    for size in sizes:
        sections.append(body[offset : offset + size])
        offset += size + -size % _ALIGNMENT
    cast: Callable[[memoryview[int], str], memoryview[int]] = memoryview.cast  # type: ignore[assignment]
    return [cast(section, code) for section, code in zip(sections, types, strict=False)], bytes(sections[-1])
