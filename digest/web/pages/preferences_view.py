"""The preferences page as it is shown: the stored account, what was typed, and what the action before did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse

from digest import clock
from digest.errors import BadInput
from digest.models.subscriber import UNKNOWN, WAITING
from digest.models.types import stored_id
from digest.services.catalog import paper_exports, people_choice
from digest.services.security import signed_links
from digest.services.subscriptions import (
    example_papers,
    preference_versions,
    send_schedule,
    topic_feedback,
    update_preferences,
)
from digest.services.subscriptions.edition_history import EditionHistory, edition_history
from digest.web.ui import forms, preference_form, preview_rows, template_rendering
from digest.web.ui.forms import SubmittedRow
from digest.web.ui.library_form import LibraryView
from digest.web.ui.subscription_texts import next_mail_text, status_text, suppression_notice

PAPERS_LISTED = 20  # of the papers that a subscriber starts from


@dataclass(frozen=True, slots=True)
class PageState:
    """What the page shows besides the stored account. `version`, `shown_versions`: '' for the stored ones.

    `library`: one just imported.
    """

    message: str = ""
    error: BadInput | None = None
    version: str = ""
    shown_versions: str = ""
    rows: Sequence[SubmittedRow] = ()
    preview: preview_rows.PreviewView | None = None
    library: LibraryView | None = None
    status: int = 200


def current_page(
    subscriber_id: int,
    *,
    message: str = "",
    error: BadInput | None = None,
    rows: Sequence[SubmittedRow] = (),
    library: LibraryView | None = None,
    status: int = 200,
) -> HTMLResponse:
    """The page with the stored preferences. `library`: one just imported; its topics are added below, not saved."""
    account = update_preferences.account_of(subscriber_id)
    texts = preference_form.texts_of(account.subscriber, account.profile)
    if library:
        texts["topics"] = "\n".join((*texts["topics"].splitlines(), *(topic.text for topic in library.topics)))
    return account_page(
        account, texts, PageState(message=message, error=error, rows=rows, library=library, status=status)
    )


def account_page(
    account: update_preferences.SubscriberAccount, texts: dict[str, str], state: PageState
) -> HTMLResponse:
    """The page of an account, with these texts in its form."""
    subscriber, subscriber_id = account.subscriber, stored_id(account.subscriber)
    history, overview = edition_history(subscriber_id), topic_feedback.feedback_overview(subscriber_id)
    examples = example_papers.list_examples(subscriber_id)
    return template_rendering.page_response(
        "preferences.html",
        status=422 if state.error and state.status == 200 else state.status,
        private=True,
        subscriber=subscriber,
        status_words=status_text(account),
        is_paused=send_schedule.is_paused(subscriber, clock.now()),
        next_mail=next_mail_text(account, history.expected_papers),
        stopped=suppression_notice(account.suppression),
        liked_files=paper_exports.download_links(f"{signed_links.preferences(subscriber_id)}/liked"),
        search_page=f"{urlsplit(signed_links.preferences(subscriber_id)).path}/search",
        library=state.library,
        papers=examples[:PAPERS_LISTED],
        papers_total=len(examples),
        papers_waiting=sum(example.lookup == WAITING for example in examples),
        papers_unknown=[example.identifier for example in examples if example.lookup == UNKNOWN],
        last_import=[example for example in examples if example.import_id == examples[0].import_id],
        feeds={form: signed_links.feed(subscriber_id, form) for form in ("atom", "json")},
        fields=preference_form.grouped_fields(texts, stored=account.profile),
        people=people_choice.people_of_authors(account.profile.authors, ask=bool(state.message)),
        version=state.version or preference_versions.version_of(subscriber, account.profile),
        shown=state.shown_versions or preference_versions.field_versions(subscriber, account.profile),
        error=forms.field_error(state.error),
        message=state.message,
        preview=state.preview,
        overview=overview,
        rows=_topic_rows(overview, history, state.rows),
        is_list_open=_is_list_open(account, texts, state),
        new_topic=next((row.typed for row in state.rows if row.is_new), ""),
        editions=[(item.day, item.papers, signed_links.edition(item.edition_id)) for item in history.editions],
    )


def _is_list_open(account: update_preferences.SubscriberAccount, texts: dict[str, str], state: PageState) -> bool:
    """Whether the list of topics is unfolded: when it has an error, or differs from what is stored."""
    stored_topics = preference_form.texts_of(account.subscriber, account.profile)["topics"]
    has_error = state.error is not None and (state.error.field or "topics") == "topics"
    return has_error or texts["topics"].splitlines() != stored_topics.splitlines()


class _TopicRow(NamedTuple):
    """A topic as its row shows it: as typed, else as stored."""

    topic: topic_feedback.TopicFeedback
    typed: str
    cap: str
    muted: bool
    papers: tuple[tuple[int, str], ...]


def _topic_rows(
    overview: topic_feedback.FeedbackOverview, history: EditionHistory, submitted: Sequence[SubmittedRow]
) -> list[_TopicRow]:
    typed = {row.text: row for row in submitted if not row.is_new}
    rows = []
    for topic in overview.topics:
        row = typed.get(topic.text) or SubmittedRow(topic.text, topic.text, str(topic.cap or ""), topic.muted)
        papers = history.papers_by_topic.get(topic.text, ())
        rows.append(_TopicRow(topic, row.typed or topic.text, row.cap, row.muted, papers))
    return rows
