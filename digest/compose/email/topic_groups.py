"""The topic or section under which an entry is listed where papers are grouped."""

from __future__ import annotations

from collections.abc import Sequence

from digest.compose.edition import FOLLOWED, RISING, Entry
from digest.compose.email import match_reason
from digest.compose.email.template_context import Recipient
from digest.compose.text.text_wrapping import shorten
from digest.i18n import localize

GROUPED_FROM = 8  # papers from which on lists are grouped


def group_label(entry: Entry, recipient: Recipient, category: str = "") -> str:
    """The topic that gave most of an entry's score, else its category; or its section where that leads the mail."""
    if entry.section == FOLLOWED:
        return localize("★ Followed")
    if entry.section == RISING:
        return localize("Rising ↑")
    index = leading_topic(entry, recipient.topics)
    if not 0 <= index < len(recipient.topics):
        return localize("Like your papers") if entry.example else category or localize("New")
    return shorten(match_reason.plain_topic(recipient.topics[index]), 40)


def leading_topic(entry: Entry, topics: Sequence[str]) -> int:
    """The index of the topic that gave most of an entry's score, of those that its reason names; -1 for none."""
    if len(entry.matched) > 1 and (named := match_reason.named_topics(entry, topics)):
        indexes = [match.number for match in named]
        return entry.topic if entry.topic in indexes else indexes[0]
    return entry.topic if entry.topic >= 0 else (entry.matched[0][0] if entry.matched else -1)
