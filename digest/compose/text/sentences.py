"""Split an abstract into sentences, and take off the labels of a structured one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

# each alternative begins behind its first character, so that a search looks for these characters alone
_END = re.compile(
    r"[.!?。！？](?:(?<=[.!?])[.!?]*[)\]\"”’']*(?=\s)|(?<=[a-z]{3}\.)(?=[A-Z][a-z]+,? [a-z(])|"
    r"(?<=[。！？])[。！？]*[”’」』]*)"
)
_BRACKET = re.compile(r"[()\[\]]")
_SPACE = re.compile(r"\s+")
# after these a stop never ends a sentence
_NEVER_SENTENCE_END = frozenset(
    (
        "e.g", "i.e", "cf", "vs", "resp", "w.r.t", "viz", "fig", "figs", "eq", "eqs", "eqn", "sec", "sect", "ref",
        "refs", "tab", "thm", "prop", "dr", "prof", "mr", "mrs", "st", "mt", "ca", "approx", "incl", "esp",
        "a.k.a", "nos", "vol", "pp", "def", "lem", "cor", "app", "ch", "commun", "phys", "rev", "lett", "astron",
        "astrophys", "nat", "proc", "univ", "dept", "anal", "appl", "calc", "comm", "comput", "const", "dyn", "eur",
        "evol", "funct", "geom", "mech", "nonlin", "soc",
    )
)  # fmt: skip
# after these it does where the next word begins with a capital letter
_MAYBE_SENTENCE_END = frozenset(("etc", "no", "inc", "ltd", "co", "corp", "jr", "sr", "ph.d", "a.m", "p.m"))
# after these only where a word follows that begins sentences
_BEFORE_NAMES = frozenset(("al", "u.s", "u.k", "u.s.a", "math", "var"))
# the number of a list's item, where it stands alone
_ITEM_NUMBER = re.compile(r"\d{1,2}|[ivx]{1,4}|[IVX]{1,4}")
_ROMAN_NUMBER = re.compile(r"(?:II+|IV|VI*)\b")
_MAX_REMARK = 200  # characters of a remark in brackets, such as a reference, that ends no sentence
_INITIAL = re.compile(r"[^\W\d_](?:\.-?[^\W\d_])*")
# a single letter is an initial before a name, but the last word of a sentence before one of these
_STARTERS = frozenset(
    (
        "We", "Our", "This", "These", "The", "In", "It", "Its", "However", "Here", "To", "For", "Moreover",
        "Furthermore", "Finally", "Thus", "As", "By", "While", "When", "If", "Such", "They", "Both", "Using", "On",
        "Then", "Also", "With", "Under", "Based", "Since", "After", "Although", "Despite", "Due", "There", "From", "At",
        "Given", "Recently", "Compared", "Specifically", "Additionally", "Instead", "Therefore", "Hence",
        "Consequently",
    )
)  # fmt: skip

_LABEL_NAME = (
    r"(?P<label>(?:(?:research |study |main |key |primary )?(?:background|introduction|context|"
    r"motivation|importance|significance|"
    r"rationale|purpose|objectives?|aims?|goals?|problem(?: statement)?|methods?|methodology|materials?|"
    r"approach|design|"
    r"setting|participants|data|results?|findings|outcomes?|conclusions?|discussion|summary|interpretation|"
    r"contributions?|"
    r"originality|limitations|implications|novelty|impact|abstract|keywords|highlights|overview|hypothesis|"
    r"evaluation|experiments))"
    r"(?:\s*(?:and|&|/|,)\s*(?:\w+ )?\w+)?)"
)
_LABEL = re.compile(rf"^[([]?{_LABEL_NAME}[)\]]?\s*(?:[:.]|[-–—]{{1,2}})\s*(?=\S)", re.I)
_LABEL_ALONE = re.compile(rf"[([]?{_LABEL_NAME}[)\]]?[:.]", re.I)
_REMARK = re.compile(r"[(\[]?(?:abridged|abbreviated|truncated|shortened)[)\].]*", re.I)
_UPPERCASE_LABEL = re.compile(
    r"^(?P<label>BACKGROUND|OBJECTIVES?|PURPOSE|AIMS?|METHODS?|RESULTS?|CONCLUSIONS?|CONTEXT|"
    r"INTRODUCTION)\b[:.]?\s+(?=[A-Z])"
)


class LabelledSentence(NamedTuple):
    """A sentence and the label before it, such as `Background` or `METHODS`; '' for none."""

    label: str
    text: str


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, without white space around them. Decimals and abbreviations do not end one."""
    parts: list[str] = []
    start = 0
    for match in _END.finditer(text):
        if _ends_sentence(text, start, match):
            parts.append(text[start : match.end()].strip())
            start = match.end()
    parts.append(text[start:].strip())
    return [sentence for sentence in parts if sentence]


