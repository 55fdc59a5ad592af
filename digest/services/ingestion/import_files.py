"""Reading saved answers in a source's own form, and storing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

from digest import clock
from digest.errors import BadInput
from digest.papers import Bad, Listed, Parsed
from digest.services.ingestion.import_document import Counts, store_documents
from digest.sources import (
    arxiv_api,
    arxiv_calendar,
    arxiv_feed,
    arxiv_oai,
    compressed_files,
    huggingface,
    openalex,
    read_ahead,
    semantic_scholar,
)

Documents = Iterator[tuple[str, Parsed]]
Seeds = Callable[[Sequence[Path], date], Sequence[tuple[str, Parsed]]]

_PARSERS: dict[str, Callable[[bytes], Parsed]] = {
    "arxiv-rss": arxiv_feed.parse,
    "arxiv-api": arxiv_api.parse_saved,
    "huggingface": huggingface.parse,
    "semantic-scholar": semantic_scholar.parse,
    "openalex": openalex.parse,
}
FILES = ("seeds", "jsonl", *_PARSERS, "arxiv-oai")


def ingest_files(source: str, files: Sequence[Path], *, seeds: Seeds, day: date | None = None) -> Counts:
    """Store saved answers of a source. Raises BadInput for an unknown source or a file that can't be read."""
    if source not in FILES:
        raise BadInput(f"source {source!r} is unknown; one of {', '.join(FILES)}", field="source")
    if source == "jsonl" and not files:
        raise BadInput(f"{source} needs --file", field="file")
    if source == "jsonl":
        return _lines(files, day)
    today = clock.now().date()
    documents = iter(seeds(files, today)) if source == "seeds" else _read(source, files)
    return store_documents(source, documents, day=day)


def _lines(files: Sequence[Path], day: date | None) -> Counts:
    with read_ahead.Ahead(files) as reader:

        def learn(counts: Counts) -> None:
            reader.mostly_new = counts.new > counts.unchanged

        return store_documents("jsonl", reader, day=day, stored=learn)


def _read(source: str, files: Sequence[Path]) -> Documents:
    if source == "arxiv-oai":
        yield from _harvested(files)
        return
    for path in files:
        yield path.name, _parsed(_PARSERS[source], compressed_files.whole(path))


def _parsed(parse: Callable[[bytes], Parsed], data: bytes) -> Parsed:
    """The document; one that is none of its kind as a whole is one refused piece."""
    try:
        return parse(data)
    except BadInput as error:
        return Parsed(bad=(_refused(error, data),))


def _refused(error: BadInput, data: bytes) -> Bad:
    return Bad(1, str(error), data[:120].decode(errors="replace"))


def _harvested(files: Sequence[Path]) -> Documents:
    """Saved pages of OAI-PMH together: a document for each announcement, oldest first."""
    found: dict[str, arxiv_oai.Harvested] = {}
    bad: dict[str, tuple[Bad, ...]] = {}
    for path in files:
        data = compressed_files.whole(path)
        try:
            page = arxiv_oai.parse(data)
        except BadInput as error:
            bad[path.name] = (_refused(error, data),)
            continue
        found |= {h.record.arxiv_id or "": h for h in page.records}
        bad[path.name] = (*page.bad, page.cut) if page.cut else page.bad
    since = min((h.changed for h in found.values()), default=date.min)
    by_day: dict[date, list[Listed]] = {}
    for harvested in found.values():
        by_day.setdefault(arxiv_calendar.current(harvested.changed), []).append(arxiv_oai.announced(harvested, since))
    for name, refused in bad.items():
        if refused:
            yield name, Parsed(bad=refused)
    for day in sorted(by_day):
        yield f"records of {day}", Parsed(tuple(by_day[day]), announced=day)
