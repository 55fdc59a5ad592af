"""Language: the sentences and dates of mails and pages.

English is in the source; a catalogue in `digest/locale` replaces it. One language a process (setting LANGUAGE), bound
when the templates of mails are compiled.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from gettext import NullTranslations, translation
from importlib.resources import as_file, files

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from digest import settings

DOMAIN = "papers-inbox"


@lru_cache(maxsize=1)
def catalogue() -> NullTranslations:
    """The sentences in the chosen language; where there is no catalogue, as they stand in the source."""
    with as_file(files("digest") / "locale") as folder:
        return translation(DOMAIN, folder, [settings.get().language], fallback=True)


def say(message: str, /, **values: object) -> str:
    """A sentence, with `%(name)s` filled in."""
    told = catalogue().gettext(message)
    return told % values if values else told


def count(one: str, many: str, number: int, /, **values: object) -> str:
    """A sentence for that number, which stands at `%(n)s`."""
    return catalogue().ngettext(one, many, number) % {"n": decimal(number), **values}


def tag() -> str:
    """The language as documents name it (BCP 47)."""
    return settings.get().language.replace("_", "-")


def weekday(number: int) -> str:
    """A day's name; 0 is Monday."""
    return day(date(2024, 1, 1 + number), "EEEE")


@lru_cache(maxsize=4096)
def decimal(value: float) -> str:
    """A whole number as the language groups it: `1,204`."""
    return format_decimal(round(value), locale=_locale())


@lru_cache(maxsize=1024)
def day(value: date, form: str) -> str:
    """A date in CLDR's form, such as `EEE d MMM`."""
    return format_date(value, form, locale=_locale())


@lru_cache(maxsize=1)
def _locale() -> Locale:
    return Locale.parse(settings.get().language.replace("-", "_"))


def forget() -> None:
    """Read the setting anew (tests)."""
    for kept in (catalogue, decimal, day, _locale):
        kept.cache_clear()
