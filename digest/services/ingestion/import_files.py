"""Imports saved answers of a source from files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

from digest import clock
from digest.errors import BadInput
from digest.papers import ParsedDocument
from digest.services.ingestion.import_document import IngestCounts, store_documents
from digest.sources import compressed_files, read_ahead, registry
from digest.sources.source import SavedFile

Seeds = Callable[[Sequence[Path], date], Sequence[tuple[str, ParsedDocument]]]

FILE_FORMATS = ("seeds", "jsonl")  # formats that belong to no source


def ingest_files(source: str, files: Sequence[Path], *, seeds: Seeds, day: date | None = None) -> IngestCounts:
    """Store saved answers of a source. Raises BadInput for an unknown source or an unreadable file."""
    names = (*FILE_FORMATS, *registry.SOURCES)
    if source not in names and source not in registry.all_sources():
        raise BadInput(f"source {source!r} is unknown; one of {', '.join(names)}", field="source")
    if source == "jsonl":
        if not files:
            raise BadInput(f"{source} needs --file", field="file")
        return _import_json_lines(files, day)
    if source == "seeds":
        documents = iter(seeds(files, clock.now().date()))
    else:
        documents = registry.source_named(source).parser(_contents(files))
    return store_documents(source, documents, day=day)


def _contents(files: Sequence[Path]) -> Iterator[SavedFile]:
    return ((path.name, compressed_files.read_whole(path)) for path in files)


def _import_json_lines(files: Sequence[Path], day: date | None) -> IngestCounts:
    with read_ahead.ReadAhead(files) as parsed_ahead:

        def adapt(counts: IngestCounts) -> None:
            parsed_ahead.mostly_new = counts.new > counts.unchanged

        return store_documents("jsonl", parsed_ahead, day=day, on_stored=adapt)
