"""Reads the library that a form or an API call names, within the client's limits, and reports on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from fastapi import Depends
from starlette.datastructures import FormData

from digest.errors import BadInput, DigestError, NotFound, SourceDown, TooMany
from digest.matching.profile import Profile
from digest.services.preview.library_topic_suggestions import (
    PREVIEW_DAYS,
    PREVIEW_PAPERS,
    LibraryReport,
    report_library,
)
from digest.services.subscriptions import example_papers, update_preferences
from digest.services.subscriptions.example_papers import ImportResult
from digest.services.subscriptions.library_resolution import ResolvedLibrary, read_usable_library
from digest.web.http.preview_limits import LibrarySlot, LimitedPreview, MakePreview
from digest.web.ui import forms, library_form
from digest.web.ui.library_form import LibraryView

LIBRARY_ERRORS = (BadInput, NotFound, SourceDown, TooMany)


def library_error(error: DigestError) -> BadInput:
    """The error at the fields of the library."""
    return BadInput(forms.as_sentence(error), field=library_form.FIELD)


def report_of(library: ResolvedLibrary, profile: Profile, make_preview: MakePreview) -> LibraryReport:
    """The report of a library, with a preview of the client."""
    return report_library(
        library,
        profile,
        lambda tried: make_preview(tried, days=PREVIEW_DAYS, limit=PREVIEW_PAPERS),
        suggests=True,
    )


Importer = Callable[[int, FormData], tuple[ImportResult, LibraryView]]


async def _importer(make_preview: LimitedPreview, slot: LibrarySlot) -> Importer:
    def import_library(subscriber_id: int, form: FormData) -> tuple[ImportResult, LibraryView]:
        source = library_form.library_source(form)
        with slot(is_remote=source.is_remote):
            library = read_usable_library(source)
        profile = update_preferences.account_of(subscriber_id).profile
        profile = replace(profile, examples=example_papers.terms_of_entries(library.examples))
        report = report_of(library, profile, make_preview)  # before anything is stored: it may be refused
        result = example_papers.add_examples(subscriber_id, (*library.examples, *library.awaited))
        return result, library_form.library_view(report)

    return import_library


ImportLibrary = Annotated[Importer, Depends(_importer)]
"""Adds the library of a form to a subscriber's papers; what was added, and the report. Raises LIBRARY_ERRORS."""
