"""Validation errors of pydantic in plain, translated words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digest.errors import N_
from digest.i18n import localize

_WHOLE_NUMBER, _REQUIRED, _YES_OR_NO = N_("use a whole number"), N_("this is required"), N_("use true or false")
_DATE = N_("use a date such as 2025-11-21")

# by the error's type; names in `%(...)s` are those of pydantic's context
MESSAGES = {
    "literal_error": N_("use one of %(expected)s"),
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "int_type": _WHOLE_NUMBER,
    "greater_than_equal": N_("use %(ge)s or more"),
    "less_than_equal": N_("use %(le)s or less"),
    "less_than": N_("use less than %(lt)s"),
    "greater_than": N_("use more than %(gt)s"),
    "date_parsing": _DATE,
    "date_type": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "bool_parsing": _YES_OR_NO,
    "bool_type": _YES_OR_NO,
    "missing": _REQUIRED,
    "string_too_short": _REQUIRED,
    "string_type": N_("use text"),
    "string_too_long": N_("use at most %(max_length)s characters"),
    "string_pattern_mismatch": N_("this does not have the expected form"),
    "too_long": N_("send at most %(max_length)s"),
    "too_short": N_("send at least %(min_length)s"),
    "list_type": N_("use a list"),
    "dict_type": N_("use an object"),
    "model_attributes_type": N_("use an object"),
    "json_invalid": N_("this is not valid JSON"),
    "extra_forbidden": N_("there is no such field"),
}


def plain_message(error: Mapping[str, Any]) -> str:
    """The message for one of the errors that `ValidationError.errors` or `RequestValidationError.errors` lists."""
    context = {name: str(value).replace("'", "") for name, value in (error.get("ctx") or {}).items()}
    message = MESSAGES.get(error["type"])
    if message is not None:
        return localize(message, **context)
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}"
