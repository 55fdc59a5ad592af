"""The contexts of topics by epoch. A topic's text is not stored, only its hash."""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence

from sqlmodel import Session, col, select

from digest.db.core.dialect import in_values, insert_ignore
from digest.matching.scoring.topic_context import TopicContext
from digest.models import StoredTopicContext

_NUMBER_BYTES = 4
_WORD_BYTES = _NUMBER_BYTES + 1  # a word's number, and its weight


def stored_contexts(
    session: Session, epoch_id: int, topics: Iterable[str], stems: Sequence[str]
) -> dict[str, TopicContext]:
    """The stored contexts of these topics, by text. `stems`: the epoch's words in alphabetical order."""
    text_of = {_hash_of(text): text for text in topics}
    if not text_of:
        return {}
    row = StoredTopicContext
    statement = select(row.topic, row.words, row.floor).where(
        col(row.epoch_id) == epoch_id, in_values(session, col(row.topic), sorted(text_of))
    )
    return {
        text_of[topic]: TopicContext(_unpack(words, stems), floor) for topic, words, floor in session.execute(statement)
    }


def store_contexts(session: Session, epoch_id: int, contexts: Mapping[str, TopicContext], stems: Sequence[str]) -> None:
    """Store contexts of an epoch; existing ones stay."""
    number_of = {stem: number for number, stem in enumerate(stems)} if contexts else {}
    rows = [
        {
            "epoch_id": epoch_id,
            "topic": _hash_of(text),
            "words": _pack(context.weights, number_of),
            "floor": context.floor,
        }
        for text, context in sorted(contexts.items())
    ]
    insert_ignore(session, StoredTopicContext, rows)


def _hash_of(text: str) -> int:
    """A topic's number: 64 bits, so that no two topics of an installation share one."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)


def _pack(weights: Mapping[str, int], number_of: Mapping[str, int]) -> bytes:
    """The numbers of the words, four bytes each, then their weights, a byte each."""
    numbers = b"".join(number_of[stem].to_bytes(_NUMBER_BYTES, "little") for stem in weights)
    return numbers + bytes(weights.values())


def _unpack(words: bytes, stems: Sequence[str]) -> dict[str, int]:
    count = len(words) // _WORD_BYTES
    numbers = array("I", words[: _NUMBER_BYTES * count])
    if sys.byteorder == "big":
        numbers.byteswap()
    return {stems[number]: weight for number, weight in zip(numbers, words[_NUMBER_BYTES * count :], strict=True)}
