"""Which entries of a feed are no papers: corrections, covers, tables of contents, news, editorials. Pure.

Only titles that are nothing else count: `Correction of aberrations in …` and `Covers of surfaces` are papers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_END = r"\s*(?:[:.|(–—-]|$)"
_TITLES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(pattern, re.IGNORECASE))
    for reason, pattern in (
        (
            "correction",
            r"(?:(?:author|publisher|editorial|publication)\W{1,2}s?\s?)?(?:corrections?|amendments?)"
            r"(?:\s*(?:[:.]|$|–|—)|\s+(?:to|for)\s*(?::|[“\"'‘«])|\s+\(|\s*,\s+vol)",
        ),
        ("correction", r"(?:author|publisher)(?:[’']s)?\s+(?:correction|note|erratum)\b"),
        (
            "correction",
            r"(?:corrigend(?:um|a)|errat(?:um|a)|addend(?:um|a))(?:\s*(?:[:.(–—-]|$)|\s+(?:to|for|in|on|and)\b)",
        ),
        (
            "retraction notice",
            r"(?:retraction|withdrawal)(?:\s+(?:notice|note|statement))?(?:\s*[:–—]|\s*$|\s+of\s*[“\"‘:])",
        ),
        ("retracted", r"\W?(?:retracted|withdrawn|temporary removal|removed)(?:\s+article)?\s*[:\])]"),
        ("expression of concern", r"(?:editorial\s+)?expression\s+of\s+concern\b"),
        (
            "cover",
            r"(?:(?:front|back|inside|outside|outer|inner|journal|issue)[\s/-]+(?:and[\s/-]+)?){0,4}cover"
            r"(?:\s+(?:image|picture|feature|art|story|page|and\s+back\s+matter))?(?:\s*(?:[:.,(–—]|$))",
        ),
        ("cover", r"(?:on|about)\s+(?:the|this)\s+cover\b|frontispiece" + _END),
        (
            "front matter",
            r"(?:table\s+of\s+contents?|contents?(?:\s+list|\s+page)?|issue\s+(?:information|publication\s+information|editorial\s+masthead)"
            r"|masthead|editorial\s+(?:board|masthead|advisory\s+board|policy)|editors?\s+and\s+(?:editorial\s+)?board"
            r"|(?:front|back|end)\s*matter|title\s+(?:page|pages)|copyright(?:\s+page|\s+notice)?|imprint"
            r"|(?:author|subject|volume|keyword|reviewer)s?\s+index|index\s+to\s+volume.*|publication\s+information"
            r"|(?:society|member(?:ship)?|subscription)\s+(?:information|page)|(?:information|instructions?|guidelines?)\s+(?:for|to)"
            r"\s+(?:authors|contributors)|list\s+of\s+(?:reviewers|referees|contributors)|(?:thanks?|acknowledge?ments?)\s+(?:to|of|from)"
            r"\s+(?:our\s+|the\s+)?(?:reviewers|referees|editors).*|reviewer\s+acknowledge?ments?.*|blank\s+page|advertisements?"
            r"|graphical\s+abstract(?:s|\s+list)?|highlights\s+of\s+this\s+issue|in\s+this\s+issue|forthcoming\s+(?:papers|articles))"
            + _END,
        ),
        ("front matter", r"proceedings\s+of\s+the\s.{3,300}$"),
        (
            "editorial",
            r"(?:guest\s+|joint\s+)?editorial"
            + _END
            + r"|from\s+the\s+editors?"
            + _END
            + r"|editor[’']?s?[’']?\s+(?:note|choice|picks?)"
            + _END,
        ),
        (
            "news",
            r"(?:news(?:\s+(?:in\s+brief|and\s+(?:views|notes)|&\s+(?:views|notes)|at\s+a\s+glance|briefs?|feature))?"
            r"|(?:daily|weekly|morning)\s+briefing|briefing\s+chat|podcast|(?:research|science)\s+highlights?|in\s+brief"
            r"|in\s+(?:other|science|the)\s+journals|this\s+week\s+in\b.*|obituar(?:y|ies)|in\s+memoriam|book\s+reviews?|books?\s+received"
            r"|calendar(?:\s+of\s+events)?|meetings?\s+calendar|announcements?|call\s+for\s+papers|letters?\s+to\s+the\s+editors?|career\s+column)"
            + _END,
        ),
        ("news", r"[^:]{2,60}:\s+(?:obituary|in\s+memoriam|book\s+review)" + _END),
    )
)
_KIND_NAMES = {
    "correction": "correction,corrections,author correction,publisher correction,corrigendum,erratum,errata,addendum,"
    "published erratum,correction article,corrections and amendments",
    "retraction notice": "retraction,retraction notice,retraction of publication,retracted article",
    "expression of concern": "expression of concern",
    "cover": "cover,cover image,cover picture,front cover,back cover,frontispiece,cover art",
    "front matter": "issue information,table of contents,editorial board,front matter,frontmatter,back matter,masthead,"
    "index,full issue,issue,acknowledgement to reviewers",
    "editorial": "editorial,editorials,guest editorial,editors choice,editor s choice,from the editor",
    "news": "news,news views,news and views,news feature,news in brief,news analysis,research highlight,"
    "research highlights,research briefing,in brief,podcast,obituary,book review,books,books et al,career column,"
    "career feature,careers,world view,where i work,daily briefing,technology feature,preview,previews,spotlight,"
    "in depth,in other journals,this week in science,working life,advertisement,announcement,announcements,calendar,"
    "futures,nature podcast,nature careers,policy watch",
}
_REASON_OF_KIND = {kind: reason for reason, kinds in _KIND_NAMES.items() for kind in kinds.split(",")}
_NEWS_DOI = re.compile(r"10\.1038/d\d{5}-")
_WORDS = re.compile(r"[^\W_]+")
_MAX_TITLE = 400


def reason_to_leave_out(title: str, kinds: Iterable[str], doi: str | None) -> str | None:
    """Why this entry is no paper, None where it is one. `kinds`: the publisher's sections and types."""
    title = title[:_MAX_TITLE].strip()
    for reason, pattern in _TITLES:
        if pattern.match(title):
            return reason
    for kind in kinds:
        words = " ".join(_WORDS.findall(kind[:80].lower()))
        if words in _REASON_OF_KIND:
            return _REASON_OF_KIND[words]
    return "news" if doi and _NEWS_DOI.match(doi) else None
