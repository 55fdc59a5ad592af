"""Suggests topics from a library: its frequent phrases of words that are rare elsewhere, each with papers a day."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.runs import runs
from digest.matching.profile import Profile, Topic
from digest.services.catalog import epochs
from digest.services.catalog.page_schemas import Preview, PreviewPaper
from digest.services.subscriptions.library_resolution import ResolvedLibrary
from digest.text.folding import fold_text
from digest.text.tex import readable
from digest.text.tokens import is_weighted, tokens

MAX_TOPICS = 12
PREVIEW_DAYS, PREVIEW_PAPERS = 14, 50
_MAX_PAPERS = 600  # whose texts are read; of a larger library evenly spread ones
_MAX_ABSTRACT = 600  # characters
_MAX_WORDS = 3
_FORM_FACTORS = {1: 0.4, 2: 1.0}  # by words; more have 1.1
_MIN_SINGLE_IDF = 5 * 256  # a single word must be rare: in fewer than 1 of 150 papers
_FEW_PAPERS = 5  # of a smaller library a phrase of a single paper counts
_MAX_CANDIDATES = 400
_COVERED = 0.35  # what a paper that another suggestion covers still counts
_CONTAINED = 0.6  # share of its papers that a phrase shares with a longer one, from which it is left out
_PIECE = re.compile(r"[.:;,?!()\[\]\"“”—–/]|\s-\s")
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_GENERAL = frozenset(
    """
    towards toward via using use used uses based approach approaches novel new efficient improving improved enhancing
    study studies analysis method methods framework beyond rethinking understanding exploring evaluating leveraging
    unified scalable case application applications model models system systems paper papers propose proposed proposes
    present presented presents show shows shown results result work works demonstrate demonstrates introduce introduces
    existing recent recently however high low large small different various many first two three state art problem
    problems task tasks data performance good better best well several given important general non effective robust
    real-world large-scale small-scale state-of-the-art fine-grained fine-tuning fine-tuned training-free real-time
    end-to-end high-quality low-quality data-driven open-source long-term low-cost cost-effective high-resolution
    plug-and-play zero-shot few-shot out-of-distribution cutting-edge well-known so-called up-to-date
    provide provides challenge challenges review survey one also achieve achieves significantly often
    provably provable communication-efficient sample-efficient near-optimal across diverse optimal general-purpose
    """.split()  # noqa: SIM905 - a table of words reads better than a list of strings
)

Stems = tuple[str, ...]
MakePreview = Callable[[Profile], Preview]


@dataclass(frozen=True, slots=True)
class SuggestedTopic:
    """A topic with how many papers of the library have it, its papers a day here, and one of these."""

    text: str
    in_library: int
    per_day: float = 0.0
    example: PreviewPaper | None = None


@dataclass(frozen=True, slots=True)
class LibraryReport:
    """A library with the topics it suggests, and the preview of these and of papers like those of the library."""

    library: ResolvedLibrary
    topics: tuple[SuggestedTopic, ...]
    preview: Preview

    @property
    def per_day(self) -> float:
        """Papers a day that the topics and the library's papers bring together."""
        return self.preview.per_day


def report_library(
    library: ResolvedLibrary, profile: Profile, make_preview: MakePreview, *, suggests: bool | None = None
) -> LibraryReport:
    """The report of a library. Nothing is stored.

    `profile`: what is typed already, with the terms of the library's papers. `suggests`: whether to suggest topics;
    by default where none are typed.
    """
    typed = [topic.text for topic in profile.topics]
    phrases: list[tuple[str, int]] = []
    if suggests or (suggests is None and not typed):
        with reading() as session:
            phrases = suggest_phrases(session, library)
    folded = set(map(fold_text, typed))
    phrases = [(text, number) for text, number in phrases if fold_text(text) not in folded]
    topics = (*profile.topics, *(Topic(text) for text, _ in phrases))
    profile = replace(profile, topics=topics)
    preview = make_preview(profile) if profile.finds_papers or profile.authors else Preview()
    counts = {count.text: count.papers for count in preview.topics}
    best_papers = _best_papers(preview)
    days = max(len(preview.days), 1)
    suggested = (
        SuggestedTopic(text, number, counts.get(text, 0) / days, best_papers.get(text)) for text, number in phrases
    )
    return LibraryReport(library, tuple(suggested), preview)


def _best_papers(preview: Preview) -> Mapping[str, PreviewPaper]:
    """The best paper of each topic."""
    best: dict[str, PreviewPaper] = {}
    for paper in (paper for day in preview.days for paper in day.papers):
        for topic, _ in paper.matched[:1]:
            if topic not in best or paper.score > best[topic].score:
                best[topic] = paper
    return best