def labelled_sentences(text: str) -> list[LabelledSentence]:
    """The sentences of an abstract without labels and remarks such as `(abridged)`, each with the label before it."""
    labelled: list[LabelledSentence] = []
    pending = ""  # a label that stands alone, as in `Aims. We measure …`
    for part in sentences(text):
        if (alone := _LABEL_ALONE.fullmatch(part)) or _REMARK.fullmatch(part):
            pending = alone["label"] if alone else pending
            continue
        match = _LABEL.match(part) or _UPPERCASE_LABEL.match(part)
        body = part[match.end() :] if match else part
        if body:
            body = body[0].upper() + body[1:] if match else body
            labelled.append(LabelledSentence(match["label"] if match else pending, body))
        pending = ""
    return labelled


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    """True if these stops end the sentence that begins at `start`."""
    following = text[match.end() : match.end() + 24].split(maxsplit=1)
    if match[0][0] in "。！？" or not following:
        return True
    next_word = following[0].strip("(\"“‘'[,;:")
    if _is_in_brackets(text, start, match.end()) or _is_in_formula(text[start : match.start()], next_word):
        return False
    if match[0][0] != ".":
        return not next_word[:1].islower()
    before = text[max(start, match.start() - 24) : match.start()]
    words = [] if not before or before[-1].isspace() else before.split()
    word_before = words[-1] if words else ""
    if _ITEM_NUMBER.fullmatch(word_before) and text[start : match.start()].strip() == word_before:
        return False
    is_variable = _is_variable(words) and next_word[:1].isupper()
    return is_variable or _stop_ends_sentence(word_before.strip("([\"“‘'"), next_word)


def _is_in_formula(before: str, next_word: str) -> bool:
    """True where a dot is the place of an argument, as in `u(t,.)` and `‖.‖`."""
    return before.endswith((",", "(")) or (before.endswith(("‖", "|")) and not next_word[:1].isupper())


def _is_in_brackets(text: str, start: int, offset: int) -> bool:
    """True for a place in brackets that were opened in the sentence and are closed soon, as those of a reference are.

    `start`: of the sentence.
    """
    depth = _open_brackets(text, start, offset, 0)
    return depth > 0 and _open_brackets(text, offset, min(offset + _MAX_REMARK, len(text)), depth) <= 0


def _open_brackets(text: str, start: int, end: int, depth: int) -> int:
    """How many brackets are open at `end`, `depth` of them since before `start`; 0 as soon as these are closed."""
    before = depth
    for bracket in _BRACKET.finditer(text, start, end):
        depth = depth + 1 if bracket[0] in "([" else max(depth - 1, 0)
        if before and not depth:
            return 0
    return depth


def _is_variable(words: Sequence[str]) -> bool:
    """True for a small letter as the last word: not the name of a list's item, nor a part of `i. e.`"""
    return (
        len(words) > 1
        and len(words[-1]) == 1
        and words[-1].islower()
        and not words[-2].endswith((".", ",", ";", ":"))
        and words[-2] not in {"and", "or"}
    )


def _stop_ends_sentence(word: str, next_word: str) -> bool:
    """True if a full stop between these two words ends a sentence."""
    folded = word.lower()
    is_name = word == "Ms" or (word.istitle() and len(word) <= 4 and _ROMAN_NUMBER.match(next_word))  # `Pop. III`
    if is_name or folded in _NEVER_SENTENCE_END:
        return False
    if folded in _BEFORE_NAMES or _INITIAL.fullmatch(word.rpartition("-")[2]):
        return next_word in _STARTERS
    # a lower-case start: a name such as `k-means` after a real stop, or the rest of a sentence after an unknown one
    capital = not next_word[:1].islower()
    return capital or (len(word) > 4 and folded not in _MAYBE_SENTENCE_END)
