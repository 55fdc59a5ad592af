"""What is wrong with settings, in the words of people who edit a file of settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

WHOLE_MESSAGE = "whole_message"  # the type of an error whose text names the variable itself
_LONGEST_VALUE = 60  # characters of a value that are repeated
# Messages by pydantic's type of error, or its beginning: https://docs.pydantic.dev/latest/errors/validation_errors/
_MESSAGES = {
    "literal_error": "{value!r} is none of {expected}",
    "string_pattern_mismatch": "{value!r} is not of the expected form",
    "greater_than_equal": "{value} is too small; use {ge:g} or more",
    "less_than_equal": "{value} is too large; use {le:g} or less",
    "int_": "{value!r} is not a whole number",
    "float_": "{value!r} is not a number",
    "time_": "{value!r} is not a time of day such as 07:00",
}


def validation_messages(error: ValidationError) -> list[str]:
    """One message for each invalid setting; it begins with the variable's name."""
    messages = []
    for problem in error.errors():
        name = "_".join(str(part) for part in problem["loc"][:1]).upper()
        text = _plain_message(problem)
        if problem["type"] == WHOLE_MESSAGE:
            messages.append(text)
            continue
        messages.append(f"DIGEST_{name}: {text}" if name else f"DIGEST_{text}")
    return messages


def _plain_message(problem: Mapping[str, Any]) -> str:
    template = next((text for kind, text in _MESSAGES.items() if str(problem["type"]).startswith(kind)), None)
    if template is None:
        return str(problem["msg"]).removeprefix("Value error, ")
    limits = dict(problem.get("ctx", {}))
    if "expected" in limits:
        limits["expected"] = str(limits["expected"]).replace(" or ", ", ")
    return template.format(value=str(problem["input"])[:_LONGEST_VALUE], **limits)
