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
from digest.matching.engine.growable_arrays import GrowableInts, Interner
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.engine.vocabulary import Vocabulary
from digest.matching.query.language import ProfileTerm
from digest.matching.source_version import source_version

_MAGIC = b"compiled profiles 2\n"
_ARRAY_FIELDS = {
    "plain": "B", "term_at": "i", "program_at": "i", "program": "i", "term_atom": "i", "profile_term_at": "i",
    "profile_term_ids": "i",     "record": "q",
}  # fmt: skip
_QUERY_TEXT_FIELDS = ("term", "word_at", "word")
_VOCABULARY_FIELDS = ("phrase_word", "phrase_at", "atom_phrase", "atom_kinds", "scoring_terms", "term_rows")
_LAZY_FIELDS = ("queries", "said_text", "atom_name", "profile_term_field", "profile_term_text")


# Profiles compiled by another version are not used.
CODE_VERSION = source_version(
    "digest.text", "digest.matching", "digest.matching.query", "digest.matching.scoring", "digest.matching.engine",
    "digest.matching.kernel", "digest.papers",
)[:8]  # fmt: skip


def to_bytes(store: ProfileStore, **extra_arrays: NDArray[Any]) -> bytes:
    """Serialise the store, with further arrays of the caller."""
    values: dict[str, Any] = {name: np.array(getattr(store, name)) for name in _ARRAY_FIELDS}
    values |= {f"said_{name}": np.array(getattr(store.query_texts, name)) for name in _QUERY_TEXT_FIELDS}
    values |= {"said_text": tuple(store.query_texts.texts)}
    values |= {"stream": store.stream.view(), "widest": np.array([store.max_width]), "queries": tuple(store.queries)}
    return array_file.to_bytes(
        _MAGIC,
        values | _vocabulary_fields(store.vocabulary) | {f"more_{name}": extra_arrays[name] for name in extra_arrays},
    )


def read(path: Path) -> tuple[ProfileStore, dict[str, NDArray[Any]]]:
    """The store in a file, and the caller's arrays. Raises BadInput for an invalid file; OSError."""
    fields = array_file.read(path, _MAGIC, "a file of compiled profiles", _LAZY_FIELDS)
    store = ProfileStore(
        vocabulary=_read_vocabulary(fields), queries=Interner(fields["queries"]), max_width=int(fields["widest"][0])
    )
    for name, kind in _ARRAY_FIELDS.items():
        setattr(store, name, array(kind, fields[name].tobytes()))
    for name in _QUERY_TEXT_FIELDS:
        setattr(store.query_texts, name, array("i", fields[f"said_{name}"].tobytes()))
    store.query_texts.texts = Interner(fields["said_text"])
    store.stream = GrowableInts.from_array(fields["stream"])
    return store, {
        name.removeprefix("more_"): array_value for name, array_value in fields.items() if name.startswith("more_")
    }


def _vocabulary_fields(vocabulary: Vocabulary) -> dict[str, Any]:
    """The fields of a vocabulary, from which `_read_vocabulary` restores it with the same numbers."""
    names = ("" if isinstance(key[0], int) else f"{key[0]}:{key[1]}" for key in vocabulary.atoms)
    return {
        "words": tuple(text for text, _ in vocabulary.words),
        "prefix": np.array([prefix for _, prefix in vocabulary.words], np.uint8),
        "weighing": np.array(sorted(vocabulary.words_with_impacts), np.int32),
        "atom_name": tuple(names),
        "admitting": tuple(vocabulary.category_numbers),
        "profile_term_field": tuple(profile_term.field for profile_term in vocabulary.profile_terms),
        "profile_term_text": tuple(profile_term.text for profile_term in vocabulary.profile_terms),
        "profile_term_prefix": np.array([profile_term.prefix for profile_term in vocabulary.profile_terms], np.uint8),
        **{name: np.array(getattr(vocabulary, name), np.int32) for name in _VOCABULARY_FIELDS},
    }


def _read_vocabulary(fields: dict[str, Any]) -> Vocabulary:
    prefix = map(bool, fields["prefix"].tolist())
    vocabulary = Vocabulary(
        words={key: number for number, key in enumerate(zip(fields["words"], prefix, strict=True))},
        words_with_impacts=set(fields["weighing"].tolist()),
        phrases=Interner(partial(_read_phrases, fields)),
        atoms=Interner(partial(_read_atoms, fields)),
        profile_terms=Interner(partial(_read_profile_terms, fields)),
        category_numbers={name: number for number, name in enumerate(fields["admitting"])},
    )
    for name in _VOCABULARY_FIELDS:
        setattr(vocabulary, name, array("i", fields[name].tobytes()))
    for number, name in enumerate(fields["atom_name"]()):
        if name:
            field, _, text = name.partition(":")
            vocabulary.register_atom((field, text), text, number)
    return vocabulary


def _read_phrases(fields: dict[str, Any]) -> Iterator[bytes]:
    word, offsets = fields["phrase_word"].tobytes(), (4 * fields["phrase_at"].astype(np.int64)).tolist()
    return (word[begin:end] for begin, end in pairwise(offsets))


def _read_atoms(fields: dict[str, Any]) -> Iterator[tuple[str, str] | tuple[int, int]]:
    atoms = zip(fields["atom_name"](), fields["atom_phrase"].tolist(), fields["atom_kinds"].tolist(), strict=True)
    for name, phrase, kinds in atoms:
        field, _, text = name.partition(":")
        yield (field, text) if name else (phrase, kinds)


def _read_profile_terms(fields: dict[str, Any]) -> Iterator[ProfileTerm]:
    prefix = map(bool, fields["profile_term_prefix"].tolist())
    return map(
        ProfileTerm._make, zip(fields["profile_term_field"](), fields["profile_term_text"](), prefix, strict=True)
    )
