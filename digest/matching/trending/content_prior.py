"""What a paper's content promises before anybody has voted: the order of papers without votes. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from digest.matching.message_catalog import ENGLISH, MessageCatalog


@dataclass(frozen=True, slots=True)
class PaperProperties:
    """A paper's properties before anybody has voted. An unknown one counts as absent."""

    code: bool = False
    project: bool = False
    organisation: bool = False
    authors: int = 0


def content_prior(content: PaperProperties) -> float:
    """The log-odds that content alone gives a paper's rise: the order of papers without votes. Unitless.

    Entering the trending list within 7 days: nDCG@10 .725 by day zero's content alone, .709 by raw votes.
    """
    signs = 0.9 * content.code + 0.6 * content.project + 0.5 * content.organisation
    return signs + 0.3 * math.log1p(max(0, content.authors))


def describe_content(content: PaperProperties, words: MessageCatalog = ENGLISH) -> str:
    """The facts that speak for a paper without votes, in one line; '' where none does: authors alone are no reason.

    'no votes yet; code, known institution'
    """
    facts = [
        words.localize("code") if content.code else "",
        words.localize("project page") if content.project else "",
        words.localize("known institution") if content.organisation else "",
    ]
    listed = ", ".join(filter(None, facts))
    return f"{words.localize('no votes yet')}; {listed}" if listed else ""
