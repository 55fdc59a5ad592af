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
from digest.papers.subjects import ARXIV_SUBJECTS, SUBJECTS, subject_code, subject_label
from digest.services.subscriptions import preference_fields
from digest.services.subscriptions.preference_controls import Control, Group, Preference
from digest.services.subscriptions.preference_fields import SignUpPreferences, Subscription
from digest.services.subscriptions.preference_parsers import is_offered_subject
from digest.services.subscriptions.topic_separators import SEPARATORS, split_topics

FIELD_NAMES = tuple(dict.fromkeys((*Subscription.model_fields, *preference_fields.FIELDS)))
_LISTS = frozenset({Control.LINES, Control.CHECK_BOXES, Control.SUBJECTS})
Schema = TypeVar("Schema", bound=SignUpPreferences)


@dataclass(frozen=True, slots=True)
class FormField:
    """A preference in a form. Its texts are translated; `options` are pairs of value and text.

    `suggestions`: texts that may be typed beside the options.
    """

    name: str
    control: Control
    label: str
    help: str
    lead_in: str
    value: str
    chosen: tuple[str, ...]  # values of check boxes
    options: tuple[tuple[str, str], ...]
    suggestions: tuple[str, ...]
    minimum: int | None
    maximum: int | None


def submitted_texts(
    form: FormData | QueryParams, *, with_separators: bool = False, stored_topics: Collection[str] = ()
) -> dict[str, str]:
    """The submitted texts of the preference fields. Several values of a list are joined.

    `with_separators`: commas and semicolons separate topics too, except in `stored_topics`.
    """
    texts: dict[str, str] = {}
    preferences = preference_fields.preferences()
    for name in FIELD_NAMES:
        values = [value for value in form.getlist(name) if isinstance(value, str)]
        if values:
            control = preferences[name].control if name in preferences else None
            separator = {Control.LINES: "\n", Control.SUBJECTS: "\n", Control.CHECK_BOXES: " "}.get(
                control or Control.DATE
            )
            texts[name] = values[-1] if separator is None else separator.join(values)
    if with_separators and "topics" in texts:
        texts["topics"] = "\n".join(split_at_separators(texts["topics"].splitlines(), stored_topics))
    return texts


def split_at_separators(lines: Sequence[str], stored_topics: Collection[str] = ()) -> Iterator[str]:
    """Split topics at commas and semicolons, except `stored_topics`. Those in quotes and parentheses stay."""
    for line in lines:
        if line.strip() in stored_topics or not any(separator in line for separator in SEPARATORS):
            yield line
        else:
            yield from split_topics(line)


def parse_preferences(schema: type[Schema], texts: Mapping[str, str], stored: Profile | None = None) -> Schema:
    """Validate the fields of the schema; what a stored profile has stays valid. Raises BadInput."""
    values = {name: text for name, text in texts.items() if name in schema.model_fields}
    stored_lists = preference_fields.stored_lists(stored) if stored else None
    return preference_fields.validate(schema, values, stored=stored_lists)


