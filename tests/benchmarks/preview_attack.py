"""CPU seconds of the costliest profiles that validation accepts, against 20,000 papers, by both matchers.

    python -m tests.benchmarks.preview_attack SHARED [--papers 20000] [--only reference|engine]

Goal: under 1 s for one profile. `engine` matches all papers. `reference` matches the newest of them, as many as a
preview shows it at most (`engine_need.REFERENCE_DOCUMENTS`). Both are called as previews and editions call them.
Preparing documents and loading indexes is done once for all profiles and reported by itself. Every profile is at a
bound of `digest.matching.query.profile_limit_checks`: words, prefixes or length.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from datetime import time as time_of_day
from itertools import islice, pairwise
from pathlib import Path

from digest import caching, clock
from digest.db.core.engine import reading
from digest.db.papers import papers as papers_store
from digest.errors import BadInput, BadQuery
from digest.matching.profile import Candidate, Profile, Topic
from digest.matching.profile_limits import MAX_PREFIXES, MAX_WORDS
from digest.matching.query.language import parse
from digest.matching.query.profile_limit_checks import check_cost, profile_cost
from digest.matching.reference import reference_matcher
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document, prepare_document
from digest.matching.scoring.parameters import WINDOW_ANNOUNCEMENTS
from digest.services.selection import candidate_papers, engine_loader, engine_need
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.edition_sections import SelectionRequest
from tests.benchmarks import preview
from tests.benchmarks.report import Report

TOPICS = 20
TOPIC_LENGTH = 500  # characters
AUTHORS = 50


def main() -> None:
    """Fill a database, then measure every profile by both matchers and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(os.environ.get("DIGEST_TEST_SHARED", "../shared")))
    parser.add_argument("--papers", type=int, default=20_000, help="in the 14 days looked at")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["reference", "engine"])
    parser.add_argument("--data", type=Path, help="a folder to keep the filled database in, or to find it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.data or Path(temporary)
        os.environ |= {"DIGEST_DATA_DIR": str(folder), "NUMBA_CACHE_DIR": str(Path("build/kernel").resolve())}
        os.environ.pop("DIGEST_DATABASE_URL", None)
        if not (folder / "digest.db").exists():
            folder.mkdir(parents=True, exist_ok=True)
            preview.fill(options.shared, 2 * options.papers)
        measure([backend for backend in ("reference", "engine") if options.only in {None, backend}], options.rounds)


def measure(backends: Sequence[str], rounds: int) -> None:
    """Print a row for each matcher and profile: the median of CPU seconds, and how many papers the profile matches."""
    report = Report("preview-attack")
    window_pool = last_window()
    weights = Weights(word_counts.prior())
    for backend in backends:
        started_at = time.process_time()
        match = by_reference(window_pool, weights) if backend == "reference" else by_engine(window_pool)
        print(
            f"{backend}: {len(window_pool.papers)} papers prepared in {time.process_time() - started_at:.2f} s of CPU"
        )
        match(Profile((Topic("diffusion model"),)))
        print(f"{'matcher':10} {'profile':32} {'words':>5} {'prefixes':>8} {'CPU s':>6} {'papers':>6}")
        for kind, profile in hostile_profiles(known_texts(window_pool)).items():
            check_cost(profile)
            seconds, match_count = [], 0
            for _ in range(rounds):
                started_at = time.process_time()
                match_count = match(profile)
                seconds.append(time.process_time() - started_at)
                report.add(f"{backend}, {kind}", "s", seconds[-1])
            cost = profile_cost(profile)
            median = sorted(seconds)[len(seconds) // 2]
            print(f"{backend:10} {kind:32} {cost.words:5} {cost.prefixes:8} {median:6.2f} {match_count:6}", flush=True)
    report.write(rounds=rounds)


def last_window() -> CandidatePool:
    """The papers of the last 14 announcements."""
    with reading() as session:
        numbers = papers_store.announcement_window(session, preview.LAST.toordinal(), WINDOW_ANNOUNCEMENTS)
        evening = datetime.combine(preview.LAST + timedelta(days=1), time_of_day(0), tzinfo=clock.ARXIV_ZONE)
        return candidate_papers.pool_of(session, numbers, signals_at=evening, weights=Weights(word_counts.prior()))


def by_reference(pool: CandidatePool, weights: Weights) -> Callable[[Profile], int]:
    """Matching by the reference, over documents that are prepared. Returns how many papers match."""
    newest = sorted(known_documents(pool), key=lambda document: document.candidate.announcement, reverse=True)
    documents = newest[: engine_need.REFERENCE_DOCUMENTS]
    caching.exempt_objects_from_gc()  # as where a preview prepares them
    print(f"the newest {len(documents)} papers are matched")

    def match(profile: Profile) -> int:
        matches = reference_matcher.match_lazily(profile, documents, weights, tau=0)
        matches.within_limits()
        return len(matches)

    return match


def by_engine(pool: CandidatePool) -> Callable[[Profile], int]:
    """Matching by the engine, as a preview calls it. Returns how many papers match."""

    def match(profile: Profile) -> int:
        with reading() as session:
            requests = [SelectionRequest(profile, tau=0, rising=False)]
            [content] = engine_loader.engine().choose(session, pool, requests)
        return len(content.entries) + content.more

    match(Profile((Topic("protein folding"),)))  # makes or loads machine code and indexes
    return match


def known_documents(pool: CandidatePool) -> list[Document]:
    """The papers prepared for the reference."""
    with reading() as session:
        versions = papers_store.versions(session, [(n, paper.revision) for n, paper in pool.papers.items()])
    return [prepare_document(Candidate(n, record, pool.announcement_of[n])) for (n, _), record in versions.items()]


def known_texts(pool: CandidatePool) -> list[str]:
    """Abstracts and, behind a line end, authors: what hostile profiles are made of."""
    with reading() as session:
        sample = islice(pool.papers.items(), 5000)
        versions = papers_store.versions(session, [(n, paper.revision) for n, paper in sample])
    return [f"{record.abstract}\n{'|'.join(record.authors)}" for record in versions.values()]


def hostile_profiles(texts: Sequence[str]) -> dict[str, Profile]:
    """Profiles at the bounds, of the most frequent words, pairs of words, beginnings and names of these papers."""
    abstracts, authors = zip(*(text.split("\n", 1) for text in texts), strict=True)
    word_counts_, pairs = Counter[str](), Counter[str]()
    for abstract in abstracts:
        lowered = abstract.lower().split()
        word_counts_.update({word for word in lowered if word.isalpha() and len(word) > 2})
        pairs.update({f"{a} {b}" for a, b in pairwise(lowered) if (a + b).isalpha()})
    frequent = [word for word, _ in word_counts_.most_common(600) if parses(word)]
    phrases = [f'"{pair}"' for pair, _ in pairs.most_common(600) if parses(f'"{pair}"')]
    prefixes = list(dict.fromkeys(f"{word[:3]}*" for word in frequent))
    pair_prefixes = [f'"{a[:3]}* {b[:3]}*"' for a, b in (p.strip('"').split() for p in phrases) if len(a) > 2 < len(b)]
    families = Counter(name.split()[-1] for row in authors for name in row.split("|") if name.split())
    names = [name for name, _ in families.most_common(400) if name.isalpha() and len(name) > 2 and parses(f"au:{name}")]
    by_name = [f"au:{name}" for name in names]
    some_prefixes = prefixes[:MAX_PREFIXES]
    long_phrase = ["the and of the model in the", "of the model and the data of the", "we show that the results of the"]
    profiles_by_kind = {
        "words of plain topics": topics(frequent, " "),
        "words joined by OR": topics(frequent, " OR "),
        "words joined by AND": topics(frequent, " AND "),
        "words that a field asks for": topics([f"abs:{word}" for word in frequent], " OR "),
        "phrases of two words": topics(phrases, " OR "),
        "the same words in each topic": Profile(
            tuple(Topic(" ".join(frequent[: MAX_WORDS // TOPICS])) for _ in range(TOPICS))
        ),
        "prefixes, then words": topics([*some_prefixes, *frequent], " OR "),
        "prefixes in plain topics": topics([*some_prefixes, *frequent], " "),
        "phrases of prefixes": topics([*dict.fromkeys(pair_prefixes)][: MAX_PREFIXES // 2] + phrases, " OR "),
        "the same prefix, repeated": topics(['"' + " ".join(["mod*"] * 20) + '"', *frequent], " OR "),
        "one phrase of prefixes": topics([f'"{" ".join(some_prefixes)}"', *frequent], " OR "),
        "any field": topics([f"all:{prefix}" for prefix in some_prefixes] + [f"all:{w}" for w in frequent], " OR "),
        "any field, words": topics([f"all:{word}" for word in frequent], " OR "),
        "institutions": topics([f"inst:{word}" for word in frequent], " OR "),
        "comments and venues": topics([f"co:{w}" for w in frequent[:125]] + [f"venue:{w}" for w in frequent], " OR "),
        "authors": topics(by_name, " OR "),
        "authors by beginnings": topics([f"au:{name[:3]}*" for name in names[:MAX_PREFIXES]] + by_name, " OR "),
        "long phrases": topics([f'"{text}"' for text in long_phrase * 9], " OR "),
        "ANDNOT": topics([f"({a} ANDNOT {b})" for a, b in zip(frequent[:130], frequent[130:], strict=False)], " OR "),
    }
    followed = tuple(names[:AUTHORS])
    profiles_by_kind["authors followed"] = bounded(
        lambda n: Profile(topics(frequent[:n], " ").topics, authors=followed)
    )
    exclusions = [f'"{a} zz"' for a in frequent]
    profiles_by_kind["exclusions"] = bounded(
        lambda n: Profile(topics(frequent[:n], " OR ").topics, spread(exclusions[:n], " OR "))
    )
    return profiles_by_kind


def topics(items: Sequence[str], separator: str) -> Profile:
    """The first of these items spread over topics, as many as validation accepts."""
    return bounded(lambda number: Profile(tuple(map(Topic, spread(items[:number], separator)))))


def bounded(make: Callable[[int], Profile]) -> Profile:
    """The largest profile of this kind that is accepted."""
    return make(bisect_left(range(1, MAX_WORDS + 1), True, key=lambda number: not accepted(make(number))))


def accepted(profile: Profile) -> bool:
    """True where validation accepts the profile."""
    try:
        check_cost(profile)
    except BadInput:
        return False
    return all(len(text) <= TOPIC_LENGTH for text in (*(topic.text for topic in profile.topics), *profile.exclusions))


def spread(items: Sequence[str], separator: str) -> tuple[str, ...]:
    """The items joined, in as many texts as a profile may have topics."""
    return tuple(separator.join(items[first::TOPICS]) for first in range(min(TOPICS, len(items))))


def parses(text: str) -> bool:
    """True for a text that is a query."""
    try:
        return bool(parse(text))
    except BadQuery:
        return False


if __name__ == "__main__":
    main()
