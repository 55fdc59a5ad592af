"""Which entries of a feed are no papers: corrections, covers, tables of contents, news, editorials. Pure.

Only titles that are nothing else count: `Correction of aberrations in …` and `Covers of surfaces` are papers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_GOES_ON = r"(?:\s*[:|(—]|\s*\.(?:\s|$)|\s+[–-]\s)"  # not as in `news-based`
_END = rf"(?:{_GOES_ON}|\s*$)"
# These words also begin the titles of papers: `News: a dataset`.
_AMBIGUOUS: tuple[tuple[str, str], ...] = (
    ("correction", r"(?:corrections|amendments?)"),
    ("retraction notice", r"withdrawal"),
    ("cover", r"(?:(?:journal|issue)\s+)?cover(?:\s+(?:art|story|page))?"),
    (
        "front matter",
        r"(?:contents?(?:\s+list|\s+page)?|masthead|imprint|copyright|advertisements?|editorial\s+(?:board|policy)|title\s+pages?"
        r"|(?:information|instructions?|guidelines?)\s+(?:for|to)\s+(?:authors|contributors))",
    ),
    ("news", r"(?:news|calendar|announcements?|podcast|in\s+brief|obituaries|podcasts)"),
)
_TITLES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(pattern, re.IGNORECASE))
    for reason, pattern in (
        *((reason, pattern + r"\s*\.?$") for reason, pattern in _AMBIGUOUS),
        (
            "correction",
            r"(?:correction|(?:author|publisher|editorial|publication)\W{1,2}s?\s?(?:corrections?|amendments?))"
            r"(?:\s*(?:[:.]|$|—)|\s+–)",
        ),
        ("correction", r"(?:corrections?|amendments?)(?:\s+(?:to|for)\s*(?::|[“\"'‘«])|\s+\(|\s*,\s+vol)"),
        ("correction", r"(?:author|publisher)(?:[’']s)?\s+(?:correction|note|erratum)\b"),
        ("correction", r"(?:corrigendum|erratum|addendum)(?:\s*(?:[:.(—]|$)|\s+[–-]|\s+(?:to|for|in|on|and)\b)"),
        (
            "correction",
            r"(?:corrigenda|errata|addenda)(?:\s*(?:[:.(—]|$)|\s+[–-]|\s+(?:to|for)\b"
            r"|\s+(?:and|&)\s+(?:corr|err|add|retr)|\s+(?:in|on)\s*[:“\"'‘«])",
        ),
        (
            "retraction notice",
            r"(?:retraction|(?:retraction|withdrawal)\s+(?:notice|note|statement))(?:\s*[:—]|\s+–|\s*$)"
            r"|(?:retraction|withdrawal)\s+of\s*[“\"‘:]",
        ),
        ("retracted", r"\W?(?:retracted|withdrawn|temporary removal|removed)(?:\s+article)?\s*[:\])]"),
        ("expression of concern", r"(?:editorial\s+)?expression\s+of\s+concern\b"),
        (
            "cover",
            r"(?:(?:front|back|inside|outside|outer|inner|journal|issue)[\s/-]+(?:and[\s/-]+)?){0,4}cover"
            r"(?:\s+(?:image|picture|feature|and\s+back\s+matter)(?:\s*[:.,(—]|\s+–|\s*$)|\s*,\s*(?:vol|issue|no)|\s*:.{1,350}\d/\d{4}\)$)",
        ),
        (
            "cover",
            r"(?:(?:front|back|inside|outside|outer|inner)[\s/-]+(?:and[\s/-]+)?){1,4}cover(?:\s+(?:art|page))?"
            r"(?:\s*[:.,(—]|\s+–|\s*$)",
        ),
        ("cover", r"(?:(?:on|about)\s+(?:the|this)\s+cover|frontispiece)" + _END),
        (
            "front matter",
            r"(?:table\s+of\s+contents?|issue\s+(?:information|publication\s+information|editorial\s+masthead)"
            r"|editorial\s+(?:masthead|advisory\s+board)|editors?\s+and\s+(?:editorial\s+)?board"
            r"|(?:front|back|end)\s*matter|copyright\s+(?:page|notice)"
            r"|(?:author|subject|volume|keyword|reviewer)s?\s+index|index\s+to\s+volume.*|publication\s+information"
            r"|(?:society|member(?:ship)?|subscription)\s+(?:information|page)"
            r"|list\s+of\s+(?:reviewers|referees|contributors)|(?:thanks?|acknowledge?ments?)\s+(?:to|of|from)"
            r"\s+(?:our\s+|the\s+)?(?:reviewers|referees|editors).*|reviewer\s+acknowledge?ments?.*|blank\s+page"
            r"|graphical\s+abstract(?:s|\s+list)?|highlights\s+of\s+this\s+issue|in\s+this\s+issue|forthcoming\s+(?:papers|articles))"
            + _END,
        ),
        ("front matter", r"proceedings\s+of\s+the\s.{3,300}$"),
        (
            "editorial",
            r"(?:(?:guest\s+|joint\s+)?editorial|from\s+the\s+editors?|editor[’']?s?[’']?\s+(?:note|choice|picks?))"
            + _END,
        ),
        (
            "news",
            r"(?:news\s+(?:in\s+brief|and\s+(?:views|notes)|&\s+(?:views|notes)|at\s+a\s+glance|briefs?|feature)"
            r"|(?:daily|weekly|morning)\s+briefing|briefing\s+chat|(?:research|science)\s+highlights?"
            r"|in\s+(?:other|science|the)\s+journals|this\s+week\s+in\b.*|obituary|in\s+memoriam|book\s+reviews?|books?\s+received"
            r"|calendar\s+of\s+events|meetings?\s+calendar|call\s+for\s+papers|letters?\s+to\s+the\s+editors?|career\s+column)"
            + _END,
        ),
        ("news", r"[^:]{2,60}:\s+(?:obituary|in\s+memoriam|book\s+review)" + _END),
    )
)
_BARE_TITLES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(pattern + _GOES_ON, re.IGNORECASE)) for reason, pattern in _AMBIGUOUS
)
_KIND_NAMES = {
    "correction": "correction,corrections,author correction,publisher correction,corrigendum,erratum,errata,addendum,"
    "department of error,published erratum,correction article,corrections and amendments",
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
    "futures,nature podcast,nature careers,policy watch,world report",
}
_REASON_OF_KIND = {kind: reason for reason, kinds in _KIND_NAMES.items() for kind in kinds.split(",")}
_NEWS_DOI = re.compile(r"10\.1038/d\d{5}-")
_WORDS = re.compile(r"[^\W_]+")
_MAX_TITLE = 400


def reason_to_leave_out(title: str, kinds: Iterable[str], doi: str | None, *, is_bare: bool = False) -> str | None:
    """Why this entry is no paper, None where it is one. `kinds`: the publisher's sections and types.

    `is_bare`: it has neither authors nor an abstract.
    """
    title = title[:_MAX_TITLE].strip()
    for reason, pattern in (*_TITLES, *_BARE_TITLES) if is_bare else _TITLES:
        if pattern.match(title):
            return reason
    for kind in kinds:
        words = " ".join(_WORDS.findall(kind[:80].lower()))
        if words in _REASON_OF_KIND:
            return _REASON_OF_KIND[words]
    return "news" if doi and _NEWS_DOI.match(doi) else None
