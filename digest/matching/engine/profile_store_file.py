"""Compiled profiles in a file, so that the next day and other processes compile only changed profiles."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.matching.engine import array_file
from digest.matching.engine.growable_arrays import Numbered, Numbers
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.engine.vocabulary import Vocabulary
from digest.matching.query.language import ProfileTerm
from digest.matching.source_version import source_version

_MAGIC = b"compiled profiles 2\n"
_LISTS = {
    "plain": "B", "term_at": "i", "program_at": "i", "program": "i", "term_atom": "i", "want_at": "i", "want": "i",
    "record": "q",
}  # fmt: skip
_SAID = ("term", "word_at", "word")
_NUMBERS = ("phrase_word", "phrase_at", "atom_phrase", "atom_kinds", "want_key", "want_row")
_LATER = ("queries", "said_text", "atom_name", "want_field", "want_text")


# Profiles compiled by another version are not used.
STATE = source_version(
    "digest.text", "digest.matching", "digest.matching.query", "digest.matching.scoring", "digest.matching.engine",
    "digest.matching.kernel",
)[:8]  # fmt: skip


def to_bytes(store: ProfileStore, **more: NDArray[Any]) -> bytes:
    """Serialise the store, with further arrays of the caller."""
    values: dict[str, Any] = {name: np.array(getattr(store, name)) for name in _LISTS}
    values |= {f"said_{name}": np.array(getattr(store.said, name)) for name in _SAID}
    values |= {"said_text": tuple(store.said.texts)}
    values |= {"stream": store.stream.view(), "widest": np.array([store.widest]), "queries": tuple(store.queries)}
    return array_file.to_bytes(_MAGIC, values | _words(store.lexicon) | {f"more_{n}": more[n] for n in more})


def read(path: Path) -> tuple[ProfileStore, dict[str, NDArray[Any]]]:
    """The store in a file, and the caller's arrays. Raises BadInput for an invalid file; OSError."""
    found = array_file.read(path, _MAGIC, "a file of compiled profiles", _LATER)
    store = ProfileStore(lexicon=_lexicon(found), queries=Numbered(found["queries"]), widest=int(found["widest"][0]))
    for name, kind in _LISTS.items():
        setattr(store, name, array(kind, found[name].tobytes()))
    for name in _SAID:
        setattr(store.said, name, array("i", found[f"said_{name}"].tobytes()))
    store.said.texts = Numbered(found["said_text"])
    store.stream = Numbers.of(found["stream"])
    return store, {name.removeprefix("more_"): one for name, one in found.items() if name.startswith("more_")}


def _words(lexicon: Vocabulary) -> dict[str, Any]:
    """The fields of a vocabulary, from which `_read_vocabulary` restores it with the same numbers."""
    names = ("" if isinstance(key[0], int) else f"{key[0]}:{key[1]}" for key in lexicon.atoms)
    return {
        "words": tuple(text for text, _ in lexicon.words),
        "prefix": np.array([prefix for _, prefix in lexicon.words], np.uint8),
        "weighing": np.array(sorted(lexicon.weighing), np.int32),
        "atom_name": tuple(names),
        "admitting": tuple(lexicon.admitting),
        "want_field": tuple(want.field for want in lexicon.wants),
        "want_text": tuple(want.text for want in lexicon.wants),
        "want_prefix": np.array([want.prefix for want in lexicon.wants], np.uint8),
        **{name: np.array(getattr(lexicon, name), np.int32) for name in _NUMBERS},
    }


def _lexicon(found: dict[str, Any]) -> Vocabulary:
    prefix = map(bool, found["prefix"].tolist())
    lexicon = Vocabulary(
        words={key: number for number, key in enumerate(zip(found["words"], prefix, strict=True))},
        weighing=set(found["weighing"].tolist()),
        phrases=Numbered(partial(_phrases, found)),
        atoms=Numbered(partial(_atoms, found)),
        wants=Numbered(partial(_wants, found)),
        admitting={name: number for number, name in enumerate(found["admitting"])},
    )
    for name in _NUMBERS:
        setattr(lexicon, name, array("i", found[name].tobytes()))
    for number, name in enumerate(found["atom_name"]()):
        if name:
            field, _, text = name.partition(":")
            lexicon.name_atom((field, text), text, number)
    return lexicon


def _phrases(found: dict[str, Any]) -> Iterator[bytes]:
    word, at = found["phrase_word"].tobytes(), (4 * found["phrase_at"].astype(np.int64)).tolist()
    return (word[begin:end] for begin, end in pairwise(at))


def _atoms(found: dict[str, Any]) -> Iterator[tuple[str, str] | tuple[int, int]]:
    atoms = zip(found["atom_name"](), found["atom_phrase"].tolist(), found["atom_kinds"].tolist(), strict=True)
    for name, phrase, kinds in atoms:
        field, _, text = name.partition(":")
        yield (field, text) if name else (phrase, kinds)


def _wants(found: dict[str, Any]) -> Iterator[ProfileTerm]:
    prefix = map(bool, found["want_prefix"].tolist())
    return map(ProfileTerm._make, zip(found["want_field"](), found["want_text"](), prefix, strict=True))