def with_defaults(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts of all fields: as submitted, else the default."""
    return dict.fromkeys(FIELD_NAMES, "") | preference_fields.default_texts() | dict(texts)


def texts_of(subscriber: Subscriber, profile: Profile) -> dict[str, str]:
    """The texts of all fields for a subscriber's preferences."""
    return with_defaults(preference_fields.preference_texts(subscriber, profile))


def section_texts(
    groups: Collection[Group], typed: Mapping[str, str], stored_texts: Mapping[str, str]
) -> dict[str, str]:
    """The submitted texts of some groups. A list that is missing is empty; other fields that are missing stay."""
    return {
        name: typed.get(name, "" if preference.control in _LISTS else stored_texts[name])
        for name, preference in preference_fields.preferences().items()
        if preference.group in groups
    }


def grouped_fields(
    texts: Mapping[str, str], *, sign_up: bool = False, stored: Profile | None = None
) -> dict[str, list[FormField]]:
    """The fields to show, by group; `sign_up`: only those of the sign-up form.

    Values of the `stored` profile that can't be chosen any more are shown as such.

    Check boxes are left out where there is nothing to choose, as with a single source.
    """
    names = SignUpPreferences.model_fields if sign_up else preference_fields.FIELDS
    groups: dict[str, list[FormField]] = {group.value: [] for group in Group}
    stored_lists = preference_fields.stored_lists(stored) if stored else {}
    for name in names:
        preference = preference_fields.preferences()[name]
        field = _field(name, preference, texts[name], stored_lists.get(name, ()))
        if field.value or field.control is not Control.CHECK_BOXES or len(field.options) > 1:
            groups[preference.group].append(field)
    return groups


def _field(name: str, preference: Preference, text: str, stored: Collection[str]) -> FormField:
    minimum, maximum = preference_fields.number_bounds(name)
    return FormField(
        name=name,
        control=preference.control,
        label=localize(preference.label),
        help=localize(preference.help) if preference.help else "",
        lead_in=localize(preference.lead_in) if preference.lead_in else "",
        value=text,
        chosen=tuple(_subjects_in(text) if preference.control is Control.SUBJECTS else text.split()),
        options=_options(preference, text, stored),
        suggestions=_subject_names() if preference.control is Control.SUBJECTS else (),
        minimum=minimum,
        maximum=maximum,
    )


def _options(preference: Preference, text: str, stored: Collection[str]) -> tuple[tuple[str, str], ...]:
    match preference.control:
        case Control.DAY_OF_WEEK:
            return tuple((str(number), i18n.weekday_name(number)) for number in range(7))
        case Control.ZONE:
            return tuple((zone, zone) for zone in _time_zones())
        case Control.SUBJECTS:  # the fetched categories, and any others in the text
            codes = dict.fromkeys((*settings.get().arxiv_categories, *_subjects_in(text)))
            return tuple((code, _subject_text(code, stored)) for code in codes)
        case Control.CHECK_BOXES:
            labels, known = preference.choices(), preference.known()
            others = [value for value in text.split() if value not in labels]
            return tuple(labels.items()) + tuple((value, _other_text(value, known, stored)) for value in others)
        case _:
            return tuple((value, localize(option)) for value, option in preference.options)


def _subject_text(code: str, stored: Collection[str]) -> str:
    is_gone = code in stored and not is_offered_subject(code)
    return localize("%(name)s (no longer offered)", name=code) if is_gone else subject_label(code)


def _other_text(value: str, known: Mapping[str, str], stored: Collection[str]) -> str:
    """The text of a value that is not among the choices: of one that is switched off, gone, or mistyped."""
    if value in known or value not in stored:
        return known.get(value, value)
    return localize("%(name)s (no longer offered)", name=value)


def _subjects_in(text: str) -> list[str]:
    """The codes of subjects in a text, a name or codes in each line; what is no subject stays as it is."""
    parts = [[line.strip()] if subject_code(line) else re.split(r"[\s,]+", line) for line in text.splitlines()]
    return [subject_code(name) or name for names in parts for name in names if name]


@lru_cache(maxsize=1)
def _subject_names() -> tuple[str, ...]:
    """All subjects that may be chosen, by the names that a form suggests."""
    return tuple(sorted(map(subject_label, (*SUBJECTS, *ARXIV_SUBJECTS)), key=str.casefold))


def has_details(texts: Mapping[str, str]) -> bool:
    """True if a list among the details is not empty, so that the form must show the details."""
    preferences = preference_fields.preferences().items()
    return any(texts[name] for name, item in preferences if item.group is Group.DETAILS and item.control in _LISTS)


def is_detail(name: str | None) -> bool:
    """True for a preference that is shown among the details."""
    preference = preference_fields.preferences().get(name or "")
    return preference is not None and preference.group is Group.DETAILS


@lru_cache(maxsize=1)
def _time_zones() -> tuple[str, ...]:
    """Time zones to offer: places by continent, and UTC."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ("UTC", *sorted(name for name in clock.time_zones() if name.startswith(areas)))
