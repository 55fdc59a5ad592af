"""Translation of the texts and dates of mails and pages.

English texts are in the source; a catalogue in `digest/locale` translates them. A process has one language (setting
LANGUAGE), which is bound when the mail templates are compiled.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from gettext import NullTranslations, find, translation
from importlib.resources import as_file, files

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from digest import settings

DOMAIN = "papers-inbox"


@lru_cache(maxsize=1)
def catalogue() -> NullTranslations:
    """The translations for the configured language; the source texts if there is no catalogue."""
    with as_file(files("digest") / "locale") as folder:
        return translation(DOMAIN, folder, [settings.get().language.replace("-", "_")], fallback=True)


def is_translated(language: str) -> bool:
    """Whether texts come in this language: English, or one with a catalogue."""
    code = language.replace("-", "_")
    with as_file(files("digest") / "locale") as folder:
        return code.partition("_")[0] == "en" or find(DOMAIN, folder, [code]) is not None


def localize(message: str, /, **values: object) -> str:
    """Translate a text and fill in `%(name)s`."""
    translated = catalogue().gettext(message)
    return translated % values if values else translated


def localize_plural(singular: str, plural: str, number: int, /, **values: object) -> str:
    """Translate a text in the singular or plural for that number, which fills `%(n)s`."""
    return catalogue().ngettext(singular, plural, number) % {"n": format_number(number), **values}


def language_tag() -> str:
    """The language as a BCP 47 tag."""
    return settings.get().language.replace("_", "-")


def weekday_name(number: int) -> str:
    """The name of a weekday; 0 is Monday."""
    return format_day(date(2024, 1, 1 + number), "EEEE")


def language_name(code: str) -> str:
    """The name of a language by its ISO 639-1 code; the code itself where it is unknown."""
    return str(_locale().languages.get(code, code))


def format_duration(seconds: float) -> str:
    """A duration in its largest fitting unit: `45 seconds`, `3 minutes`, `2 hours`."""
    if seconds < 90:
        return localize_plural("%(n)s second", "%(n)s seconds", round(seconds))
    if seconds < 90 * 60:
        return localize_plural("%(n)s minute", "%(n)s minutes", round(seconds / 60))
    return localize_plural("%(n)s hour", "%(n)s hours", round(seconds / 3600))


@lru_cache(maxsize=4096)
def format_number(value: float) -> str:
    """A rounded number with the language's digit grouping: `1,204`."""
    return format_decimal(round(value), locale=_locale())


@lru_cache(maxsize=1024)
def format_day(value: date, pattern: str) -> str:
    """A date in a CLDR pattern, such as `EEE d MMM`."""
    return format_date(value, pattern, locale=_locale())


@lru_cache(maxsize=1)
def _locale() -> Locale:
    return Locale.parse(settings.get().language.replace("-", "_"))


def clear_caches() -> None:
    """Clear the caches so that the setting is read again (tests)."""
    for cached in (catalogue, format_number, format_day, _locale):
        cached.cache_clear()
