"""The single list of preferences.

Each field of `Preferences` is one preference: its type and parser, its default, and a `Preference` with its form
control. Forms, export, import, listings, the API and `--set` of the command line are derived from this list. See
CONTRIBUTING.md, "Adding a preference".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from datetime import date, time, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from digest import clock, i18n, settings
from digest.errors import N_, BadInput
from digest.i18n import localize
from digest.matching.profile import Profile, Topic
from digest.matching.profile_limits import DEFAULT_LIMIT
from digest.matching.query.profile_limit_checks import check_cost
from digest.models import Subscriber
from digest.services.catalog import outlets
from digest.services.subscriptions import preference_parsers as parsers
from digest.services.subscriptions.preference_controls import Control, Group, Preference
from digest.services.subscriptions.validation_messages import plain_message
from digest.text.language_detection import LANGUAGE_NAMES

MAX_LIMIT = 50  # papers a day
MAX_PAUSE = timedelta(days=366)
QUARTER_HOUR_PATTERN = "^([01][0-9]|2[0-3]):(00|15|30|45)(:00)?$"  # local time: the format `time` has an offset


def _language_names() -> dict[str, str]:
    return {code: i18n.language_name(code) for code in LANGUAGE_NAMES}


class SignUpPreferences(BaseModel):
    """The preferences of a sign-up. Lists may come as a text with one entry a line.

    A preference is stored in the profile where `Profile` has a field of its name, else in the subscriber's row.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    topics: Annotated[
        tuple[str, ...],
        BeforeValidator(parsers.query_lines),
        Preference(
            N_("Your topics"),
            Control.LINES,
            Group.TOPICS,
            help=N_('One a line: words, a phrase, or a query such as "diffusion model*" AND protein.'),
            aliases=("topic", "keywords", "keyword", "queries", "query"),
        ),
    ] = ()
    cadence: Annotated[
        Literal["daily", "weekdays", "weekly"],
        Preference(
            N_("How often"),
            Control.SELECT,
            Group.SCHEDULE,
            options=(("daily", N_("every day")), ("weekdays", N_("on weekdays")), ("weekly", N_("once a week"))),
            lead_in=N_("Send me this"),
            aliases=("frequency", "schedule"),
        ),
    ] = "daily"
    weekday: Annotated[
        int,
        Field(ge=0, le=6),
        Preference(
            N_("Day of the week"),
            Control.DAY_OF_WEEK,
            Group.SCHEDULE,
            lead_in=N_("on"),
            only_with=("cadence", "weekly"),
        ),
    ] = 0
    send_at: Annotated[
        time,
        BeforeValidator(parsers.quarter_hour),
        WithJsonSchema({"type": "string", "pattern": QUARTER_HOUR_PATTERN, "examples": ["07:00"]}),
        Preference(
            N_("Send time"),
            Control.TIME,
            Group.SCHEDULE,
            lead_in=N_("at"),
            aliases=("time", "send_time", "hour"),
        ),
    ] = Field(default_factory=lambda: settings.get().send_at)
    time_zone: Annotated[
        str,
        BeforeValidator(clock.parse_time_zone),
        Preference(
            N_("Time zone"),
            Control.ZONE,
            Group.SCHEDULE,
            lead_in=N_("in"),
            aliases=("timezone", "tz", "zone"),
        ),
    ] = "UTC"
    categories: Annotated[
        tuple[str, ...],
        BeforeValidator(parsers.category_names),
        Preference(
            N_("Only these subjects"),
            Control.SUBJECTS,
            help=N_("If none is checked or named, all subjects count."),
            aliases=("category", "fields", "subjects", "subject"),
        ),
    ] = ()
    sources: Annotated[
        tuple[str, ...],
        BeforeValidator(parsers.source_keys),
        Preference(
            N_("Only these sources"),
            Control.CHECK_BOXES,
            help=N_("If none is checked, all sources count."),
            choices=outlets.enabled_outlets,
            known=outlets.known_outlets,
            aliases=("source", "outlets", "journals"),
        ),
    ] = ()
    languages: Annotated[
        tuple[str, ...],
        BeforeValidator(parsers.language_codes),
        Preference(
            N_("Only these languages"),
            Control.CHECK_BOXES,
            help=N_("Of title and abstract. If none is checked, all languages count."),
            choices=_language_names,
            aliases=("language",),
        ),
    ] = ()
    exclusions: Annotated[
        tuple[str, ...],
        BeforeValidator(parsers.query_lines),
        Preference(
            N_("Leave out"),
            Control.LINES,
            help=N_("Papers that match one of these lines are never sent."),
            aliases=("exclude", "exclusion"),
        ),
    ] = ()
    authors: Annotated[
        tuple[str, ...],
        BeforeValidator(parsers.author_names),
        Preference(
            N_("Follow authors"),
            Control.LINES,
            help=N_(
                "One name a line. Their papers come first, whatever the topic. Where several people have a name,"
                " choose one on the author’s page or below."
            ),
            aliases=("author", "followed_authors", "follow"),
        ),
    ] = ()
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), Preference(N_("New papers a mail, at most"), Control.NUMBER)] = (
        DEFAULT_LIMIT
    )
    close: Annotated[
        bool,
        Preference(
            N_("Close matches"),
            Control.SELECT,
            options=(
                ("true", N_("yes, papers near my topics too")),
                ("false", N_("no, only my words as written")),
            ),
        ),
    ] = True
    minimum: Annotated[
        Literal["usual", "high"],
        Preference(
            N_("How close they have to be"),
            Control.SELECT,
            options=(("usual", N_("usual: about 5 papers a day")), ("high", N_("high: about 1 paper a day"))),
        ),
    ] = "usual"
    quiet_day: Annotated[
        Literal["skip", "notice"],
        Preference(
            N_("On a day without papers"),
            Control.SELECT,
            options=(("skip", N_("send nothing")), ("notice", N_("send one line"))),
        ),
    ] = Field(default_factory=lambda: settings.get().quiet_day)

    @model_validator(mode="after")
    def _check_cost(self) -> Self:
        """Refuse a profile that would take too long to match."""
        check_cost(self.profile())
        return self

    def profile(self, previous: Profile | None = None) -> Profile:
        """The profile to match. Likes, and caps and mutes of topics that stay, are taken from `previous`."""
        previous_topics = {topic.text: topic for topic in previous.topics} if previous else {}
        topics = tuple(previous_topics.get(text, Topic(text)) for text in self.topics)
        others = {name: getattr(self, name) for name in type(self).model_fields if name in _PROFILE_FIELDS - {"topics"}}
        return replace(previous or Profile(), topics=topics, **others)

    def apply_to(self, subscriber: Subscriber) -> None:
        """Write the preferences that are stored in the subscriber's row."""
        for name in _row_fields(type(self)):
            setattr(subscriber, name, getattr(self, name))

    def schedule_json(self) -> dict[str, Any]:
        """The preferences of a sign-up that are stored in the subscriber's row, as JSON values."""
        return self.model_dump(mode="json", include=set(SIGN_UP_SCHEDULE))


