"""Random profiles over every feature, made of the words that papers have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from digest.errors import BadQuery
from digest.matching.profile import Candidate, Examples, Profile, Topic
from digest.matching.query.language import parse
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.example_vectors import example_terms
from digest.papers import Record
from digest.text.tokens import stem, words


class RandomProfiles:
    """Generates random profiles. The same seed and papers give the same profiles."""

    def __init__(self, papers: Sequence[Record], seed: int) -> None:
        self.random, self.papers = Random(seed), papers
        self.texts = [words(f"{p.title} {p.abstract[:600]}") or ["word"] for p in papers]
        self.authors = [author for p in papers for author in p.authors] or ["Nobody"]
        self.categories = [category for p in papers for category in p.categories] or ["cs.LG"]

    def profile(self) -> Profile:
        """The next random profile."""
        random = self.random
        topics = [self._topic() for _ in range(random.choice((1, 2, 4, 4, 6, 12)))]
        return Profile(
            topics=tuple(topics),
            exclusions=tuple(self._parsable(self._query) for _ in range(random.random() < 0.3)),
            categories=tuple(self._category() for _ in range(random.choice((0, 0, 0, 1, 3)))),
            primary_only=random.random() < 0.3,
            authors=tuple(random.choice(self.authors) for _ in range(random.choice((0, 0, 0, 1, 2)))),
            close=random.random() < 0.85,
            limit=random.choice((10, 10, 3, 50)),
            likes=tuple((stem(self._word()), random.randrange(1, 30)) for _ in range(random.choice((0, 0, 3, 20)))),
            examples=self._examples() if random.random() < 0.3 else None,
        )

    def _examples(self) -> Examples | None:
        number = min(len(self.papers), self.random.choice((1, 2, 5)))
        examples = example_terms(self.random.sample(self.papers, number), Weights(word_counts.prior()))
        return examples and replace(examples, floor=examples.floor // self.random.choice((1, 3, 10)))

    def _topic(self) -> Topic:
        topic_text = self._parsable(self.random.choice((self._phrase, self._phrase, self._word, self._query)))
        cap = self.random.choice((1, 2, 5)) if self.random.random() < 0.2 else None
        return Topic(topic_text, cap=cap, muted=self.random.random() < 0.05)

    def _parsable(self, make: Callable[[], str]) -> str:
        for _ in range(20):  # papers of nothing but stop words make no topic
            topic_text = make()
            try:
                parse(topic_text)
            except BadQuery:
                continue
            return topic_text
        return "word"

    def _word(self) -> str:
        return self.random.choice(self.random.choice(self.texts))

    def _phrase(self) -> str:
        text = self.random.choice(self.texts)
        start = self.random.randrange(len(text))
        return " ".join(text[start : start + self.random.choice((1, 2, 2, 3, 5, 7))])

    def _category(self) -> str:
        return self.random.choice((*self.random.sample(self.categories, 1), "cs", "cs.*", "math"))

    def _query(self, depth: int = 2) -> str:
        if depth == 0 or self.random.random() < 0.4:
            return self._term()
        joined = self.random.choice((" AND ", " OR ", " ANDNOT "))
        return f"({self._query(depth - 1)}){joined}({self._query(depth - 1)})"

    def _term(self) -> str:
        author, category = self.random.choice(self.authors), self.random.choice(self.categories)
        beginning = f"{self._word()[:4]}*"
        return self.random.choice(
            (
                self._phrase(), f'"{self._phrase()}"', beginning, f'"{self._word()} {beginning}"',
                f"{beginning} {self._word()}",
                f'ti:"{self._phrase()}"', f'abs:"{self._phrase()}"', f"cat:{category}", f'au:"{author}"',
                f'all:"{author}"', f"all:{category}", f'all:"{self._phrase()}"', 'co:"23 pages"', "co:pag*", "has:code",
                f"au:{author.split()[-1][:3]}*",
            )
        )  # fmt: skip


def candidates(records: Sequence[Record]) -> list[Candidate]:
    """Papers on three announcements, some of them trending."""
    return [Candidate(7 * n + 3, record, 1 + n % 3, 37 * n % 101) for n, record in enumerate(records)]
