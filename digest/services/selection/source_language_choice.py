"""Which papers a subscriber's choice of outlets and languages admits: decided before matching, for all back ends.

A paper of several outlets is admitted if any of them is chosen. A paper without outlet, or whose language is unknown,
is always admitted.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from digest.matching.profile import Profile
from digest.services.catalog.announcements import AnnouncedPaper


class PaperChoice(NamedTuple):
    """Keys of the chosen outlets, and codes of the chosen languages; empty means all. Both are sorted."""

    outlets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


EVERYTHING = PaperChoice()


def choice_of(profile: Profile) -> PaperChoice:
    """The choice of a profile."""
    if not (profile.sources or profile.languages):
        return EVERYTHING
    return PaperChoice(tuple(sorted(profile.sources)), tuple(sorted(profile.languages)))


def is_admitted(choice: PaperChoice, paper: AnnouncedPaper) -> bool:
    """True for a paper that the choice admits."""
    return _admits(choice, paper.outlets, paper.language)


def admitted_papers(choice: PaperChoice, papers: Iterable[AnnouncedPaper]) -> list[bool]:
    """For each paper whether the choice admits it."""
    return [_admits(choice, paper.outlets, paper.language) for paper in papers]


def reason_left_out(choice: PaperChoice, outlets: str, language: str) -> Literal["sources", "languages"] | None:
    """Which part of the choice leaves a paper out; None for an admitted one. `outlets`: keys separated by blanks."""
    if not _admits(PaperChoice(choice.outlets), outlets, language):
        return "sources"
    return None if _admits(choice, outlets, language) else "languages"


@lru_cache(maxsize=4096)
def _admits(choice: PaperChoice, outlets: str, language: str) -> bool:
    is_chosen_outlet = not (choice.outlets and outlets) or not set(choice.outlets).isdisjoint(outlets.split())
    return is_chosen_outlet and (not (choice.languages and language) or language in choice.languages)
