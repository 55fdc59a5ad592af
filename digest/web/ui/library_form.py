"""The fields of a form that names a library, and what was read from it, for pages."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import FormData, QueryParams, UploadFile

from digest.i18n import format_number, localize, localize_plural
from digest.services.catalog.page_schemas import TopicCount
from digest.services.preview.library_topic_suggestions import PREVIEW_DAYS, LibraryReport, SuggestedTopic
from digest.services.subscriptions.library_resolution import LibrarySource, ResolvedLibrary
from digest.text.tex import readable
from digest.web.ui import preview_rows

FIELD = "library"  # of errors in any of the form's fields
MAX_PROBLEMS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class LibraryTopicRow:
    """A suggested topic: how often it brings a paper, in words, and the title of such a paper."""

    text: str
    often: str
    example: str
    example_id: int | None


@dataclass(frozen=True, slots=True)
class LibraryView:
    """A library that was read. `papers`: how many of its papers are used; `token`: to find them by at the sign-up.

    `more_problems`: how many are not in `problems`.
    """

    papers: int
    token: str = ""
    sentence: str = ""
    topics: tuple[LibraryTopicRow, ...] = ()
    problems: tuple[str, ...] = ()
    more_problems: int = 0


def library_source(form: FormData) -> LibrarySource:
    """The library that a form names. The key of a Zotero library is in no other answer."""
    upload = form.get("library_file")
    data = None
    if isinstance(upload, UploadFile):
        data = upload.file.read() if upload.filename else None
        upload.file.close()
    return LibrarySource(
        file=data,
        pasted=_text(form, "library_text"),
        zotero_library=_text(form, "zotero_library"),
        zotero_key=_text(form, "zotero_key"),
        orcid_id=_text(form, "orcid"),
    )


def library_token(form: FormData | QueryParams) -> str:
    """The token of papers that were imported before; '' for none."""
    return _text(form, "library")


def _text(form: FormData | QueryParams, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def library_view(report: LibraryReport, *, token: str = "") -> LibraryView:
    """What to show of a library."""
    library = report.library
    problems = [problem.message(localize) for problem in library.problems]
    awaited = {entry.identifier for entry in library.awaited}
    problems += [
        localize("%(identifier)s: not stored here; it is looked up soon", identifier=identifier)
        if identifier in awaited
        else localize(
            "%(identifier)s: this paper is not stored here, and nothing else is known of it", identifier=identifier
        )
        for identifier in library.unknown
    ]
    return LibraryView(
        papers=len(library.examples) + len(awaited),
        token=token,
        sentence=f"{', '.join((*_counts(library), *_outcome(report)))}.",
        topics=tuple(_topic_row(topic, announcements=len(report.preview.days)) for topic in report.topics),
        problems=tuple(problems[:MAX_PROBLEMS_SHOWN]),
        more_problems=max(len(problems) - MAX_PROBLEMS_SHOWN, 0),
    )


def _counts(library: ResolvedLibrary) -> list[str]:
    """`842 entries, 610 known here, 3 repeated, 12 lost`."""
    counts = [
        localize_plural("%(n)s entry", "%(n)s entries", library.total),
        localize("%(n)s known here", n=format_number(library.stored_count)),
    ]
    if library.repeated:
        counts.append(localize("%(n)s repeated", n=format_number(library.repeated)))
    if library.lost:
        counts.append(localize_plural("%(n)s could not be read", "%(n)s could not be read", library.lost))
    if library.left_out:
        counts.append(localize("%(n)s left out beyond the limit", n=format_number(library.left_out)))
    return counts


def _outcome(report: LibraryReport) -> list[str]:
    parts = [localize_plural("%(n)s topic suggested", "%(n)s topics suggested", len(report.topics))]
    if report.per_day >= 0.5:
        parts.append(localize_plural("about %(n)s paper a day", "about %(n)s papers a day", round(report.per_day)))
    return parts


def _topic_row(topic: SuggestedTopic, *, announcements: int) -> LibraryTopicRow:
    count = TopicCount(topic.text, round(topic.per_day * announcements))
    often = preview_rows.how_often(count, announcements, PREVIEW_DAYS)
    example = topic.example
    return LibraryTopicRow(
        topic.text, often, readable(example.title) if example else "", example.id if example else None
    )
