"""A BibTeX library of real papers, every second entry damaged as users' files are."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.wire_server import Work, works

DAYS = [date(2025, 9, 29), date(2025, 9, 30)]


@dataclass(frozen=True, slots=True)
class Library:
    """The file, and the keys and first lines of its damaged entries by kind of damage."""

    text: str
    damaged: dict[int, tuple[str, str]]


def _sub(pattern: str, replacement: str) -> Callable[[str], str]:
    return lambda entry: re.sub(pattern, replacement, entry, count=1, flags=re.DOTALL)


DAMAGES: dict[str, Callable[[str], str]] = {
    "title without its closing brace": _sub(r"\},\n  author", ",\n  author"),
    "abstract without its closing brace": _sub(r"\},\n  year", "\n  year"),
    "no comma between fields": _sub(r"\},\n  year", "}\n  year"),
    "no closing brace at the end": _sub(r"\n\}\n$", "\n"),
    "a brace too many": _sub(r"\},\n  author", "}},\n  author"),
    "no key": _sub(r"\{\w+,\n", "{\n"),
    "an empty key": _sub(r"\{\w+,\n", "{,\n"),
    "no title and no identifier": lambda entry: re.sub(r"  (?:title|eprint|archiveprefix) = [^\n]*\n", "", entry),
    "no title": _sub(r"  title = [^\n]*\n", ""),
    "a title without braces": _sub(r"title = \{([^\n]*?)\},\n", r"title = \1,\n"),
    "a quotation mark not closed": _sub(r"title = \{([^\n]*?)\},\n", r'title = "\1,\n'),
    "an eprint that is none": _sub(r"eprint = \{[^}]*\}", "eprint = {see the website}"),
    "a DOI that is none": _sub(r"\n\}\n$", ",\n  doi = {forthcoming}\n}\n"),
    "a line that is no field": _sub(r"  author", "  to read next week\n  author"),
    "cut in the middle": lambda entry: entry[: entry.index("abstract = {") + 60] + "\n",
}


def real_works(shared: Path, count: int) -> list[Work]:
    """That many real papers."""
    papers: list[Work] = []
    for day in DAYS:
        with gzip.open(shared / "data" / "replay" / "days" / f"{day}.jsonl.gz") as file:
            papers += list(works(json.loads(line) for line in file))
    return papers[:count]


def bibtex_of(work: Work, key: str) -> str:
    """The entry as arXiv and reference managers write it."""
    title, abstract = (" ".join(text.translate({123: "", 125: ""}).split()) for text in (work.title, work.abstract))
    names = " and ".join(work.authors)
    return (
        f"@article{{{key},\n  title = {{{title}}},\n  author = {{{names}}},\n"
        f"  abstract = {{{abstract}}},\n"
        f"  year = {{2025}},\n  eprint = {{{work.id}}},\n  archiveprefix = {{arXiv}}\n}}\n"
    )


def damaged_library(shared: Path, entries: int = 500) -> Library:
    """A library of so many entries, every second one damaged, each kind of damage in turn."""
    kinds = list(DAMAGES)
    parts, damaged, line = [], {}, 1
    for number, work in enumerate(real_works(shared, entries)):
        key = f"paper{number}"
        entry = bibtex_of(work, key)
        if number % 2:
            kind = kinds[(number // 2) % len(kinds)]
            entry = DAMAGES[kind](entry)
            damaged[line] = (kind, key)
        parts.append(f"{entry}\n")
        line += parts[-1].count("\n")
    return Library("".join(parts), damaged)
