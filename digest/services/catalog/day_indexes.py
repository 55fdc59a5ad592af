"""Day indexes: indexes of an announcement's papers, built once, stored as files that every process maps.

A file's name identifies its papers and their revisions, so it is never outdated; a missing one is built again.
"""

from __future__ import annotations

import os
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from sqlmodel import Session

from digest import logs, settings
from digest.db.papers import papers as store
from digest.errors import BadInput
from digest.matching.engine import index_file
from digest.matching.engine.paper_index import PaperIndex, build
from digest.papers import Record
from digest.services.catalog import announcements
from digest.services.catalog.announcements import AnnouncedPaper, AnnouncementDay

log = logs.get(__name__)

_OPEN = 40  # in one process: 14 announcements to match, and earlier ones for thresholds
_FILES = 100
_RISING_FILES = 4
_AT_ONCE = 1000
_open: OrderedDict[str, PaperIndex] = OrderedDict()


def index_of_day(session: Session, day: AnnouncementDay) -> PaperIndex:
    """The index of an announcement."""
    return _named(session, f"{day.number}-{day.state}", day.papers)


def rising_index(session: Session, papers: Sequence[AnnouncedPaper]) -> PaperIndex:
    """An index of rising papers of earlier announcements."""
    return _named(session, f"rising-{announcements.state(papers)}", papers)


def _named(session: Session, state: str, papers: Sequence[AnnouncedPaper]) -> PaperIndex:
    name = f"{state}-{index_file.STATE}.index"
    found = _open.get(name) or _read(name)
    if found is None:
        found = build(_records(session, papers))
        _write(name, found)
    _open[name] = found
    _open.move_to_end(name)
    while len(_open) > _OPEN:
        _open.popitem(last=False)
    return found


def _records(session: Session, papers: Sequence[AnnouncedPaper]) -> list[tuple[int, Record]]:
    records: list[tuple[int, Record]] = []
    for start in range(0, len(papers), _AT_ONCE):
        pairs = [(paper.id, paper.revision) for paper in papers[start : start + _AT_ONCE]]
        found = store.versions(session, pairs)
        records += [(number, found[number, revision]) for number, revision in pairs]
    return records


def _folder() -> Path:
    return settings.get().data_dir / "indexes"


def _read(name: str) -> PaperIndex | None:
    """The index in a file; None where the file is missing, truncated or has another format."""
    try:
        return index_file.read(_folder() / name)
    except FileNotFoundError:
        return None
    except (OSError, BadInput) as error:
        log.warning("index_rebuilt", file=name, reason=str(error))
        return None


def _write(name: str, index: PaperIndex) -> None:
    """Write the file atomically. Where that fails, each process builds its own index."""
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=_folder(), prefix=".", delete=False) as file:
            file.write(index_file.to_bytes(index))
        Path(file.name).chmod(0o644)
        Path(file.name).replace(_folder() / name)
        _remove_old(name)
    except OSError as error:
        log.warning("index_not_stored", file=name, reason=error.strerror or "it cannot be written")


def _remove_old(name: str) -> None:
    """Remove files of other states of the same announcement, and the oldest beyond the limit. Open ones stay usable."""
    begins = name.partition("-")[0]
    files = sorted(_folder().glob("*.index"), key=os.path.getmtime, reverse=True)
    same = [file for file in files if file.name.partition("-")[0] == begins]
    for file in [*same[_RISING_FILES if begins == "rising" else 1 :], *files[_FILES:]]:
        file.unlink(missing_ok=True)
