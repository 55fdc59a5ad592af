"""The authors of a feed's entry, without affiliations, degrees, addresses and links. Pure; linear time."""

from __future__ import annotations

import re
from collections.abc import Sequence

from digest.sources.author_affiliations import is_degree_of, is_institution, people_in, people_of
from digest.sources.author_line import AuthorLine, authors_of
from digest.sources.feed_document import FeedEntry
from digest.text.markup import text_of_markup

_MAX_MARKUP = 20_000
ADS_AUTHOR = re.compile(r"^([^\W\d_][^:,]{0,60}, [^:]{1,60}): (?=\S)")
_NBER_AUTHORS = re.compile(r"\s+(?:--|–|—)\s+by\s+(?=[A-Z])")
_IN_TEXT = re.compile(r"Author\(s\):\s{0,5}([^<]{3,5000})")  # ScienceDirect
DEPARTMENT = re.compile(
    r"(?<=[a-z])[a-z]?(?:Department|Dept|Division|Institute|School|Faculty|College|Laborator|Cent(?:er|re))\b.*",
    re.DOTALL,
)
EMAIL = re.compile(r"[^\s@]{1,80}@\S{1,200}\s{0,9}\(([^()]{2,80})\)|[^\s@]{1,80}@\S{1,200}")
_LINK = re.compile(
    r"[(\[]?(?:\bORCID\s{0,2}(?:iD)?\s{0,2}:?\s{0,2})?(?:https?://|orcid\.org/)[^\s,;]{1,300}", re.IGNORECASE
)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|li|div)>", re.IGNORECASE)
_SUPERSCRIPT = re.compile(r"<sup\b[^<>]{0,100}>[^<]{0,60}</sup>", re.IGNORECASE)
_VANCOUVER = re.compile(r"((?:[^\W\d_][\w'’-]{1,40} ){1,3})([A-Z]{1,3})")  # family name and initials, without dots


def title_and_authors(entry: FeedEntry, title: str) -> tuple[str, AuthorLine]:
    """The title without authors in it, and the authors: of their elements, of the title, or of the text."""
    names = list(dict.fromkeys(name for text in entry.authors if (name := _author_text(text))))
    if names:
        return title, _authors(names)
    if (match := ADS_AUTHOR.match(title)) and any("adsabs.harvard.edu" in link for link in entry.links):
        return title[match.end() :], authors_of(f"{match[1]};")
    if match := _NBER_AUTHORS.search(title):
        return title[: match.start()], authors_of(title[match.end() :])
    listed = next((match[1] for text in entry.summaries if (match := _IN_TEXT.search(text[:_MAX_MARKUP]))), "")
    return title, _authors([listed] if listed else [])


def without_leading_names(text: str, names: Sequence[str]) -> str:
    """The text without its authors' names at the beginning, where all of them stand there."""
    rest = text
    for name in names:
        if not rest.startswith(name):
            return text
        rest = rest[len(name) :].lstrip(" ,;")
    return rest if len(names) > 1 else text


def _authors(names: Sequence[str]) -> AuthorLine:
    if len(names) == 1:
        return _one_line_of_authors(names[0])
    lines = [authors_of(f"{without_affiliation(name)};") for name in _given_first(names)]
    every_name = dict.fromkeys(people_of([name for line in lines for name in line.names]))
    return AuthorLine(tuple(every_name), all(line.complete for line in lines))


def _author_text(text: str) -> str:
    """An author's text without markup, links, e-mail address, and the affiliation glued to it."""
    text = _SUPERSCRIPT.sub(" ", text[:_MAX_MARKUP])
    lines = [line.strip() for line in _BREAK.sub("\n", text).splitlines() if line.strip()]
    if len(lines) > 1 and all(" " in line and not line.endswith((",", ";", " and")) for line in lines):
        text = "; ".join(lines)  # one author a line
    plain = _LINK.sub("", text_of_markup(text.replace(" | ", "; ")))
    return DEPARTMENT.sub("", EMAIL.sub(lambda match: match[1] or "", plain)).strip(" ,;")


def _one_line_of_authors(text: str) -> AuthorLine:
    """`Example, Robin` is one person, `Robin Example, Ada Sample` are two."""
    before, comma, after = text.partition(",")
    if comma and "," not in after and len(before.split()) == 1 and " and " not in after:
        return authors_of(f"{text};")
    separator = ";" if ";" in text else ","
    pieces = [piece.strip() for piece in text.split(separator) if piece.strip()]
    pieces = people_in(pieces) if separator == "," else [without_affiliation(piece) for piece in pieces]
    return authors_of(f"{separator} ".join(_given_first(pieces)))


def without_affiliation(text: str) -> str:
    """One author without degrees, and without the institution and all that follows it."""
    pieces = [piece.strip() for piece in text.split(",")]
    name_parts = [pieces[0]]
    for piece in pieces[1:]:
        is_whole = len(name_parts) > 1 or " " in name_parts[0]
        if is_whole and is_institution(piece):
            break
        if not (is_degree_of(piece, name_parts[-1]) or (len(name_parts) > 1 and is_degree_of(piece, "A B"))):
            name_parts.append(piece)
    return ", ".join(name_parts)


def _given_first(names: Sequence[str]) -> list[str]:
    """`Example RB` as `R. B. Example` where all of several names have that form, and not all initials are two."""
    matches = [_VANCOUVER.fullmatch(name) for name in names]
    if len(names) < 2 or not all(matches) or not any(match and len(match[2]) == 1 for match in matches):
        return list(names)
    return [f"{' '.join(f'{letter}.' for letter in match[2])} {match[1].strip()}" for match in matches if match]
