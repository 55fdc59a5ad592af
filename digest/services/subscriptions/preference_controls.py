"""How forms show a preference: its control, its group, and its texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class Control(StrEnum):
    """What a form shows for a preference."""

    LINES = "lines"  # a text with one entry a line
    CHECK_BOXES = "check_boxes"
    SUBJECTS = "subjects"  # check boxes, and a line for further subjects by name
    SELECT = "select"
    DAY_OF_WEEK = "day_of_week"
    NUMBER = "number"
    TIME = "time"
    ZONE = "zone"
    DATE = "date"


class Group(StrEnum):
    """The part of the form in which a preference is shown, in the order of the form."""

    TOPICS = "topics"
    SCHEDULE = "schedule"  # one sentence, built from the lead-ins
    PAUSE = "pause"
    DETAILS = "details"


@dataclass(frozen=True, slots=True)
class Preference:
    """How forms show a preference. Texts are in English and are translated where they are shown.

    `options`: (value, text) of a SELECT. `choices`: texts by value of CHECK_BOXES, as they are now. `lead_in`: the
    words before it in the sentence of its group. `aliases`: wrong names of its column in an import, for which the right
    one is suggested. `only_with`: the preference and its value without which this one has no effect.
    """

    label: str
    control: Control
    group: Group = Group.DETAILS
    help: str = ""
    options: tuple[tuple[str, str], ...] = ()
    choices: Callable[[], Mapping[str, str]] = dict
    lead_in: str = ""
    aliases: tuple[str, ...] = ()
    only_with: tuple[str, str] | None = None

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of the API, with the texts of the form."""
        return handler(schema) | {"title": self.label} | ({"description": self.help} if self.help else {})
