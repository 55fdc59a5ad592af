"""What a reader asks for, as it comes from outside: every field bounded, refused by its name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from digest import clock, settings
from digest.errors import BadInput
from digest.i18n import say
from digest.matching.profile import DEFAULT_LIMIT, MAX_QUERY, MAX_TOPICS, Profile, Topic
from digest.matching.query import language
from digest.matching.query.profile_cost import check_cost
from digest.models import Subscriber

MAX_CATEGORIES, MAX_AUTHORS, MAX_NAME = 60, 50, 120
MAX_LIMIT = 50  # papers a day
MAX_PAUSE = timedelta(days=366)
ARCHIVES = (
    "astro-ph|cond-mat|cs|econ|eess|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math|math-ph|nlin|nucl-ex|nucl-th"
    "|physics|q-bio|q-fin|quant-ph|stat"
)
CATEGORY = re.compile(rf"(?:{ARCHIVES})(?:\.(?:[A-Z]{{2}}|[a-z]+(?:-[a-z]+)?))?")
CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(:[0-5]\d)?")


def _line(value: str, *, name: str, most: int) -> str:
    """One line of text, tidied; control characters are refused."""
    text = unicodedata.normalize("NFC", re.sub(r"[ \t\u00a0]+", " ", value)).strip()
    if len(text) > most:
        raise BadInput(
            say("%(field)s: at most %(most)s characters, got %(n)s", field=name, most=most, n=len(text)), field=name
        )
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text):
        raise BadInput(
            say("%(field)s: %(text)s holds a control character", field=name, text=repr(text[:40])), field=name
        )
    return text


def _lines(value: object, *, name: str, most: int, length: int) -> tuple[str, ...]:
    """Lines from a text or a list: blank ones and repetitions dropped, their number bounded."""
    parts = value.splitlines() if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise BadInput(say("%(field)s: expected lines of text", field=name), field=name)
    found = tuple(dict.fromkeys(filter(None, (_line(part, name=name, most=length) for part in parts))))
    if len(found) > most:
        raise BadInput(say("%(field)s: at most %(most)s, got %(n)s", field=name, most=most, n=len(found)), field=name)
    return found


def _queries(value: object, name: str) -> tuple[str, ...]:
    lines = _lines(value, name=name, most=MAX_TOPICS, length=MAX_QUERY)
    for number, line in enumerate(lines, 1):
        try:
            language.parse(line)
        except BadInput as error:
            where = say("%(field)s: line %(n)s, ‘%(line)s’", field=name, n=number, line=line[:60])
            raise BadInput(f"{where}: {error.said(say)}", field=name) from error
    return lines


def _categories(value: object) -> tuple[str, ...]:
    names = _lines(_split(value), name="categories", most=MAX_CATEGORIES, length=20)
    for name in names:
        if not CATEGORY.fullmatch(name):
            raise BadInput(
                say("categories: %(name)s is not an arXiv category such as cs.LG", name=repr(name)), field="categories"
            )
    return names


def _split(value: object) -> object:
    """Categories may stand in one line, with commas or blanks between."""
    return re.split(r"[\s,]+", value) if isinstance(value, str) else value


def _authors(value: object) -> tuple[str, ...]:
    names = _lines(value, name="authors", most=MAX_AUTHORS, length=MAX_NAME)
    for name in names:
        if sum(character.isalpha() for character in name) < 2:
            raise BadInput(say("authors: %(name)s is not a name", name=repr(name)), field="authors")
    return names


def _send_at(value: object) -> time:
    """A wall-clock time, rounded down to a quarter of an hour: slots are quarters."""
    found = CLOCK_TIME.fullmatch(value.isoformat() if isinstance(value, time) else str(value))
    if found is None:
        raise BadInput(say("send time: use a time of day such as 07:00"), field="send_at")
    return time(int(found[1]), int(found[2]) // 15 * 15)


Checked = TypeVar("Checked", bound=BaseModel)


def read(schema: type[Checked], values: Mapping[str, Any]) -> Checked:
    """The values as that schema. Raises BadInput for the first field that is wrong, by its name."""
    try:
        return schema.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadInput(f"{field}: {first['msg'][:1].lower()}{first['msg'][1:]}", field=field) from error


# A preference is stored in the profile where `Profile` has a field of its name, else in the subscriber's row.
_PROFILE_FIELDS = frozenset(field.name for field in fields(Profile))


class Wishes(BaseModel):
    """Topics and schedule of a reader. Lists may come as a text with one entry a line.

    This and `Preferences` are the one list of what a subscriber can choose. Forms, listings, export and import take
    names, order, defaults and bounds from here: a further preference is one field here and its column (or field of
    `Profile`), with its migration.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    topics: Annotated[tuple[str, ...], BeforeValidator(lambda v: _queries(v, "topics"))] = ()
    exclusions: Annotated[tuple[str, ...], BeforeValidator(lambda v: _queries(v, "exclusions"))] = ()
    categories: Annotated[tuple[str, ...], BeforeValidator(_categories)] = ()
    authors: Annotated[tuple[str, ...], BeforeValidator(_authors)] = ()
    close: bool = True
    minimum: Literal["usual", "high"] = "usual"
    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cadence: Literal["daily", "weekdays", "weekly"] = "daily"
    weekday: int = Field(default=0, ge=0, le=6)
    time_zone: Annotated[str, BeforeValidator(clock.read_time_zone)] = "UTC"
    send_at: Annotated[time, BeforeValidator(_send_at)] = Field(default_factory=lambda: settings.get().send_at)
    quiet_day: Literal["skip", "notice"] = Field(default_factory=lambda: settings.get().quiet_day)

    @model_validator(mode="after")
    def _affordable(self) -> Self:
        """Refuse what would take too long to match; each text was parsed before, so its cost is known."""
        check_cost(self.profile())
        return self

    def profile(self, before: Profile | None = None) -> Profile:
        """What to match. Likes, and caps and mutes of topics that stay as they were, are kept from `before`."""
        known = {topic.text: topic for topic in before.topics} if before else {}
        topics = tuple(known.get(text, Topic(text)) for text in self.topics)
        others = {name: getattr(self, name) for name in Wishes.model_fields if name in _PROFILE_FIELDS - {"topics"}}
        return replace(before or Profile(), topics=topics, **others)

    def schedule(self, subscriber: Subscriber) -> None:
        """Write when mail is wanted into the subscriber's row."""
        for name in SCHEDULE_FIELDS:
            setattr(subscriber, name, getattr(self, name))

    def schedule_json(self) -> dict[str, Any]:
        """When mail is wanted, as plain JSON values; `apply_schedule` writes them into a row."""
        return self.model_dump(mode="json", include=set(SCHEDULE_FIELDS))