class Subscription(SignUpPreferences):
    """A sign-up: preferences and an address, which `db.subscribers.subscribers.parse_address` reads."""

    address: Annotated[str, Field(min_length=1, max_length=1000)]


class Preferences(SignUpPreferences):
    """All preferences: those of a sign-up, and those that only a subscriber has.

    `paused_until` is the first date with mail again.
    """

    paused_until: Annotated[
        date | None,
        BeforeValidator(parsers.optional_date),
        Preference(
            N_("Pause until"),
            Control.DATE,
            Group.PAUSE,
            help=N_("The first day with mail again. Empty: no pause."),
        ),
    ] = None

    def check_pause(self, today: date) -> None:
        """Raise BadInput for a pause that ends more than a year ahead."""
        if self.paused_until and self.paused_until - today > MAX_PAUSE:
            raise BadInput(localize("paused_until: at most a year ahead"), field="paused_until")


_PROFILE_FIELDS = frozenset(field.name for field in fields(Profile))
FIELDS = tuple(Preferences.model_fields)
Schema = TypeVar("Schema", bound=BaseModel)


def _row_fields(schema: type[SignUpPreferences]) -> tuple[str, ...]:
    """The fields that are stored in the subscriber's row."""
    return tuple(name for name in schema.model_fields if name in FIELDS and name not in _PROFILE_FIELDS)


SIGN_UP_SCHEDULE = _row_fields(SignUpPreferences)  # stored with a sign-up request until it is confirmed


@lru_cache(maxsize=1)
def preferences() -> Mapping[str, Preference]:
    """The form metadata of each preference, by its name."""
    return {name: _metadata(name) for name in FIELDS}


