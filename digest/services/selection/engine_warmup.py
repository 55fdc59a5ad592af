"""Compile the kernel's machine code, once for a machine. Imported only where matching runs."""

from __future__ import annotations

import fcntl
from pathlib import Path

import numpy as np

from digest import logs
from digest.matching.engine import json_writer
from digest.matching.engine.engine_matcher import ALL, CAPPED, RANKED, PaperFacts, build_matcher
from digest.matching.engine.json_writer import EntryTemplates
from digest.matching.engine.paper_index import build_index
from digest.matching.kernel import jit
from digest.matching.profile import Counts, Profile, Topic
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.topic_context import PackedContext, TopicContext, pack_context
from digest.papers import Record
from digest.services.selection.engine_loader import READY_MARKER

log = logs.get(__name__)


def warm_up() -> None:
    """Compile the kernel if it is not in the cache. One process compiles, the others wait for it."""
    folder = Path(jit.config.CACHE_DIR)
    ready_marker = folder / READY_MARKER
    if ready_marker.exists():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ready_marker.exists():
                log.info("kernel_compiling")
                compile_all()
                ready_marker.touch()
    except OSError as error:
        log.warning("kernel_not_cached", reason=error.strerror or "its folder can't be written")


def compile_all() -> None:
    """Call every entry point of the kernel once, so that it is compiled."""
    papers = [(1, Record("A protein", categories=("cs.LG",), authors=("Ada Byron",)))]
    topics = Topic("protein", cap=1), Topic("folds"), Topic('prot* OR ti:"deep fold*"')
    profile = Profile(topics, exclusions=("survey",), authors=("Grace Hopper",))
    weights = Weights(Counts(10, 10.0, {"protein": 1}))
    contexts = {
        "protein": pack_context(TopicContext({"protein": 1}, 1), weights.stem_numbers),
        "folds": PackedContext(b"", 0),
    }
    matcher = build_matcher([profile], [build_index(papers)], weights, contexts)
    facts = PaperFacts(np.ones(1, np.int64), np.zeros(1, np.int32))
    for mode in (CAPPED, ALL, RANKED):
        results = matcher.match(facts, mode=mode, max_ranked=1, sent=[[1]])
    json_writer.write_entries(
        results, matcher.compiled, [0], EntryTemplates.from_parts([(b"", b"")]), matcher.store.query_texts.to_arrays()
    )
    matcher.thresholds(facts)
