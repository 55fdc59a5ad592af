"""Profiles of many subscribers for benchmarks: keywords of real titles, the popular ones often, by Zipf's law.

On average four keywords; of the keywords 4 % end in a star and 15 % are boolean; 20 % of the profiles exclude
something, 40 % keep to categories, 15 % follow an author.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import numpy as np

from digest.matching.profile import Profile, Topic
from digest.papers import Record
from digest.text.tokens import is_weighted, words

PHRASES = 150_000
LENGTHS = {1: 0.16, 2: 0.54, 3: 0.3}  # words of a phrase; of 3,441 topics that people typed 16 % are one word
TOPICS = (1, 2, 3, 4, 5, 6, 7)  # 4 on average
SEED = 20251122


def papers(corpus: Path) -> list[Record]:
    """All papers of the corpus, oldest first."""
    with lzma.open(corpus, "rt", encoding="utf-8") as lines:
        return [
            Record(
                title=row["title"], abstract=row["abstract"], authors=tuple(row["authors"] or ()),
                categories=tuple(row["categories"] or ()), comment=row["comment"],
            )
            for row in map(json.loads, lines)
        ]  # fmt: skip


def phrases(records: Sequence[Record], number: int = PHRASES) -> list[str]:
    """Phrases from titles, the most frequent first, of the length of typed keywords."""
    phrase_counts: Counter[str] = Counter()
    for record in records:
        phrase_counts.update(set(_grams(words(record.title))))
    by_length: dict[int, Iterator[str]] = {
        length: iter([phrase for phrase, _ in phrase_counts.most_common() if phrase.count(" ") == length - 1])
        for length in LENGTHS
    }
    lengths = Random(SEED).choices([*LENGTHS], [*LENGTHS.values()], k=number)
    return [next(by_length[length]) for length in lengths]


def _grams(text: Sequence[str]) -> Iterator[str]:
    """Runs of one to three words that begin and end with a weighted word."""
    for start, word in enumerate(text):
        if not is_weighted(word) or len(word) < 3 or not word.isalpha():
            continue
        yield word
        for last in (start + 1, start + 2):
            if last < len(text) and is_weighted(text[last]) and text[last].isalpha() and len(text[last]) > 2:
                yield " ".join(text[start : last + 1])


class ProfileMaker:
    """Generates profiles. The same phrases and papers give the same profiles."""

    def __init__(self, phrases: Sequence[str], records: Sequence[Record]) -> None:
        self.random = Random(SEED)
        self.phrases = phrases
        self.authors = [author for record in records for author in record.authors]
        self.categories = [category for record in records for category in record.categories]
        self._picked = self._picks()

    def profiles(self, number: int) -> Iterator[Profile]:
        """That many profiles."""
        return islice(iter(self._profile, None), number)

    def _profile(self) -> Profile:
        random_fraction = self.random.random
        return Profile(
            topics=tuple(Topic(self._keyword()) for _ in range(self.random.choice(TOPICS))),
            exclusions=(f'"{self._phrase()}"',) if random_fraction() < 0.2 else (),
            categories=tuple({self.random.choice(self.categories) for _ in range(2)})
            if random_fraction() < 0.4
            else (),
            authors=(self.random.choice(self.authors),) if self.authors and random_fraction() < 0.15 else (),
        )

    def _keyword(self) -> str:
        fraction = self.random.random()
        if fraction < 0.04:
            *front, last = self._phrase().split()
            return " ".join([*front, f"{last[: max(4, len(last) - 3)]}*"])
        if fraction < 0.19:
            a, b, c = self._phrase(), self._phrase(), self._phrase()
            return self.random.choice(
                (f'"{a}" AND "{b}"', f'"{a}" AND ("{b}" OR "{c}")', f'"{a}" OR "{b}"', f'"{a}" ANDNOT "{b}"')
            )
        return self._phrase()

    def _phrase(self) -> str:
        return self.phrases[next(self._picked)]

    def _picks(self) -> Iterator[int]:
        """Ranks by Zipf's law: the n-th phrase is drawn in proportion to 1/n."""
        sums = np.cumsum(1 / np.arange(1, len(self.phrases) + 1))
        rng = np.random.default_rng(SEED)
        while True:
            yield from np.searchsorted(sums, rng.random(1 << 16) * sums[-1]).tolist()


@contextmanager
def profiles_in_process(
    corpus: Path, profiles: int, day: int, before: int
) -> Iterator[tuple[list[Record], Iterator[Profile]]]:
    """The newest papers (those before the day, then the day's) and a crowd, made by another process.

    So the memory of the calling process is that of matching. The phrases are of papers before the day.
    """
    parent_end, child_end = get_context("spawn").Pipe(duplex=False)
    maker = get_context("spawn").Process(
        target=_send_profiles, args=(child_end, corpus, profiles, day, before), daemon=True
    )
    maker.start()
    child_end.close()
    try:
        yield parent_end.recv(), (profile for part in iter(parent_end.recv, None) for profile in part)
    finally:
        maker.terminate()
        maker.join()


def _send_profiles(pipe_end: Connection, corpus: Path, profiles: int, day: int, before: int) -> None:
    all_records = papers(corpus)
    pipe_end.send(all_records[-day - before :])
    profiles_made = ProfileMaker(phrases(all_records[:-day]), all_records[-day - before : -day]).profiles(profiles)
    while part := list(islice(profiles_made, 1000)):
        pipe_end.send(part)
    pipe_end.send(None)