def suggest_phrases(session: Session, library: ResolvedLibrary) -> list[tuple[str, int]]:
    """At most MAX_TOPICS phrases, best first, each with the number of papers of the library that have it.

    A phrase is in the title of one paper at least, a single word in those of two: abstracts are full of set phrases.
    """
    texts = list(_texts(session, library))
    if not texts:
        return []
    weights = epochs.weights(runs.newest_epoch(session))
    papers: dict[Stems, set[int]] = defaultdict(set)
    titles: Counter[Stems] = Counter()
    forms: dict[Stems, Counter[str]] = defaultdict(Counter)
    for number, (title, abstract) in enumerate(texts):
        title_phrases = dict(text_phrases(title))
        titles.update(title_phrases.keys())
        for stems, written in (*title_phrases.items(), *text_phrases(abstract)):
            papers[stems].add(number)
            forms[stems][written] += 1
    least = 1 if len(texts) < _FEW_PAPERS else 2
    values = {
        stems: _FORM_FACTORS.get(len(stems), 1.1) * sum(map(weights.idf, stems)) / len(stems)
        for stems, in_titles in titles.items()
        if len(papers[stems]) >= least
        and (len(stems) > 1 or (in_titles >= least and weights.idf(stems[0]) >= _MIN_SINGLE_IDF))
    }
    chosen_stems = _choose({stems: papers[stems] for stems in values}, values)
    return [(forms[stems].most_common(1)[0][0], len(papers[stems])) for stems in chosen_stems]


def _texts(session: Session, library: ResolvedLibrary) -> Iterator[tuple[str, str]]:
    """Title and beginning of the abstract of the papers; of stored ones as they are stored."""
    step = max(len(library.examples) // _MAX_PAPERS, 1)
    examples = library.examples[::step][:_MAX_PAPERS]
    stored_papers = store.stored_papers(
        session, {example.paper_id for example in examples if example.paper_id is not None}
    )
    for example in examples:
        title, abstract = example.title, example.abstract
        if example.paper_id in stored_papers:
            record = stored_papers[example.paper_id].record
            title, abstract = record.title, record.abstract
        yield title, readable(abstract[:_MAX_ABSTRACT])


def text_phrases(text: str) -> Iterator[tuple[Stems, str]]:
    """The phrases of one to three words that weigh, none of them general: (stems, as written).

    A word with a hyphen (vision-language) is a phrase only together with others: alone it mostly describes.
    """
    for piece in _PIECE.split(readable(text)):
        words = [_lower(word) for word in _WORD.findall(piece)]
        stems = [_stems(word) for word in words]
        for start in range(len(words)):
            for end in range(start + 1, min(start + _MAX_WORDS, len(words)) + 1):
                if not stems[end - 1]:
                    break
                if end - start > 1 or (len(stems[start]) == 1 and len(words[start]) > 3):
                    yield tuple(part for word in stems[start:end] for part in word), " ".join(words[start:end])


def _stems(word: str) -> Stems:
    """The stems of a word that may be part of a phrase; empty for other words."""
    folded = fold_text(word)
    telling = is_weighted(folded) and len(folded) > 1 and folded not in _GENERAL and not folded[0].isdigit()
    return tuple(token.stem for token in tokens(folded)) if telling else ()


def _lower(word: str) -> str:
    """Lower case, except for acronyms and names with capitals inside (LLMs, AlphaFold)."""
    return word if sum(character.isupper() for character in word) > 1 else word.lower()


def _choose(papers: Mapping[Stems, set[int]], values: Mapping[Stems, float]) -> list[Stems]:
    """The phrases that cover most papers with the rarest words, one after the other."""
    by_value = sorted(papers, key=lambda stems: (-values[stems] * len(papers[stems]), stems))
    candidates = _without_contained(by_value[:_MAX_CANDIDATES], papers)
    covered: set[int] = set()
    suggested: list[Stems] = []
    while candidates and len(suggested) < MAX_TOPICS:
        _, best = max((values[stems] * _newly_covered(papers[stems], covered), stems) for stems in candidates)
        suggested.append(best)
        covered |= papers[best]
        candidates = [stems for stems in candidates if stems != best and not _overlap(stems, best)]
    return suggested


def _newly_covered(numbers: set[int], covered: set[int]) -> float:
    """The number of papers, of which covered ones count less."""
    new = len(numbers - covered)
    return new + _COVERED * (len(numbers) - new)


def _without_contained(phrases: Sequence[Stems], papers: Mapping[Stems, set[int]]) -> list[Stems]:
    """The phrases without those that mostly occur as a part of a longer one."""
    longer: dict[Stems, int] = defaultdict(int)
    for phrase in phrases:
        for part in _parts(phrase):
            longer[part] = max(longer[part], len(papers[phrase]))
    return [phrase for phrase in phrases if longer[phrase] < _CONTAINED * len(papers[phrase])]


def _parts(phrase: Stems) -> Iterable[Stems]:
    return (
        phrase[start:end]
        for start in range(len(phrase))
        for end in range(start + 1, len(phrase) + 1)
        if end - start < len(phrase)
    )


def _overlap(phrase: Stems, other: Stems) -> bool:
    """True where one phrase is a part of the other, or they share two words."""
    shared = set(phrase) & set(other)
    return len(shared) >= min(len(phrase), len(other)) or len(shared) > 1
