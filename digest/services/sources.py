"""Reading saved answers in a source's own form, and storing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

from digest import clock
from digest.errors import BadInput
from digest.ingest import arxiv_feed, jsonl, saved
from digest.papers import Bad, Parsed
from digest.services.ingest import Counts, store_document

Documents = Iterator[tuple[str, Parsed]]
Seeds = Callable[[Sequence[Path], date], Sequence[tuple[str, Parsed]]]

FILES = ("jsonl", "arxiv-rss", "seeds")


def ingest_files(source: str, files: Sequence[Path], *, seeds: Seeds, day: date | None = None) -> Counts:
    """Store saved answers of a source. Raises BadInput for an unknown source or a file that can't be opened."""
    if source not in FILES:
        raise BadInput(f"source {source!r} is unknown; one of {', '.join(FILES)}", field="source")
    if source != "seeds" and not files:
        raise BadInput(f"{source} needs --file", field="file")
    total = Counts(source)
    today = clock.now().date()
    documents = seeds(files, today) if source == "seeds" else _read(source, files)
    for name, parsed in documents:
        total.add(store_document(source, name, parsed, day=day))
    return total


def _read(source: str, files: Sequence[Path]) -> Documents:
    for path in files:
        if source == "jsonl":
            for parsed in jsonl.parse(saved.lines(path)):
                yield path.name, parsed
        else:
            yield path.name, _feed(saved.whole(path))


def _feed(data: bytes) -> Parsed:
    """The feed's papers; one that is no feed as a whole is one refused piece."""
    try:
        return arxiv_feed.parse(data)
    except BadInput as error:
        return Parsed(bad=(Bad(1, str(error), data[:120].decode(errors="replace")),))
