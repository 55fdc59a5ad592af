"""Recognises names of collaborations, teams and the like among authors. Pure."""

from __future__ import annotations

import re

_WORDS = (
    "collaborations?|consorti(?:um|a)|teams?|groups?|projects?|networks?|alliance|initiative|committee|community|"
    "experiments?|observatory|surveys?|foundation|force|programme|program|partnership|society|association"
)
_COLLECTIVE = re.compile(rf"\S.*\s(?:{_WORDS})\b\.?|\S.*\b(?:collaboration|consortium)\b.*", re.IGNORECASE | re.DOTALL)


def is_collective(name: str) -> bool:
    """True for `ATLAS Collaboration`, `the Pan-STARRS team`; False for a person's name, and for `team` alone."""
    return _COLLECTIVE.fullmatch(name.strip()[:300]) is not None
