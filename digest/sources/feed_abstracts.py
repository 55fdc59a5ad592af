"""The abstract of a feed's entry, without what the publisher puts around it. Pure; linear time."""

from __future__ import annotations

import re
from collections.abc import Iterable

from digest.papers.identity import fold_title
from digest.text.markup import text_of_markup
from digest.text.plain_text import one_line

COMPLETE_FROM = 200  # characters; a shorter text is a lead, not an abstract
MAX_ROUNDS = 3  # of removing: a citation may stand before a heading before the authors
_MIN_WORDS = 4
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
# Paragraphs of authors (PLOS, APS) and of the issue (APS), which end where the markup says so.
_PARAGRAPHS = re.compile(
    r"<p[^<>]{0,99}>\s{0,20}(?:by\s[^<]{0,20000}|Author\(s\):(?:[^<]|<(?!/?p[\s>])){0,20000}"
    r"|\[[^\]<]{3,200}\]\s{0,9}Published[^<]{0,80})</p>",
    re.IGNORECASE,
)
_LEADING = tuple(
    re.compile(pattern)
    for pattern in (
        r"[^.;]{2,120}, Published online: [^;]{4,40}; *(?:\|\s*)?doi: ?\S+\s*",  # Nature
        rf"[^.;]{{2,200}}, (?:Early ?View|Ahead of Print|Accepted Article|Just Accepted|Latest Articles"
        rf"|Volume [^.]{{1,60}}?(?:, (?:Page|Article)s? [^,.]{{1,30}})?"
        rf"(?:, (?:\d{{1,2}} )?{_MONTH}(?:/{_MONTH})?(?: \d{{4}})?)?)"
        r"\s*\.\s*",  # Atypon: Wiley, Science, PNAS, ACM, Taylor & Francis
        rf"(?:Publication date|Available online):? (?:\d{{1,2}} )?{_MONTH}? ?[\d–-]{{0,12}} ?\d{{4}}\s*"
        r"(?:Source:.{0,300}?(?=Author\(s\):|$))?"
        r"(?:Author\(s\):.{0,20000}$)?",  # ScienceDirect
        r"[^.;]{2,120}\. \d{4}(?: [A-Z][a-z]{2}(?:-[A-Z][a-z]{2})?(?: \d{1,2})?)?(?:;[^.]{1,60})?\."
        r" doi: 10\.\S{1,200}\s*"
        r"(?:(?:Online ahead of print|eCollection [^.]{4,20}|Epub [^.]{4,20}|Print [^.]{4,20})\.\s*)*",  # PubMed
        r"[^:]{2,80}, Vol\. \d{1,4}, Pages? [\w–-]{1,20}: .{3,500}? doi: 10\.\S{1,200}\s+(?:Authors:\s+)?",  # MDPI
        r"arXiv:\S+\s+Announce Type:\s*[\w-]+\s*(?:Abstract:)?\s*",
        r"(?:Not Available|No abstract(?: available| is available)?|N/A|Abstract not available)\W*$",
        r"(?:Abstract|ABSTRACT|Summary|SUMMARY|Significance(?: Statement)?)"
        r"(?:\s*[.:–—|-]\s*|\s+(?=[A-Z\"“(\d])|(?=[A-Z][a-z]))",
        r"(?:Author\(s\)|Authors?): .{3,600}?(?:\.|\|)\s+(?=[A-Z])",
        r"by (?:[A-Z][\w.’'-]{0,30}[ ,]{1,2}){2,60}(?=(?:Background|Objectives?|Introduction|Purpose)\b)",
        r"©.{3,200}?(?:rights reserved|Ltd|Inc|LLC|Society)\.?\s+(?=[A-Z])",
    )
)
_TRAILING = tuple(
    re.compile(pattern)
    for pattern in (
        r"\s*\[[^\]]{3,200}\] Published (?:\w{3} ){0,2}\w{3,9} \d{1,2}, \d{4}\s*$",
        r"\s*(?:Continue reading|Read more|Read the full (?:article|story)|Full (?:text|article)"
        r"|View (?:the )?(?:abstract|article))"
        r"(?:\s+(?:on|at|in|here)\b.{0,80})?\W{0,5}$",
        r"\s*The post .{3,300} (?:first appeared|appeared first) on .{2,100}$",
        r"\s*(?:doi|DOI):? ?(?:https?://\S+|10\.\S+)\s*$",
        r"\s*(?:PMID|PMCID):\s?\w+(?:\s*\|\s*(?:PMCID|DOI):\s?\S+)*\s*\|?\s*$",
    )
)
_CUT = re.compile(r"(?:\.\.\.|…|\[…\]|\[\.\.\.\]|\[&hellip;\])\W{0,3}$")


def best_abstract(summaries: Iterable[str], title: str) -> str:
    """The best of these texts as plain text, '' where none holds more than the title and the citation."""
    cleaned = [clean_abstract(summary, title) for summary in summaries]
    return max(cleaned, key=lambda text: (not is_cut(text), len(text)) if text else (False, 0), default="")


def clean_abstract(markup: str, title: str) -> str:
    """One text without the citation, authors and links that publishers put around an abstract."""
    text = text_of_markup(_PARAGRAPHS.sub(" ", markup))
    for _ in range(MAX_ROUNDS):
        for pattern in _LEADING:
            match = pattern.match(text)
            text = text[match.end() :].lstrip() if match else text
        for pattern in _TRAILING:
            match = pattern.search(text[-500:])
            text = text[: len(text) - len(text[-500:]) + match.start()] if match else text
    if len(text.split()) < _MIN_WORDS or fold_title(text) == fold_title(text_of_markup(title)):
        return ""
    return one_line(text)


def is_cut(abstract: str) -> bool:
    """True where the text ends with dots."""
    return _CUT.search(abstract[-20:]) is not None


def is_complete(abstract: str) -> bool:
    """True for what can be a whole abstract: long enough, and not cut off."""
    return len(abstract) >= COMPLETE_FROM and not is_cut(abstract)
