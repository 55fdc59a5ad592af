"""Forms: read with bounds, turned into wishes, and shown again as they were typed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, TypeVar
from urllib.parse import parse_qs

from fastapi import Depends, Request
from starlette.datastructures import FormData, QueryParams

from digest import clock, settings
from digest.errors import BadInput, DigestError
from digest.i18n import say
from digest.matching.profile import Profile
from digest.models import Subscriber
from digest.services.subscriptions import preference_fields
from digest.services.subscriptions.preference_fields import Subscription, Wishes
from digest.services.subscriptions.topic_settings import Tuning

MAX_FIELDS = 200
NAMES = (*Subscription.model_fields, "paused_until")
LINES = preference_fields.ONE_A_LINE
ON_PAGE, BUTTONS = "on_page", {"action", "List-Unsubscribe"}  # a hidden field; what a pressed button adds
TUNED = ("topic", "cap", "muted")
Schema = TypeVar("Schema", bound=Wishes)


async def _form(request: Request) -> FormData:
    """The body's fields; empty for a body that is no form. Files are refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return FormData()
    await request.body()  # kept, so that `_pressed` can read it too
    return await request.form(max_files=0, max_fields=MAX_FIELDS)


Form = Annotated[FormData, Depends(_form)]


async def _pressed(request: Request) -> bool:
    """Did a person press the button? A form of ours that a script sent lacks the field that the button adds.

    Scanners of mail open every link, and some send the forms they find. Whatever is no form of a page counts as
    meant: one-click POSTs and programs say what they want by coming.
    """
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return True
    try:
        fields = parse_qs((await request.body()).decode("latin-1"), max_num_fields=MAX_FIELDS)
    except ValueError:
        return True
    return ON_PAGE not in fields or bool(BUTTONS & fields.keys())


Pressed = Annotated[bool, Depends(_pressed)]


def typed(form: FormData | QueryParams) -> dict[str, str]:
    """The fields we know, as typed: lines of text joined by new lines, categories by blanks."""
    found: dict[str, str] = {}
    for name in NAMES:
        values = [value for value in form.getlist(name) if isinstance(value, str)]
        if values:
            found[name] = ("\n" if name in LINES else " ").join(values) if _many(name) else values[-1]
    return found


def _many(name: str) -> bool:
    return name in LINES or name == "categories"


def read(schema: type[Schema], values: Mapping[str, str]) -> Schema:
    """The typed fields that the schema has, as that schema. Raises BadInput."""
    return preference_fields.read(
        schema, {name: value for name, value in values.items() if name in schema.model_fields}
    )


def shown(values: Mapping[str, str]) -> dict[str, str]:
    """What stands in the fields: what was typed, else how the form begins."""
    return dict.fromkeys(NAMES, "") | preference_fields.default_texts() | dict(values)


def of_reader(subscriber: Subscriber, profile: Profile) -> dict[str, str]:
    """A reader's wishes as the form shows them."""
    return shown(preference_fields.texts(subscriber, profile))


def tunings(form: FormData) -> dict[str, Tuning]:
    """Caps and mutes by topic. A cap stands at its topic's place; muted ones are named. Raises BadInput."""
    texts, caps, muted = ([value for value in form.getlist(name) if isinstance(value, str)] for name in TUNED)
    if len(texts) != len(caps):
        raise BadInput(say("cap: one for each topic, or nothing in it"), field="cap")
    return {text: Tuning(_cap(cap), text in muted) for text, cap in zip(texts, caps, strict=True)}


def _cap(typed: str) -> int | None:
    if not typed.strip():
        return None
    if not typed.strip().isdecimal() or len(typed) > 9:
        raise BadInput(say("cap: use a number such as 3, or nothing"), field="cap")
    return int(typed)


def complaint(error: BadInput | None) -> tuple[str, str] | None:
    """Under which field to complain, and how: its name is on the label already."""
    if error is None:
        return None
    field = error.field or "topics"
    text = error.said(say).removeprefix(f"{field}: ")
    return field, f"{text[:1].upper()}{text[1:]}"


def sentence(error: DigestError) -> str:
    """An error's line as a sentence."""
    text = error.said(say)
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


def offered(chosen: str) -> list[str]:
    """Categories to tick: those that are fetched here, and any other that the reader has."""
    return list(dict.fromkeys((*settings.get().arxiv_categories, *chosen.split())))


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """Time zones to offer: places, by continent, and UTC."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ("UTC", *sorted(name for name in clock.time_zones() if name.startswith(areas)))
