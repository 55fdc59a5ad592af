"""Reads submitted forms within limits, and prepares errors to be shown beside their fields."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from digest.errors import BadInput, DigestError
from digest.i18n import localize
from digest.services.subscriptions.topic_feedback import TopicChange, TopicSetting

MAX_FIELDS = 200
ON_PAGE_FIELD, BUTTON_FIELDS = (
    "on_page",
    {"action", "List-Unsubscribe"},
)  # a hidden field; the fields that a pressed button adds
_PART_NAME = re.compile(rb'^content-disposition: *form-data; *name="([^"\r\n]*)"', re.IGNORECASE | re.MULTILINE)
TOPIC_FIELDS = ("topic", "cap", "muted")


async def read_form(request: Request) -> FormData:
    """The submitted fields; empty if the body is not a form. Files are refused."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return FormData()
    await request.body()  # cached, so that `_is_pressed` can read it too
    return _without_nul(await request.form(max_files=0, max_fields=MAX_FIELDS))


Form = Annotated[FormData, Depends(read_form)]


async def _upload_form(request: Request) -> AsyncIterator[FormData]:
    """The submitted fields with at most one file; empty if the body is not a form."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        yield FormData()
        return
    await request.body()
    form = await request.form(max_files=1, max_fields=MAX_FIELDS)
    try:
        yield _without_nul(form)
    finally:
        await form.close()  # else its temporary file stays open


def _without_nul(form: FormData) -> FormData:
    """The form. Raises 400 for a NUL character, which nobody can type and PostgreSQL can't store."""
    if any("\0" in text for item in form.multi_items() for text in item if isinstance(text, str)):
        raise HTTPException(400)
    return form


UploadForm = Annotated[FormData, Depends(_upload_form)]


class PostOrigin(Enum):
    """Who sent a POST to a form of ours, as far as its body shows.

    BUTTON: a person pressed a button of the page. SCRIPT: the field that the button adds is missing; some mail scanners
    open every link and submit the forms they find. PROGRAM: not a form of our pages, such as one-click (RFC 8058).
    """

    BUTTON = "button"
    SCRIPT = "script"
    PROGRAM = "program"


async def post_origin(request: Request) -> PostOrigin:
    """Who sent this POST."""
    fields = await _field_names(request)
    if ON_PAGE_FIELD not in fields:
        return PostOrigin.PROGRAM
    return PostOrigin.BUTTON if BUTTON_FIELDS & fields else PostOrigin.SCRIPT


async def _field_names(request: Request) -> set[str]:
    """The names of the submitted fields, of both encodings of forms; empty for other bodies."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "multipart/form-data":
        return {name.decode("latin-1") for name in _PART_NAME.findall(await request.body())}
    if content_type != "application/x-www-form-urlencoded":
        return set()
    try:
        return set(parse_qs((await request.body()).decode("latin-1"), max_num_fields=MAX_FIELDS))
    except ValueError:
        return set()


async def _is_pressed(origin: Annotated[PostOrigin, Depends(post_origin)]) -> bool:
    """False if a script submitted a form of ours. One-click POSTs and other programs are deliberate: True."""
    return origin is not PostOrigin.SCRIPT


Pressed = Annotated[bool, Depends(_is_pressed)]


@dataclass(frozen=True, slots=True)
class SubmittedRow:
    """A topic's row as it was submitted. `typed`: the edited topic, empty if deleted; `is_new`: added by this form."""

    text: str
    typed: str
    cap: str = ""
    muted: bool = False
    is_new: bool = False

    def parsed(self) -> TopicChange:
        """The row with its cap as a number. Raises BadInput."""
        return TopicChange(self.text, self.typed, TopicSetting(_parse_cap(self.cap), self.muted))


def topic_rows(form: FormData, *, removed_row: str = "") -> list[SubmittedRow]:
    """The rows of topics. There is a cap field for each topic, in order; muted topics are listed by name.

    `removed_row`: the number of the row to delete, from 0. Raises BadInput.
    """
    topics, caps, muted = ([value for value in form.getlist(name) if isinstance(value, str)] for name in TOPIC_FIELDS)
    texts = [value for value in form.getlist("edited") if isinstance(value, str)] or topics
    if not len(topics) == len(caps) == len(texts):
        raise BadInput(localize("cap: send one for each topic; it may be empty"), field="cap")
    rows = [
        SubmittedRow(topic, "" if removed_row == str(number) else text, cap, topic in muted)
        for number, (topic, text, cap) in enumerate(zip(topics, texts, caps, strict=True))
    ]
    new_topic = form.get("new_topic", "")
    return (
        [*rows, SubmittedRow("", new_topic, is_new=True)] if isinstance(new_topic, str) and new_topic.strip() else rows
    )


def _parse_cap(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or len(text) > 9:
        raise BadInput(localize("cap: use a number such as 3, or leave it empty"), field="cap")
    return int(text)


def field_error(error: BadInput | None) -> tuple[str, str] | None:
    """The field and the message to show under it, without the field's name, which is in the label."""
    if error is None:
        return None
    field = error.field or "topics"
    text = error.translated(localize).removeprefix(f"{field}: ")
    return field, capitalized(text)


def as_sentence(error: DigestError) -> str:
    """The error's message as a sentence."""
    return capitalized(error.translated(localize)).rstrip(".") + "."


def capitalized(text: str) -> str:
    """The text with a large first letter, unless it begins with an address or a name that is no plain word."""
    first_word = text.partition(" ")[0].rstrip(":,;.")
    return f"{text[:1].upper()}{text[1:]}" if first_word.isalpha() or "’" in first_word else text
