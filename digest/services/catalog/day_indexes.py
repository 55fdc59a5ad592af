"""Day indexes: indexes of an announcement's papers, built once, stored as files that every process maps.

A file's name identifies its papers and their revisions, so it is never outdated; a missing one is built again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from sqlmodel import Session

from digest import logs
from digest.db.papers import papers as store
from digest.errors import BadInput
from digest.matching.engine import index_file
from digest.matching.engine.paper_index import PaperIndex, build_index
from digest.papers import Record
from digest.services.catalog import announcements, index_files
from digest.services.catalog.announcements import AnnouncedPaper, AnnouncementDay

log = logs.get(__name__)

_MAX_OPEN = 40  # in one process: 14 announcements to match, and earlier ones for thresholds
_MAX_FILES = 100
_RISING_FILES = 4
_PAPERS_PER_READ = 1000
_open_indexes: OrderedDict[str, PaperIndex] = OrderedDict()


def index_of_day(session: Session, day: AnnouncementDay) -> PaperIndex:
    """The index of an announcement."""
    return _cached_index(session, f"{day.announcement_id}-{day.fingerprint}", day.papers)


def rising_index(session: Session, papers: Sequence[AnnouncedPaper]) -> PaperIndex:
    """An index of rising papers of earlier announcements."""
    return _cached_index(session, f"rising-{announcements.papers_fingerprint(papers)}", papers)


def _cached_index(session: Session, state: str, papers: Sequence[AnnouncedPaper]) -> PaperIndex:
    name = f"{state}-{index_file.CODE_VERSION}.index"
    index = _open_indexes.get(name) or _read(name)
    if index is None:
        index = build_index(_records(session, papers))
        _write(name, index)
    _open_indexes[name] = index
    _open_indexes.move_to_end(name)
    while len(_open_indexes) > _MAX_OPEN:
        _open_indexes.popitem(last=False)
    return index


def _records(session: Session, papers: Sequence[AnnouncedPaper]) -> list[tuple[int, Record]]:
    records: list[tuple[int, Record]] = []
    for start in range(0, len(papers), _PAPERS_PER_READ):
        pairs = [(paper.id, paper.revision) for paper in papers[start : start + _PAPERS_PER_READ]]
        records_by_revision = store.versions(session, pairs)
        records += [(paper_id, records_by_revision[paper_id, revision]) for paper_id, revision in pairs]
    return records


def _read(name: str) -> PaperIndex | None:
    """The index in a file; None where the file is missing, truncated or has another format."""
    try:
        return index_file.read(index_files.folder() / name)
    except FileNotFoundError:
        return None
    except (OSError, BadInput) as error:
        log.warning("index_rebuilt", file=name, reason=str(error))
        return None


def _write(name: str, index: PaperIndex) -> None:
    is_rising = name.startswith("rising-")
    index_files.write(name, index_file.to_bytes(index), states=_RISING_FILES if is_rising else 1, max_files=_MAX_FILES)
