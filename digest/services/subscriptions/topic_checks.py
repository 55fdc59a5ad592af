"""Reject a topic that would be parsed as plain words although something else was meant.

The query language parses every text without operators, quotes and fields as plain words. New texts are checked more
strictly than stored ones, which must remain valid.
"""

from __future__ import annotations

import re

from digest import settings
from digest.errors import N_, BadInput, BadQuery
from digest.matching.query import language
from digest.matching.query.parser import is_query, unknown_category
from digest.matching.query.syntax_tree import FIELDS, Query, all_terms
from digest.papers.subjects import is_known
from digest.text.person_references import parse_author_id

_ENDINGS = "org|com|net|edu|io|ai|gov|info|dev|app|eu|ch|de|at|uk|fr|nl|it|es|be|se|dk|fi|pl|ru|br|au|ca|cn|jp|kr|tw|in"
_ADDRESS = re.compile(
    rf"(?:https?://|www\.)\S|(?:^|\s)(?:[\w-]+\.)+(?:{_ENDINGS})/\S|^(?:[\w-]+\.)+(?:org|edu|gov)/?$", re.IGNORECASE
)
_IDENTIFIER = re.compile(
    r"(?:arxiv:?\s*)?(?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?/\d{7})(?:v\d+)?|(?:doi:\s*)?10\.\d{4,9}/\S+",
    re.IGNORECASE,
)
_MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[a-z]{2,}", re.IGNORECASE)
_FIELD = re.compile(r"(?<![^\s(])([A-Za-z]{2,})(\s*):(?!/)(\s*)")
# Fields of other search engines; any other word may stand before a colon and a blank, as in a title.
_FIELDS_ELSEWHERE = frozenset(
    (
        "author", "authors", "title", "abstract", "year", "date", "published", "journal", "keyword", "keywords",
        "category", "subject", "doi", "arxiv", "orcid", "site", "since", "intitle", "inauthor",
    )
)  # fmt: skip
_MINUS = re.compile(r"""(?<!\S)[-−](?=[^\W\d_]|["(])""")
# At most three words, as a longer text that begins so may be a title.
_NOT = re.compile(r"not\s+(?=\S)(?:\S+\s+){0,2}\S+", re.IGNORECASE)
_STAR = re.compile(r"\s*[★☆⭐]")  # marks followed authors in mails and listings
_BAR = re.compile(r"""(?<=[\w)"]{2})\s*\|+\s*(?=[\w("]{2})""")  # not in `p(y|x)`
_QUOTED = re.compile(r'"[^"]*"')


def check_topic(text: str) -> None:
    """Raise BadInput if the text is evidently not a topic, BadQuery if it can't be parsed."""
    stripped = text.strip()
    if _ADDRESS.search(stripped):
        raise BadInput(N_("this is an address on the web; type words that such papers contain"), field="topic")
    if _IDENTIFIER.fullmatch(stripped):
        raise BadInput(N_("this is the identifier of a paper; type words from its title"), field="topic")
    if _MAIL.fullmatch(stripped):
        raise BadInput(N_("this is an e-mail address; it has a field of its own"), field="topic")
    if not is_query(text):
        _check_parentheses(text)
    query = language.parse(text)
    _check_operators(text)
    _check_fields(text)
    _check_author_ids(text, query)
    _check_categories(text, query)


def _check_operators(text: str) -> None:
    """A minus and a bar are operators elsewhere; here they would be read as parts of words."""
    outside_quotes = _without_quoted(text)
    if _STAR.match(text):
        raise BadQuery(N_("a star follows no author"), position=0, expected=N_("au: and a name, such as au:Hinton"))
    if _NOT.fullmatch(text.strip()):
        raise BadQuery(
            N_("a topic can't begin with not"), position=0, expected=N_("words, and ANDNOT before those to leave out")
        )
    if minus := _MINUS.search(outside_quotes):
        raise BadQuery(N_("a minus leaves nothing out"), position=minus.start(), expected=N_("ANDNOT and the words"))
    if bar := _BAR.search(outside_quotes):
        raise BadQuery(N_("a bar does not mean OR"), position=bar.start(), expected=N_("OR between the words"))


def _check_fields(text: str) -> None:
    """A word before a colon is a field, with its value right behind it."""
    for match in _FIELD.finditer(_without_quoted(text)):
        name, blank_before, blank = match[1].lower(), match[2], match[3]
        is_known = name in FIELDS
        if is_known and (blank_before or blank or match.end() == len(text)):
            raise BadQuery(
                N_("nothing follows %(name)s:"), position=match.end(1), expected=N_("a word right after the colon"),
                name=name,
            )  # fmt: skip
        is_title = blank_before or blank or match.end() == len(text)  # `Attention: a survey`
        if not is_known and (not is_title or name in _FIELDS_ELSEWHERE):
            fields = ", ".join(f"{field}:" for field in FIELDS)
            raise BadQuery(
                N_("the field %(what)s is unknown"),
                position=match.start(1),
                expected=fields,
                what=repr(match[1]),
            )


def _without_quoted(text: str) -> str:
    """The text with what stands in quotes removed, of the same length."""
    return _QUOTED.sub(lambda quoted: '"' * len(quoted[0]), text)


def _check_author_ids(text: str, query: Query) -> None:
    """What looks like the id of an author is one."""
    for term in all_terms(query.root):
        try:
            parse_author_id(term.text if term.field == "au" else "")
        except ValueError as error:
            raise BadQuery(
                N_("%(what)s is not the id of an author"),
                position=max(0, text.find(term.text)),
                expected=N_("an ORCID iD or another id, copied from the author’s page"),
                what=repr(term.text),
            ) from error


def _check_categories(text: str, query: Query) -> None:
    """A category is one of arXiv's, or a subject of ours. Raises BadQuery, which names those like it."""
    own_categories = settings.get().arxiv_categories
    for term in all_terms(query.root):
        if term.field == "cat" and not is_known(term.text) and term.text not in own_categories:
            raise unknown_category(term.text, max(text.find(term.text), 0))


def _check_parentheses(text: str) -> None:
    """Parentheses in plain words come in pairs."""
    open_positions: list[int] = []
    for at, character in enumerate(text):
        if character == "(":
            open_positions.append(at)
        elif character == ")" and open_positions:
            open_positions.pop()
        elif character == ")":
            raise BadQuery(N_("a parenthesis closes that was never opened"), position=at, expected=N_("nothing more"))
    if open_positions:
        raise BadQuery(
            N_("the parenthesis at %(where)s is open"),
            position=len(text),
            expected=N_("a closing )"),
            where=open_positions[0] + 1,
        )
