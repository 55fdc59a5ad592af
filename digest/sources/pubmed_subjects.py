"""Subjects of PubMed's articles: by their keywords, index terms and journals, else Medicine or Biology. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from digest.papers.subject_headings import subjects_of_headings
from digest.papers.subjects import subject_code

MAX_SUBJECTS = 5
MEDICINE, BIOLOGY = "med", "bio"
_GENERAL = frozenset({MEDICINE, BIOLOGY})
_JOURNAL_WORDS = re.compile(
    r"^(?:the )?(?:(?:american|british|european|international|scandinavian) )?(?:journal of |annals of )?",
    re.IGNORECASE,
)
_OF_PATIENTS = re.compile(
    r"\b(?:patients?|clinical|hospital\w*|diseases?|disorders?|therap\w+|cancers?|surger\w+|surgical|trials?|cohorts?"
    r"|symptoms?|diagnos\w+|health\w*|nurs\w+|infections?|syndromes?|mortality)\b",
    re.IGNORECASE,
)
_MIN_MENTIONS = 2


def article_subjects(headings: Sequence[str], journal: str, text: str) -> tuple[str, ...]:
    """Codes of `papers.subjects`: those that headings or journal name, then those that words in the headings mean.

    `headings`: the authors' keywords and the index terms. `text`: title and abstract, for an article without headings.
    """
    names = [_JOURNAL_WORDS.sub("", journal), *headings]
    named = [code for name in names if (code := subject_code(name))]
    by_words = [code for code in subjects_of_headings(headings) if not named or code not in _GENERAL]
    if named or by_words:
        return tuple(dict.fromkeys([*named, *by_words]))[:MAX_SUBJECTS]
    is_medical = len(_OF_PATIENTS.findall(text)) >= _MIN_MENTIONS
    return (MEDICINE,) if is_medical else (BIOLOGY,)
