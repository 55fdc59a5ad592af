"""Input and output of the matchers: profiles, candidate papers, an epoch's word counts, matches. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from digest.matching.profile_limits import DEFAULT_LIMIT
from digest.papers import Record
from digest.text.tokens import stem

USUAL, HIGH = "usual", "high"
_OPTIONAL_FIELDS = frozenset({"examples", "sources", "languages"})  # absent from JSON where they are empty


@dataclass(frozen=True, slots=True)
class Topic:
    """One line of a profile: a keyword, phrase or query as typed. `cap`: at most so many papers an edition."""

    text: str
    cap: int | None = None
    muted: bool = False


@dataclass(frozen=True, slots=True)
class ExampleTerm:
    """A word, or two adjacent words, of example papers.

    `stems`: one stem, or two with a blank between them; `written`: as the examples write it; `weight`: in sixteenths.
    """

    stems: str
    written: str
    weight: int

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ExampleTerm:
        """Parse a stored term, with the stems that its words have now: another release may have stored others."""
        written = str(value["written"])
        return cls(" ".join(map(stem, written.split())), written, int(value["weight"]))


@dataclass(frozen=True, slots=True)
class Examples:
    """The terms of a subscriber's example papers, heaviest first: `matching.scoring.example_vectors` computes them.

    `floor`: the least similarity of a paper that they admit. `papers`: title of each example with the positions in
    `terms` of the terms that it has; they only serve to name the nearest example.
    """

    terms: tuple[ExampleTerm, ...]
    floor: int
    papers: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Examples:
        """Parse what `Profile.to_json` returned for its examples."""
        return cls(
            terms=tuple(map(ExampleTerm.from_json, value["terms"])),
            floor=int(value["floor"]),
            papers=tuple((str(title), tuple(positions)) for title, positions in value["papers"]),
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """A subscriber's interests. `exclusions` are queries; `categories` empty means all.

    `authors` are followed: each a name, or a person with a name as in `text.person_references`.
    `minimum`: how relevant a close match has to be; USUAL lets about 5 papers a day pass, HIGH about 1.
    `likes`: (stem, weight) of words in liked papers, from `matching.scoring.relevance_feedback`; they raise the score
    of papers that match already. `examples`: of papers to start from, which also admit similar papers; None without.
    `sources`, `languages`: keys of outlets (`papers.outlets`) and codes of languages; papers of others, as far as
    known, are left out before matching. Empty means all.
    """

    topics: tuple[Topic, ...] = ()
    exclusions: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    primary_only: bool = False
    authors: tuple[str, ...] = ()
    close: bool = True
    minimum: str = USUAL
    limit: int = DEFAULT_LIMIT
    likes: tuple[tuple[str, int], ...] = ()
    examples: Examples | None = None
    sources: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()

    @property
    def example_terms(self) -> tuple[ExampleTerm, ...]:
        """The terms of the example papers; () without examples."""
        return self.examples.terms if self.examples else ()

    @property
    def finds_papers(self) -> bool:
        """True for a profile with a topic that is not muted, or with examples."""
        return self.examples is not None or any(not topic.muted for topic in self.topics)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, without those choices that were not made; `from_json` is the inverse."""
        values = asdict(self)
        return {name: value for name, value in values.items() if value or name not in _OPTIONAL_FIELDS}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Profile:
        """The inverse of `to_json`."""
        return cls(
            topics=tuple(Topic(**topic) for topic in value.get("topics", ())),
            exclusions=tuple(value.get("exclusions", ())),
            categories=tuple(value.get("categories", ())),
            primary_only=bool(value.get("primary_only", False)),
            authors=tuple(value.get("authors", ())),
            close=bool(value.get("close", True)),
            minimum=str(value.get("minimum", USUAL)),
            limit=int(value.get("limit", DEFAULT_LIMIT)),
            likes=tuple((str(stem), int(weight)) for stem, weight in value.get("likes", ())),
            examples=Examples.from_json(value["examples"]) if value.get("examples") else None,
            sources=tuple(value.get("sources", ())),
            languages=tuple(value.get("languages", ())),
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A paper to be matched. `trending`: percentile within its field, 0 to 100 (no signal: 0).

    `people`: of the followed authors that are a person (`person_references`), those whose paper it is, as in profiles;
    and of the ids of authors in queries those that its authors have, as `scheme:value`.
    """

    id: int
    record: Record
    announcement: int
    trending: int = 0
    people: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Counts:
    """An epoch's word statistics. `papers` N; `average_length` in tokens; `df`: stem to number of papers with it.

    `announcements`: the number counted (fewer than 14: thresholds are the floor alone).
    """

    papers: int
    average_length: float
    df: Mapping[str, int]
    announcements: int = 0


@dataclass(frozen=True, slots=True)
class Match:
    """One paper that matches a profile, and the reasons.

    `mask`: bit i set where the profile's i-th term matched (terms numbered by `terms(profile)`).
    `matched`: (topic's index, its words that matched, as typed); the first topic contributes most of the score.
    `followed`: names of followed authors. `topic`: the index whose cap it counts against, -1 for none.
    `example`: the title of the nearest example paper, '' for none; `example_words`: the words shared with it.
    """

    paper: int
    score: int
    relevance: int
    strict: bool
    topic: int
    mask: int = 0
    matched: tuple[tuple[int, tuple[str, ...]], ...] = field(default=())
    followed: tuple[str, ...] = ()
    example: str = ""
    example_words: tuple[str, ...] = ()
