"""Subjects of PubMed's articles: by their keywords, index terms and journals, else Medicine or Biology. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from digest.papers.subjects import subject_code

MAX_SUBJECTS = 5
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


def article_subjects(keywords: Iterable[str], journal: str, text: str) -> tuple[str, ...]:
    """Codes of `papers.subjects`. `text`: title and abstract, by which an article without named subjects is placed."""
    names = [_JOURNAL_WORDS.sub("", journal), *keywords]
    codes = dict.fromkeys(code for name in names if (code := subject_code(name)))
    if codes:
        return tuple(codes)[:MAX_SUBJECTS]
    is_medical = len(_OF_PATIENTS.findall(text)) >= _MIN_MENTIONS
    return ("med",) if is_medical else ("bio",)
