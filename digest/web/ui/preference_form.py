"""The form of preferences, derived from `services.subscriptions.preference_fields`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from starlette.datastructures import FormData, QueryParams

from digest import clock, i18n, settings
from digest.i18n import localize
from digest.matching.profile import Profile
from digest.models import Subscriber
from digest.services.subscriptions import preference_fields
from digest.services.subscriptions.preference_fields import Control, Group, Preference, SignUpPreferences, Subscription

FIELD_NAMES = tuple(dict.fromkeys((*Subscription.model_fields, *preference_fields.FIELDS)))
_TOPIC_PARTS = re.compile(r"""(?:"[^"]*(?:"|$)|\([^()]*(?:\)|$)|[^,"(])+""")  # between commas
Schema = TypeVar("Schema", bound=SignUpPreferences)


@dataclass(frozen=True, slots=True)
class FormField:
    """A preference in a form. Its texts are translated; `options` are pairs of value and text."""

    name: str
    control: Control
    label: str
    help: str
    lead_in: str
    value: str
    options: tuple[tuple[str, str], ...]
    minimum: int | None
    maximum: int | None


def submitted_texts(
    form: FormData | QueryParams, *, split_commas: bool = False, stored_topics: Collection[str] = ()
) -> dict[str, str]:
    """The submitted texts of the preference fields. Several values of a list are joined.

    `split_commas`: commas separate topics too, except in `stored_topics`.
    """
    texts: dict[str, str] = {}
    preferences = preference_fields.preferences()
    for name in FIELD_NAMES:
        values = [value for value in form.getlist(name) if isinstance(value, str)]
        if values:
            control = preferences[name].control if name in preferences else None
            separator = {Control.LINES: "\n", Control.CHECK_BOXES: " "}.get(control) if control else None
            texts[name] = values[-1] if separator is None else separator.join(values)
    if split_commas and "topics" in texts:
        texts["topics"] = "\n".join(_without_commas(texts["topics"].splitlines(), stored_topics))
    return texts


def _without_commas(lines: Sequence[str], stored_topics: Collection[str]) -> Iterator[str]:
    """Split topics at commas. Commas in quotes and in parentheses belong to the topic."""
    for line in lines:
        if line.strip() in stored_topics or "," not in line:
            yield line
        else:
            yield from (part.strip() for part in _TOPIC_PARTS.findall(line) if part.strip())


def parse_preferences(schema: type[Schema], texts: Mapping[str, str]) -> Schema:
    """Validate the fields of the schema. Raises BadInput."""
    return preference_fields.validate(
        schema, {name: text for name, text in texts.items() if name in schema.model_fields}
    )


def with_defaults(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts of all fields: as submitted, else the default."""
    return dict.fromkeys(FIELD_NAMES, "") | preference_fields.default_texts() | dict(texts)


def texts_of(subscriber: Subscriber, profile: Profile) -> dict[str, str]:
    """The texts of all fields for a subscriber's preferences."""
    return with_defaults(preference_fields.preference_texts(subscriber, profile))


def section_texts(groups: Collection[Group], typed: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """The submitted texts of some groups. A list that is missing is empty; other fields that are missing stay."""
    lists = {Control.LINES, Control.CHECK_BOXES}
    return {
        name: typed.get(name, "" if preference.control in lists else stored[name])
        for name, preference in preference_fields.preferences().items()
        if preference.group in groups
    }


def grouped_fields(texts: Mapping[str, str], *, sign_up: bool = False) -> dict[str, list[FormField]]:
    """The fields to show, by group; `sign_up`: only those of the sign-up form."""
    names = SignUpPreferences.model_fields if sign_up else preference_fields.FIELDS
    groups: dict[str, list[FormField]] = {group.value: [] for group in Group}
    for name in names:
        preference = preference_fields.preferences()[name]
        groups[preference.group].append(_field(name, preference, texts[name]))
    return groups


def _field(name: str, preference: Preference, text: str) -> FormField:
    minimum, maximum = preference_fields.number_bounds(name)
    return FormField(
        name=name,
        control=preference.control,
        label=localize(preference.label),
        help=localize(preference.help) if preference.help else "",
        lead_in=localize(preference.lead_in) if preference.lead_in else "",
        value=text,
        options=_options(preference, text),
        minimum=minimum,
        maximum=maximum,
    )


def _options(preference: Preference, text: str) -> tuple[tuple[str, str], ...]:
    match preference.control:
        case Control.DAY_OF_WEEK:
            return tuple((str(number), i18n.weekday_name(number)) for number in range(7))
        case Control.ZONE:
            return tuple((zone, zone) for zone in _time_zones())
        case Control.CHECK_BOXES:  # the fetched categories, and any others in the text
            names = dict.fromkeys((*settings.get().arxiv_categories, *text.split()))
            return tuple((name, name) for name in names)
        case _:
            return tuple((value, localize(option)) for value, option in preference.options)


def has_details(texts: Mapping[str, str]) -> bool:
    """True if a list among the details is not empty, so that the form must show the details."""
    lists = {Control.LINES, Control.CHECK_BOXES}
    preferences = preference_fields.preferences().items()
    return any(texts[name] for name, item in preferences if item.group is Group.DETAILS and item.control in lists)


def is_detail(name: str | None) -> bool:
    """True for a preference that is shown among the details."""
    preference = preference_fields.preferences().get(name or "")
    return preference is not None and preference.group is Group.DETAILS


@lru_cache(maxsize=1)
def _time_zones() -> tuple[str, ...]:
    """Time zones to offer: places by continent, and UTC."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ("UTC", *sorted(name for name in clock.time_zones() if name.startswith(areas)))
