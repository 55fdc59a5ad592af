"""One-line summaries that sources make of papers: their origin, and which are refused. Pure.

Which of several is shown is decided by the order of `SOURCES` in `sources/registry.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from digest.errors import BadInput
from digest.text.plain_text import one_line

OWN_PREFIX = "own:"  # in the stored source, before the model of the administrator's own endpoint
MAX_SOURCE = 40
MIN_SUMMARY = 20  # characters, of the administrator's own endpoint
MAX_SUMMARY = 400  # characters; those of sources have 150 to 200
_SOURCE = 2_000  # characters of a summary that are read at all
_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
_ADDRESS = re.compile(r"https?:|www\.|\w@\w", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


class RefusedSummary(BadInput):
    """The administrator's own endpoint answered, but not with a summary of the paper; the message says why."""


class Summary(NamedTuple):
    """A summary as a source first gave it. `origin`: what people call the source; `taken_at`: when it was stored."""

    origin: str
    text: str
    taken_at: datetime


Summaries = Mapping[int, Sequence[Summary]]  # by paper, the preferred first


def bounded_summary(text: str) -> str:
    """The summary in one clean line of at most MAX_SUMMARY characters, cut at a sentence or a word."""
    line = one_line(text[:_SOURCE])
    if len(line) <= MAX_SUMMARY:
        return line
    cut = line[:MAX_SUMMARY]
    sentence = cut.rfind(". ")
    return cut[: sentence + 1] if sentence > 0 else cut[: MAX_SUMMARY - 1].rpartition(" ")[0].rstrip(" ,;:") + "…"


def checked_summary(answer: str, title: str, abstract: str) -> str:
    """The answer of the administrator's own endpoint as a summary of that paper. Raises RefusedSummary."""
    summary = bounded_summary(_THOUGHTS.sub("", answer[:20_000])).strip("\"'“”* ")
    if len(summary) < MIN_SUMMARY:
        raise RefusedSummary("the summary is empty, too short or cut off")
    if _ADDRESS.search(summary):
        raise RefusedSummary("the summary holds an address")
    if not numbers_agree(summary, title, abstract):
        raise RefusedSummary("the summary holds a number that the abstract does not")
    return summary


def own_source(model: str) -> str:
    """The source to store with summaries of the administrator's own endpoint; `own_origin` is the inverse."""
    return f"{OWN_PREFIX}{one_line(model)}"[:MAX_SOURCE]


def own_origin(source: str) -> str:
    """The model that made a summary of the administrator's own endpoint, '' for another source."""
    return source.removeprefix(OWN_PREFIX) if source.startswith(OWN_PREFIX) else ""


def numbers_agree(summary: str, *texts: str) -> bool:
    """True if every number of the summary is in one of the texts."""
    return _numbers(summary) <= set().union(*map(_numbers, texts))


def known_summaries(summaries: Summaries, papers: Iterable[int], at: datetime) -> dict[int, tuple[Summary, ...]]:
    """The summaries of these papers that were stored by that instant, so that an edition stays as it was sent."""
    return {
        paper: stored_by_then
        for paper in papers
        if (stored_by_then := tuple([summary for summary in summaries.get(paper, ()) if summary.taken_at <= at]))
    }


def _numbers(text: str) -> set[str]:
    """The numbers in a text, `1,000` as `1000` and `0.90` as `0.9`; superscripts and full-width digits too."""
    numbers = _NUMBER.findall(_THOUSANDS.sub("", unicodedata.normalize("NFKC", text)))
    return {number.rstrip("0").rstrip(".") if "." in number else number for number in numbers}
