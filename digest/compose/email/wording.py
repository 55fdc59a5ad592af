"""The sentences of mails: counts, dates, notices. Short, concrete, in the second person."""

from __future__ import annotations

import re
from datetime import date

from digest import i18n
from digest.compose.email.template_context import Recipient
from digest.i18n import localize, localize_plural

WORDS_A_MINUTE = 240
MAX_SHORT_TOPIC = 3  # words
FEW_TOPICS = 2
ABOUT_TWO_WEEKS = 11  # days: the ten announcements of two weeks may begin on the Monday of the week before
FIRST_WEEKEND_DAY = 5  # Monday is 0


def short_date(day: date) -> str:
    """`Fri 21 Nov`."""
    return i18n.format_day(day, localize("EEE d MMM"))


def long_date(day: date) -> str:
    """`21 Nov 2025`."""
    return i18n.format_day(day, localize("d MMM y"))


def format_number(value: float) -> str:
    """A count with a comma at thousands: `1,204`."""
    return i18n.format_number(value)


def opening_line(recipient: Recipient, days_back: int = 0) -> str:
    """One line that says why this mail differs from a usual day's, '' for a usual day.

    `days_back`: of a first edition; 0 in one that was stored before this was noted, and in other editions.
    """
    if recipient.kind == "resend":
        return localize("This edition is sent again because somebody asked for it.")
    if days_back or recipient.kind == "welcome":
        return first_edition_line(days_back)
    return ""


def first_edition_line(days_back: int) -> str:
    """What a first edition holds. `days_back`: since when papers are stored; 0 where this is not known."""
    if not 0 < days_back < ABOUT_TWO_WEEKS:
        return localize("First edition: the best of the last two weeks. From now on you get what is new.")
    return localize_plural(
        "First edition: the best of the last day. From now on you get what is new.",
        "First edition: the best of the last %(n)s days. From now on you get what is new.",
        days_back,
    )


def first_edition_without_papers(days_back: int) -> str:
    """How far a first edition that found nothing looks back; '' for other editions (0 days)."""
    if not days_back:
        return ""
    if days_back >= ABOUT_TWO_WEEKS:
        return localize("Your first edition looks back over the last two weeks. From now on you get what is new.")
    return localize_plural(
        "Your first edition looks back over the last day. From now on you get what is new.",
        "Your first edition looks back over the last %(n)s days. From now on you get what is new.",
        days_back,
    )


def why_subscribed(confirmed: date, name: str) -> str:
    """The footer's first sentence: why this mail comes, and since when."""
    return localize(
        "You subscribed to %(service)s and confirmed it on %(day)s.", service=name, day=long_date(confirmed)
    )


def announced_papers(papers: int) -> str:
    """`412 papers were announced.`, or that none was."""
    if not papers:
        return localize("Nothing was announced.")
    return localize_plural("%(n)s paper was announced.", "%(n)s papers were announced.", papers)


def papers_looked_at(papers: int, since: date) -> str:
    """`1,204 papers were looked at for you since Mon 10 Nov.`"""
    return localize_plural(
        "%(n)s paper was looked at for you since %(day)s.",
        "%(n)s papers were looked at for you since %(day)s.",
        papers,
        day=short_date(since),
    )


def papers_mailed(papers: int) -> str:
    """`5 came to you.`"""
    if not papers:
        return localize("None matched.")
    return localize_plural("%(n)s came to you.", "%(n)s came to you.", papers)


def considered_papers(papers: int, kind: str) -> str:
    """`Chosen from 412 announced papers.`; '' for none."""
    if not papers:
        return ""
    if kind == "welcome":
        return localize_plural(
            "Chosen from %(n)s paper announced in that time.",
            "Chosen from %(n)s papers announced in that time.",
            papers,
        )
    return localize_plural("Chosen from %(n)s announced paper.", "Chosen from %(n)s announced papers.", papers)


