"""Split an abstract into sentences, and take off the labels of a structured one."""

from __future__ import annotations

import re
from typing import NamedTuple

# each alternative begins behind its first character, so that a search looks for these characters alone
_END = re.compile(
    r"[.!?。！？](?:(?<=[.!?])[.!?]*[)\]\"”’']*(?=\s)|(?<=[a-z]{3}\.)(?=[A-Z][a-z]+,? [a-z(])|"
    r"(?<=[。！？])[。！？]*[”’」』]*)"
)
_SPACE = re.compile(r"\s+")
# after these a stop never ends a sentence
_NEVER_SENTENCE_END = frozenset(
    (
        "e.g", "i.e", "cf", "vs", "resp", "w.r.t", "viz", "fig", "figs", "eq", "eqs", "eqn", "sec", "sect", "ref",
        "refs", "tab", "thm", "prop", "dr", "prof", "mr", "mrs", "ms", "st", "mt", "ca", "approx", "incl", "esp",
        "a.k.a", "nos", "vol", "pp", "def", "lem", "cor", "app", "ch", "commun", "phys", "rev", "lett", "astron",
        "astrophys", "nat", "proc", "univ", "dept",
    )
)  # fmt: skip
# after these it does where the next word begins with a capital letter
_MAYBE_SENTENCE_END = frozenset(
    ("etc", "al", "no", "inc", "ltd", "co", "corp", "jr", "sr", "u.s", "u.k", "u.s.a", "ph.d", "a.m", "p.m")
)
_BEFORE_NAMES = frozenset(("al", "u.s", "u.k", "u.s.a"))  # of these only where a word follows that begins sentences
_INITIAL = re.compile(r"[^\W\d_](?:\.-?[^\W\d_])*")
# a single letter is an initial before a name, but the last word of a sentence before one of these
_STARTERS = frozenset(
    (
        "We", "Our", "This", "These", "The", "In", "It", "Its", "However", "Here", "To", "For", "Moreover",
        "Furthermore", "Finally", "Thus", "As", "By", "While", "When", "If", "Such", "They", "Both", "Using", "On",
        "Then", "Also",
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
    if match[0][0] in "。！？":
        return True
    following = text[match.end() : match.end() + 24].split(maxsplit=1)
    if not following:
        return True
    next_word = following[0].strip("(\"“‘'[,;:")
    if match[0][0] != ".":
        return not next_word[:1].islower()
    before = text[max(start, match.start() - 24) : match.start()]
    word_before = "" if not before or before[-1].isspace() else before.split()[-1]
    return _stop_ends_sentence(word_before.strip("([\"“‘'"), next_word)


def _stop_ends_sentence(word: str, next_word: str) -> bool:
    """True if a full stop between these two words ends a sentence."""
    if word.lower() in _NEVER_SENTENCE_END:
        return False
    capital = not next_word[:1].islower()
    if word.lower() in _MAYBE_SENTENCE_END:
        return capital and (word.lower() not in _BEFORE_NAMES or next_word in _STARTERS)
    if _INITIAL.fullmatch(word.rpartition("-")[2]):
        return next_word in _STARTERS
    # a lower-case start: a name such as `k-means` after a real stop, or the rest of a sentence after an unknown one
    return capital or len(word) > 4
