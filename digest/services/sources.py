"""Reading saved answers in a source's own form, and storing them."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from io import BufferedReader
from pathlib import Path

from digest import clock
from digest.errors import BadInput
from digest.ingest import arxiv_feed, jsonl
from digest.papers import Parsed
from digest.services.ingest import Counts, store_document

Documents = Iterator[tuple[str, Parsed]]
Seeds = Callable[[Sequence[Path], date], Sequence[tuple[str, Parsed]]]

FILES = ("jsonl", "arxiv-rss", "seeds")


def ingest_files(source: str, files: Sequence[Path], *, seeds: Seeds, day: date | None = None) -> Counts:
    """Store saved answers of a source. Raises BadInput for an unknown source or a file that can't be read."""
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
            for parsed in jsonl.parse(_lines(path)):
                yield path.name, parsed
        else:
            yield path.name, arxiv_feed.parse(_bytes(path))


def _opened(path: Path) -> gzip.GzipFile | lzma.LZMAFile | BufferedReader:
    if path.suffix == ".gz":
        return gzip.GzipFile(path)
    return lzma.LZMAFile(path) if path.suffix == ".xz" else path.open("rb")


def _bytes(path: Path) -> bytes:
    return b"".join(_lines(path))


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, unpacked where it ends in .gz or .xz. Raises BadInput naming the file."""
    try:
        with _opened(path) as file:
            yield from file
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such file", field="file") from error
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise BadInput(f"{path}: can't be read ({error})", field="file") from error