def reading_time(words: int) -> str:
    """`About 3 minutes to read.`"""
    minutes = max(1, round(words / WORDS_A_MINUTE))
    return localize_plural("About %(n)s minute to read.", "About %(n)s minutes to read.", minutes)


def matches_past_limit(papers: int, *, has_topics: bool) -> str:
    """`58 more on your topics`; '' for none. The link to the page of them, and its heading."""
    if not papers:
        return ""
    if has_topics:
        return localize_plural("%(n)s more on your topics", "%(n)s more on your topics", papers)
    return localize_plural("%(n)s more in your fields", "%(n)s more in your fields", papers)


def papers_rolled_over(papers: int) -> str:
    """`3 more papers did not fit into this mail.`; '' for none."""
    if not papers:
        return ""
    return localize_plural(
        "%(n)s more paper did not fit into this mail.", "%(n)s more papers did not fit into this mail.", papers
    )


_OPERATORS = re.compile(r"[\"():]|\b(?:AND|OR|ANDNOT)\b")


def advice_for_silent_topic(topic: str) -> str:
    """One suggestion for a topic that brings nothing, by its form: a query, many words, or few."""
    if _OPERATORS.search(topic):
        return localize("It finds only what fits the whole query: fewer conditions bring more.")
    if len(topic.split()) > MAX_SHORT_TOPIC:
        return localize("Fewer words bring more: split it into two topics of two or three words each.")
    return localize("Try other words for it, or add a broader topic.")


def no_papers_yet(recipient: Recipient, considered: int, since: date | None, fields: str) -> str:
    """Why a first mail has no papers. `considered`: papers announced since the day `since`; `fields`: categories."""
    if not considered or since is None:
        return localize("No papers have been announced here yet.")
    day = short_date(since)
    if recipient.topics:
        return localize_plural(
            "%(n)s paper was announced since %(day)s; it is not on your topics.",
            "%(n)s papers were announced since %(day)s; none is on your topics.",
            considered,
            day=day,
        )
    if fields:
        return localize_plural(
            "%(n)s paper was announced since %(day)s; it is not in %(fields)s.",
            "%(n)s papers were announced since %(day)s; none is in %(fields)s.",
            considered,
            day=day,
            fields=fields,
        )
    return localize_plural(
        "%(n)s paper was announced since %(day)s; it is not among those that you chose.",
        "%(n)s papers were announced since %(day)s; none is among those that you chose.",
        considered,
        day=day,
    )


def next_mail(day: date, *, comes_anyway: bool) -> str:
    """When the next mail comes. `comes_anyway`: also on a day without papers."""
    if comes_anyway:
        return localize("Your next mail comes on %(day)s.", day=short_date(day))
    return localize(
        "Your next mail comes on %(day)s if there are papers for you by then, else on the first day with some.",
        day=short_date(day),
    )


def first_advice(recipient: Recipient) -> str:
    """One suggestion for a subscription that has begun without papers."""
    if len(recipient.topics) == 1:
        return advice_for_silent_topic(recipient.topics[0])
    return localize("The page of your preferences shows at once what other topics would have brought.")


def advice_without_papers(recipient: Recipient, considered: int) -> str:
    """One suggestion for a day without papers on which no topic has been silent for long."""
    if not considered and recipient.day.weekday() >= FIRST_WEEKEND_DAY:
        return localize("On weekends little is announced: with “on weekdays” no mail comes then.")
    if len(recipient.topics) > FEW_TOPICS:
        return localize("Your preferences show how many papers each topic brought.")
    if not recipient.topics:
        return localize("A topic, or an author to follow, brings more.")
    return localize("One more topic, or an author whom you follow, brings more.")


def silent_topic(topic: str, days: int) -> str:
    """`“KV cache” has brought nothing for 23 days.`"""
    return localize_plural(
        "“%(topic)s” has brought nothing for %(n)s day.",
        "“%(topic)s” has brought nothing for %(n)s days.",
        days,
        topic=topic,
    )
