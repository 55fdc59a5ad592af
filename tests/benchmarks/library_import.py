"""How long a library of 500 real entries, half of them damaged, takes from its file to suggested topics.

    python -m tests.benchmarks.library_import SHARED [--papers 7000] [--rounds 5]

The corpus's papers fill 28 announcements in SQLite, as for `tests.benchmarks.preview`. Like a web process this one
begins with a preview, before the first visitor; `--cold` leaves that out, as for a command. Goal: 5 s.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.benchmarks.preview import fill
from tests.benchmarks.report import Report


def main() -> None:
    """Fill a database, then import the library several times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(os.environ.get("DIGEST_TEST_SHARED", "../shared")))
    parser.add_argument("--papers", type=int, default=7_000, help="in the 14 days looked at")
    parser.add_argument("--cold", action="store_true", help="without the preview that a web process begins with")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    report = Report("library_import")
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DIGEST_DATA_DIR": folder, "DIGEST_SECRET_KEY": "benchmark " * 4}
        os.environ.pop("DIGEST_DATABASE_URL", None)
        fill(options.shared, 2 * options.papers)
        if not options.cold:
            warm_up(report)
        for _ in range(options.rounds):
            import_library(options.shared, report)
    report.write(rounds=options.rounds)


def cpu_seconds() -> float:
    """CPU time of this process and of its children that ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def warm_up(report: Report) -> None:
    """What a web process does when it starts (`sign_up.warm_up`)."""
    from digest.web.pages import sign_up
    from digest.web.ui.page_cache import PageCache
    from digest.web.wiring import page_services

    cpu_started = cpu_seconds()
    sign_up.warm_up(page_services(), PageCache())
    report.add("warm_up_cpu", "ms", (cpu_seconds() - cpu_started) * 1000)


def import_library(shared: Path, report: Report) -> None:
    """One import; the first one of a process also reads the papers of the preview."""
    from digest.matching.profile import Profile
    from digest.services.preview.library_topic_suggestions import PREVIEW_DAYS, PREVIEW_PAPERS, report_library
    from digest.services.preview.preview import preview
    from digest.services.subscriptions.example_papers import terms_of_entries
    from digest.services.subscriptions.library_resolution import LibrarySource, read_library
    from tests.digest.bibliography.damaged_library import damaged_library

    library_file = damaged_library(shared)
    started, cpu_started = time.perf_counter(), cpu_seconds()
    library = read_library(LibrarySource(file=library_file.text.encode()))
    read_at = time.perf_counter()
    profile = Profile(examples=terms_of_entries(library.examples))
    result = report_library(library, profile, partial(preview, days=PREVIEW_DAYS, limit=PREVIEW_PAPERS))
    ended, cpu_ended = time.perf_counter(), cpu_seconds()
    named = {problem.position for problem in library.problems}
    report.add("read_and_resolve", "ms", (read_at - started) * 1000)
    report.add("topics_and_preview", "ms", (ended - read_at) * 1000)
    report.add("total", "ms", (ended - started) * 1000)
    report.add("total_cpu", "ms", (cpu_ended - cpu_started) * 1000)
    report.add("damaged_and_named", "entries", len(named & set(library_file.damaged)))
    topics = ", ".join(f"{topic.text} ({topic.in_library}; {topic.per_day:.1f})" for topic in result.topics)
    sys.stdout.write(
        f"{library.total} entries, {library.stored_count} known, {library.lost} lost, {len(named)} named of "
        f"{len(library_file.damaged)} damaged; {result.per_day:.1f} papers a day: {topics}\n"
    )


if __name__ == "__main__":
    main()
