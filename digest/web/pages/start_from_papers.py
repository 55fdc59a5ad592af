"""Start from papers: the sign-up form with topics suggested from a library."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest.errors import BadInput
from digest.matching.profile import Profile
from digest.services.preview.library_topic_suggestions import PREVIEW_DAYS, PREVIEW_PAPERS
from digest.services.subscriptions import pending_imports
from digest.services.subscriptions.library_resolution import read_usable_library
from digest.services.subscriptions.preference_fields import SignUpPreferences
from digest.web.http.error_pages import status_of
from digest.web.http.preview_limits import LibrarySlot, LimitedPreview
from digest.web.pages import sign_up
from digest.web.pages.library_reports import LIBRARY_ERRORS, library_error, report_of
from digest.web.pages.sign_up import Trending
from digest.web.ui import library_form, preference_form, preview_rows
from digest.web.ui.forms import UploadForm

router = APIRouter(include_in_schema=False)


@router.post("/start-from-papers")
def suggest(form: UploadForm, trending: Trending, make_preview: LimitedPreview, slot: LibrarySlot) -> HTMLResponse:
    """The sign-up form with the topics that a library suggests. The papers are kept until the sign-up."""
    texts = preference_form.submitted_texts(form, with_separators=True)
    try:
        source = library_form.library_source(form)
        with slot(is_remote=source.is_remote):
            library = read_usable_library(source)
        papers = pending_imports.bounded_papers((*library.examples, *library.awaited))
        profile = replace(_typed_profile(texts), examples=papers.terms)
        report = report_of(library, profile, make_preview)  # before anything is kept: it may be refused
        token = pending_imports.keep_import(papers)
    except LIBRARY_ERRORS as error:
        return sign_up.form_page(trending, texts, error=library_error(error), status=status_of(error), is_posted=True)
    texts["topics"] = "\n".join((*texts.get("topics", "").splitlines(), *(topic.text for topic in report.topics)))
    return sign_up.form_page(
        trending,
        texts,
        preview=preview_rows.preview_view(report.preview, limit=PREVIEW_PAPERS, days=PREVIEW_DAYS),
        library=library_form.library_view(report, token=token),
        is_posted=True,
    )


def _typed_profile(texts: dict[str, str]) -> Profile:
    """The profile of what is typed already; empty where that is not valid, which the sign-up will say."""
    try:
        return preference_form.parse_preferences(SignUpPreferences, texts).profile()
    except BadInput:
        return Profile()
