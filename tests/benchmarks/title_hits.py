"""Whether what stands in titles is shown: a table of `python -m tests.benchmarks.relevance SHARED`.

Thirty profiles of several topics get every announced day of the corpus, ten papers a day. Counted are, over all topics,
profiles and days: topics that stand in the title of some paper of the day and of none that is shown; and of each
topic's first two papers of the day with it in the title (in the order of scores) how many are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digest.matching.engine.engine_matcher import ALL, build_matcher
from digest.matching.profile import Profile, Topic
from digest.matching.query.language import Term, phrase_words
from digest.matching.scoring.boolean_match import IndexedText, is_phrase_in

if TYPE_CHECKING:
    from tests.benchmarks.relevance import Month

LIMIT = 10  # papers a day
FIRST = 2  # papers of a topic
PROFILES = """
KV cache; speculative decoding; quantization; mixture of experts
large language models; knowledge distillation; pruning; low-rank adaptation
diffusion models; image editing; text-to-image generation; video generation
reinforcement learning; reward model; preference optimization; RLHF
multi-agent systems; tool use; planning; benchmark
retrieval-augmented generation; question answering; long context; hallucination
3D reconstruction; Gaussian splatting; neural radiance fields; depth estimation
speech recognition; text-to-speech; audio; music generation
code generation; program synthesis; software engineering; unit tests
mathematical reasoning; theorem proving; chain of thought; verifier
vision-language models; visual grounding; OCR; document understanding
robot manipulation; imitation learning; vision-language-action; navigation
federated learning; differential privacy; unlearning; backdoor
graph neural networks; knowledge graph; link prediction; node classification
time series forecasting; anomaly detection; transformers; state space models
protein design; molecule generation; drug discovery; materials
medical imaging; segmentation; radiology reports; pathology
machine translation; low-resource languages; multilingual; tokenization
interpretability; sparse autoencoders; circuits; steering
jailbreak; safety; alignment; red teaming
recommendation; user modeling; click-through rate; ranking
autonomous driving; trajectory prediction; world model; simulation
continual learning; catastrophic forgetting; domain adaptation; few-shot
attention; linear attention; positional encoding; sparse attention
synthetic data; data selection; instruction tuning; evaluation
object detection; tracking; remote sensing; point cloud
causal inference; Bayesian; uncertainty; calibration
optimization; scaling laws; pretraining; learning rate
emotion; dialogue; persona; social
embedding; contrastive learning; clustering; similarity search
"""


@dataclass(slots=True)
class TitleHits:
    """Counts over profiles, days and topics. `due`: topics in a title that day; `first`: papers to be shown."""

    due: int = 0
    left_out: int = 0
    first: int = 0
    first_shown: int = 0

    def add(self, in_title: Sequence[int], listed: frozenset[int]) -> None:
        """One topic on one day, with the papers that have it in the title, best first."""
        if in_title:
            self.due += 1
            self.left_out += listed.isdisjoint(in_title)
            self.first += len(in_title[:FIRST])
            self.first_shown += len(listed.intersection(in_title[:FIRST]))

    def line(self, rule: str) -> str:
        """The figures for a person."""
        left_out, share_listed = self.left_out / max(self.due, 1), self.first_shown / max(self.first, 1)
        return f"{rule:24}{self.due:10}{self.left_out:10}{left_out:9.1%}{self.first:12}{share_listed:9.1%}"


def profiles() -> list[Profile]:
    """The profiles, ten papers a day each."""
    lines = [line.split("; ") for line in PROFILES.strip().splitlines()]
    return [Profile(topics=tuple(map(Topic, topics)), limit=LIMIT) for topics in lines]


def measure(months: Mapping[str, Month], titles: Mapping[int, IndexedText]) -> dict[str, TitleHits]:
    """The counts with slots for topics in titles, and with the ten best papers alone."""
    profile_list = profiles()
    hits = {"slots for titles": TitleHits(), "ten best": TitleHits()}
    for number, matched, ordered in _days(months, profile_list):
        papers_by_rule = {"slots for titles": frozenset(matched), "ten best": frozenset(ordered[:LIMIT])}
        for topic in profile_list[number].topics:
            words = phrase_words(Term(topic.text))
            in_title = [paper for paper in ordered if is_phrase_in(words, titles[paper])]
            for rule, papers in papers_by_rule.items():
                hits[rule].add(in_title, papers)
    return hits


def _days(months: Mapping[str, Month], profile_list: Sequence[Profile]) -> Iterator[tuple[int, list[int], list[int]]]:
    """For each profile and day its number, the papers that it gets, and all that match in order."""
    for month in months.values():
        taus = month.taus(profile_list)
        for index, facts in month.days.values():
            matcher = build_matcher(profile_list, [index], month.weights)
            capped = matcher.match(facts, taus=taus, explain=False)
            everything = matcher.match(facts, taus=taus, explain=False, mode=ALL)
            for number in range(len(profile_list)):
                yield number, capped.papers(number), everything.papers(number)


def report(months: Mapping[str, Month], titles: Mapping[int, IndexedText]) -> None:
    """Print the table. `titles`: of every paper of the months."""
    print(f"\n{len(profiles())} profiles of several topics, every day")
    print(f"{'rule':24}{'due':>10}{'left out':>19}{'first two':>12}{'shown':>9}")
    for rule, hits in measure(months, titles).items():
        print(hits.line(rule), flush=True)
