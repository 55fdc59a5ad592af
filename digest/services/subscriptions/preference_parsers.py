"""Parse the values of preferences from text or JSON. Errors name the field.

Entries of lists that are stored already (the context of the validation, by field) stay valid, also where nobody could
choose them any more: a subject was renamed, or a source is gone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import date, time

from pydantic import ValidationInfo

from digest import settings
from digest.errors import N_, BadInput
from digest.i18n import localize
from digest.matching.profile_limits import MAX_QUERY, MAX_TOPICS
from digest.papers.subjects import CODE_PATTERN, is_known, subject_code, subject_label, suggested_subjects
from digest.services.catalog import outlets
from digest.services.subscriptions.topic_checks import check_topic
from digest.text.language_detection import LANGUAGE_NAMES
from digest.text.person_references import author_name, parse_reference

MAX_CATEGORIES, MAX_AUTHORS, MAX_NAME = 60, 50, 120
ARCHIVES = (
    "astro-ph|cond-mat|cs|econ|eess|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math|math-ph|nlin|nucl-ex|nucl-th"
    "|physics|q-bio|q-fin|quant-ph|stat"
)
CATEGORY = re.compile(rf"(?:{ARCHIVES})(?:\.(?:[A-Z]{{2}}|[a-z]+(?:-[a-z]+)?))?|{CODE_PATTERN}")
MAX_CATEGORY_LINE = 2_000  # characters: all codes may stand in one line
CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(:[0-5]\d)?")


def query_lines(value: object, info: ValidationInfo) -> tuple[str, ...]:
    """Queries, one a line, each of which the query language can read."""
    field = _field_name(info)
    queries = _clean_lines(value, field=field, max_lines=MAX_TOPICS, max_length=MAX_QUERY)
    for query in queries:
        if query in _stored_entries(info):
            continue
        try:
            check_topic(query)
        except BadInput as error:
            quoted = localize("%(field)s: ‘%(line)s’", field=field, line=query[:60])
            raise BadInput(f"{quoted}: {error.translated(localize)}", field=field) from error
    return queries


def category_names(value: object, info: ValidationInfo) -> tuple[str, ...]:
    """Codes of subjects. A line holds a name (`Neuroscience`), or codes and names separated by commas, or by blanks."""
    field = _field_name(info)
    lines = _clean_lines(value, field=field, max_lines=MAX_CATEGORIES, max_length=MAX_CATEGORY_LINE)
    names = [name for line in lines for name in _subject_names(line)]
    categories = _clean_lines([subject_code(name) or name for name in names], field=field, max_lines=MAX_CATEGORIES)
    for name in categories:
        if not is_offered_subject(name) and name not in _stored_entries(info):
            raise BadInput(_unknown_subject(name, field), field=field)
    return categories


def is_offered_subject(code: str) -> bool:
    """True for the code of a subject that may be chosen today."""
    return is_known(code) or code in settings.get().arxiv_categories


def _unknown_subject(name: str, field: str) -> str:
    """The message for a text that is no subject, with those like it."""
    quoted = repr(name[:40])
    if suggested := suggested_subjects(name):
        labels = ", ".join(map(subject_label, suggested))
        return localize(
            "%(field)s: %(name)s is not a subject; did you mean %(labels)s?", field=field, name=quoted, labels=labels
        )
    return localize("%(field)s: %(name)s is not a subject such as Neuroscience or cs.LG", field=field, name=quoted)


def _subject_names(line: str) -> list[str]:
    """The names and codes in a line."""
    if subject_code(line):
        return [line]
    parts = [part.strip() for part in line.split(",") if part.strip()]
    return [name for part in parts for name in ([part] if subject_code(part) else part.split())]


def source_keys(value: object, info: ValidationInfo) -> tuple[str, ...]:
    """Keys of outlets. A line holds a name (`arXiv`), or names or keys separated by commas, or by blanks."""
    return _codes_in_lines(value, outlets.known_outlets(), N_("%(field)s: %(name)s is not a source here"), info)


def language_codes(value: object, info: ValidationInfo) -> tuple[str, ...]:
    """Codes of languages (ISO 639-1). A line holds a name (`German`), or several separated by commas or blanks."""
    return _codes_in_lines(value, LANGUAGE_NAMES, N_("%(field)s: %(name)s is not a language that is detected"), info)


def _codes_in_lines(value: object, names: Mapping[str, str], message: str, info: ValidationInfo) -> tuple[str, ...]:
    """The codes that the lines of a text name. `names`: by code; `message`: the error for anything else."""
    field = _field_name(info)
    code_of = {code.casefold(): code for code in _stored_entries(info)}
    code_of |= {name.casefold(): code for code, name in names.items()} | {code: code for code in names}
    typed: list[str] = []
    for line in _clean_lines(value, field=field, max_lines=MAX_CATEGORIES, max_length=MAX_CATEGORY_LINE):
        parts = [line] if line.casefold() in code_of else [part.strip() for part in line.split(",")]
        typed += [name for part in parts for name in ([part] if part.casefold() in code_of else part.split())]
    unknown = next((name for name in typed if name.casefold() not in code_of), None)
    if unknown is not None:
        error = localize(message, field=field, name=repr(unknown[:40]))
        raise BadInput(f"{error}; {localize('use one of %(names)s', names=', '.join(names))}", field=field)
    return tuple(dict.fromkeys(code_of[name.casefold()] for name in typed))


def author_names(value: object, info: ValidationInfo) -> tuple[str, ...]:
    """Authors, one a line: names with two letters at least, or people with a name as in `text.person_references`."""
    field = _field_name(info)
    lines = _clean_lines(value, field=field, max_lines=MAX_AUTHORS, max_length=MAX_NAME)
    stored = _stored_entries(info)
    authors = tuple(dict.fromkeys(line if line in stored else _canonical_author(line, field) for line in lines))
    for name in (author_name(author) for author in authors if author not in stored):
        if sum(character.isalpha() for character in name) < 2:
            raise BadInput(localize("%(field)s: %(name)s is not a name", field=field, name=repr(name)), field=field)
    return authors


def _canonical_author(line: str, field: str) -> str:
    """The line, with the id of a person as `person_references` writes it. Raises BadInput for a damaged id."""
    try:
        reference = parse_reference(line)
    except ValueError as error:
        message = localize(
            "%(field)s: %(id)s is not a valid id; copy it from the author’s page", field=field, id=str(error)
        )
        raise BadInput(message, field=field) from error
    return str(reference) if reference else line


def quarter_hour(value: object, info: ValidationInfo) -> time:
    """A wall-clock time, rounded down to a quarter of an hour, because runs start on quarters."""
    match = CLOCK_TIME.fullmatch(value.isoformat() if isinstance(value, time) else str(value))
    if match is None:
        field = _field_name(info)
        raise BadInput(localize("%(field)s: use a time of day such as 07:00", field=field), field=field)
    return time(int(match[1]), int(match[2]) // 15 * 15)


def optional_date(value: object, info: ValidationInfo) -> date | None:
    """A date in ISO 8601, or None for an empty value."""
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        field = _field_name(info)
        raise BadInput(localize("%(field)s: use a date such as 2026-08-31", field=field), field=field) from error


def lines_of_text(value: object, info: ValidationInfo) -> tuple[str, ...]:
    """The lines of a text, or the items of a list, as they are."""
    return _lines(value, _field_name(info))


def _stored_entries(info: ValidationInfo) -> Collection[str]:
    """The entries that the field has in the database; none for a sign-up."""
    entries: Mapping[str, Collection[str]] = info.context or {}
    return entries.get(_field_name(info), ())


def _field_name(info: ValidationInfo) -> str:
    return info.field_name or ""


def _clean_lines(value: object, *, field: str, max_lines: int, max_length: int = 500) -> tuple[str, ...]:
    """The lines of a text, or the items of a list, without blank ones and repetitions."""
    lines = (_clean_line(part, field=field, max_length=max_length) for part in _lines(value, field))
    distinct = tuple(dict.fromkeys(filter(None, lines)))
    if len(distinct) > max_lines:
        message = localize("%(field)s: at most %(most)s, got %(n)s", field=field, most=max_lines, n=len(distinct))
        raise BadInput(message, field=field)
    return distinct


def _lines(value: object, field: str) -> tuple[str, ...]:
    parts = value.splitlines() if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise BadInput(localize("%(field)s: expected lines of text", field=field), field=field)
    return tuple(parts)


def _clean_line(value: str, *, field: str, max_length: int) -> str:
    """One line in NFC with single blanks. Control characters are refused."""
    text = unicodedata.normalize("NFC", re.sub(r"[ \t\u00a0]+", " ", value)).strip()
    if len(text) > max_length:
        message = localize(
            "%(field)s: at most %(most)s characters, got %(n)s", field=field, most=max_length, n=len(text)
        )
        raise BadInput(message, field=field)
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text):
        message = localize("%(field)s: %(text)s contains a control character", field=field, text=repr(text[:40]))
        raise BadInput(message, field=field)
    return text