def number_bounds(name: str) -> tuple[int | None, int | None]:
    """The smallest and the largest number allowed; None where there is no bound."""
    return _number_bounds()[name]


@lru_cache(maxsize=1)
def _number_bounds() -> Mapping[str, tuple[int | None, int | None]]:
    """The bounds by preference. The schema is made once: that takes milliseconds, and a form has a dozen fields."""
    properties = Preferences.model_json_schema()["properties"]
    return {name: (schema.get("minimum"), schema.get("maximum")) for name, schema in properties.items()}


def aliases() -> dict[str, str]:
    """Wrong names of columns, with the preference that is meant."""
    return {alias: name for name, preference in preferences().items() for alias in preference.aliases}


def multiline_fields() -> tuple[str, ...]:
    """The lists with one entry a line; the entries of other lists are separated by blanks."""
    return tuple(name for name, preference in preferences().items() if preference.control is Control.LINES)


def list_fields() -> tuple[str, ...]:
    """The preferences that are lists of texts."""
    lists = {Control.LINES, Control.CHECK_BOXES, Control.SUBJECTS}
    return tuple(name for name, preference in preferences().items() if preference.control in lists)


def _metadata(name: str) -> Preference:
    metadata = Preferences.model_fields[name].metadata
    preference = next((item for item in metadata if isinstance(item, Preference)), None)
    if preference is None:
        raise TypeError(f"the preference {name} lacks its Preference(...)")
    return preference


def stored_lists(profile: Profile) -> dict[str, frozenset[str]]:
    """The entries of the lists in a stored profile, by preference: they stay valid, whatever may be chosen today."""
    entries = {name: frozenset(getattr(profile, name)) for name in list_fields() if name != "topics"}
    return entries | {"topics": frozenset(topic.text for topic in profile.topics)}


def validate(
    schema: type[Schema], values: Mapping[str, Any], *, stored: Mapping[str, Collection[str]] | None = None
) -> Schema:
    """The values as that schema. Raises BadInput for the first field that is wrong, by its name.

    `stored`: entries of lists by preference that are not checked, as of `stored_lists`.
    """
    try:
        return schema.model_validate(dict(values), context=stored)
    except ValidationError as error:
        first_error = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first_error["loc"]) or "body"
        raise BadInput(f"{field}: {plain_message(first_error)}", field=field) from error


def write_schedule(values: Mapping[str, Any], subscriber: Subscriber) -> None:
    """Write the result of `schedule_json` into the subscriber's row. Preferences missing from it keep their default."""
    schedule_values = {name: value for name, value in values.items() if name in SIGN_UP_SCHEDULE}
    validate(SignUpPreferences, schedule_values).apply_to(subscriber)


def preference_values(subscriber: Subscriber, profile: Profile) -> dict[str, Any]:
    """A subscriber's preferences by name. Topics are texts."""
    stored_values = {name: getattr(profile if name in _PROFILE_FIELDS else subscriber, name) for name in FIELDS}
    return stored_values | {"topics": tuple(topic.text for topic in profile.topics)}


def as_text(name: str, value: object) -> str:
    """The value of a preference as it is typed into a form or a cell; `validate` is the inverse."""
    if isinstance(value, tuple):
        return ("\n" if name in multiline_fields() else " ").join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return "" if value is None else str(value)


def has_effect(name: str, values: Mapping[str, Any]) -> bool:
    """False for a preference that has none beside the other `values`."""
    condition = _metadata(name).only_with
    return condition is None or values[condition[0]] == condition[1]


def labelled_text(name: str, value: object) -> tuple[str, str]:
    """The label of a preference, and its value as a form shows it."""
    preference, text = preferences()[name], as_text(name, value)
    if preference.control is Control.DAY_OF_WEEK:
        text = i18n.weekday_name(int(text))
    option = dict(preference.options).get(text)
    return localize(preference.label), localize(option) if option else text


def preference_texts(subscriber: Subscriber, profile: Profile) -> dict[str, str]:
    """`preference_values` as texts."""
    return {name: as_text(name, value) for name, value in preference_values(subscriber, profile).items()}


def default_texts() -> dict[str, str]:
    """The defaults as texts, for an empty form."""
    defaults = Preferences()
    return {name: as_text(name, getattr(defaults, name)) for name in FIELDS}