SCHEDULE_FIELDS = tuple(name for name in Wishes.model_fields if name not in _PROFILE_FIELDS)


def apply_schedule(values: Mapping[str, Any], subscriber: Subscriber) -> None:
    """Write a schedule that `schedule_json` gave into the subscriber's row."""
    read(Wishes, {name: values[name] for name in SCHEDULE_FIELDS}).schedule(subscriber)


def _paused_until(value: object) -> date | None:
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise BadInput(say("pause: use a date such as 2026-08-31"), field="paused_until") from error


class Subscription(Wishes):
    """A sign-up: an address beside the wishes. The address is read by `db.subscribers.subscribers.address`."""

    address: Annotated[str, Field(min_length=1, max_length=1000)]


class Preferences(Wishes):
    """What a reader can change later: the wishes, and a pause. `paused_until` is the first date with mail again."""

    paused_until: Annotated[date | None, BeforeValidator(_paused_until)] = None

    def check_pause(self, today: date) -> None:
        """A pause lies ahead, by a year at most. Raises BadInput."""
        if self.paused_until and self.paused_until - today > MAX_PAUSE:
            raise BadInput(say("pause: at most a year ahead"), field="paused_until")


FIELDS = tuple(Preferences.model_fields)
ONE_A_LINE = ("topics", "exclusions", "authors")  # the other lists stand in one line, with blanks between


def values(subscriber: Subscriber, profile: Profile) -> dict[str, Any]:
    """What a subscriber has chosen, by the names of `FIELDS`. Topics are texts."""
    found = {name: getattr(profile if name in _PROFILE_FIELDS else subscriber, name) for name in FIELDS}
    return found | {"topics": tuple(topic.text for topic in profile.topics)}


def as_text(name: str, value: object) -> str:
    """The value of a field as it is typed into a form or a cell; `read` is the inverse."""
    if isinstance(value, tuple):
        return ("\n" if name in ONE_A_LINE else " ").join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return "" if value is None else str(value)


def texts(subscriber: Subscriber, profile: Profile) -> dict[str, str]:
    """`values` as texts."""
    return {name: as_text(name, value) for name, value in values(subscriber, profile).items()}


def default_texts() -> dict[str, str]:
    """How an empty form begins."""
    begin = Preferences()
    return {name: as_text(name, getattr(begin, name)) for name in FIELDS}
