"""All mails but the digest: values in, subject, text and HTML out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from digest.compose.email import subject_line, wording
from digest.compose.email.digest_email import digest
from digest.compose.email.email_parts import render_mail, subscription_mail
from digest.compose.email.paper_block import INDENT, PaperBlocks
from digest.compose.email.subject_line import QuietDay
from digest.compose.email.template_context import DEFAULT_SERVICE, Links, MailService, Recipient, RenderedMail
from digest.compose.text.highlighting import escape_text
from digest.compose.text.no_wrap import no_wrap
from digest.compose.text.text_wrapping import shorten, wrap
from digest.i18n import localize
from digest.text.plain_text import one_line

__all__ = [
    "Links",
    "MailService",
    "PaperBlocks",
    "Recipient",
    "RenderedMail",
    "account_link",
    "address_changed",
    "alarm",
    "confirmation",
    "delivery_test_mail",
    "digest",
    "first_notice",
    "no_matches_notice",
    "preferences_link",
    "sign_in",
]  # fmt: skip


def no_matches_notice(
    recipient: Recipient,
    links: Links,
    considered: int,
    *,
    quiet: QuietDay = QuietDay(),  # noqa: B008 (immutable)
    notice: str = "",
    days_back: int = 0,
    service: MailService = DEFAULT_SERVICE,
) -> RenderedMail:
    """The mail of a day without matches. `considered`: papers announced since the last edition.

    `notice`: of the edition, in English. `days_back`: of a first edition, else 0.
    """
    heading = subject_line.nothing_new(bool(recipient.topics), subject_line.category_names(recipient))
    notices = (wording.first_edition_without_papers(days_back), one_line(localize(notice)) if notice else "")
    shown_notice = " ".join(filter(None, notices))
    figures, (silence, advice) = _quiet_figures(considered, quiet), _silence_and_advice(recipient, considered, quiet)
    preview = silence or shown_notice or figures  # the subject says the rest
    values: dict[str, object] = {
        "shown_heading": no_wrap(heading, subject_line.named_categories(recipient)),
        "preview": escape_text(f"{preview} {advice}"),
        "subject_line": subject_line.notice_subject(recipient, considered, quiet),
        "line_lines": wrap(f"{heading}. {figures}"),
        "figures": figures,
        "silence": escape_text(silence),
        "advice": advice,
        "notice": escape_text(shown_notice),
        "notice_lines": wrap(shown_notice),
        "advice_lines": wrap(f"{silence} {advice}".strip()),
    }
    return subscription_mail("notice", values, recipient, links, service)


def first_notice(
    recipient: Recipient,
    links: Links,
    considered: int,
    *,
    since: date | None,
    next_day: date,
    comes_anyway: bool,
    service: MailService = DEFAULT_SERVICE,
) -> RenderedMail:
    """The first mail where nothing matches: why it has no papers, and when the next one comes.

    `considered`: papers announced since the day `since`; `comes_anyway`: also on a day without papers.
    """
    heading = localize("Your subscription has begun, without papers yet")
    reason = wording.no_papers_yet(recipient, considered, since, subject_line.category_names(recipient))
    next_mail, advice = wording.next_mail(next_day, comes_anyway=comes_anyway), wording.first_advice(recipient)
    values: dict[str, object] = {
        "shown_heading": heading,
        "preview": escape_text(f"{reason} {next_mail}"),
        "subject_line": subject_line.first_notice_subject(recipient, next_day),
        "line_lines": heading,
        "figures": no_wrap(f"{reason} {next_mail}", subject_line.named_categories(recipient)),
        "silence": "",
        "advice": advice,
        "notice": "",
        "notice_lines": wrap(f"{reason} {next_mail}"),
        "advice_lines": wrap(advice),
    }
    return subscription_mail("notice", values, recipient, links, service)


def _quiet_figures(considered: int, quiet: QuietDay) -> str:
    """The papers of the day, and those looked at and mailed since when; each figure once."""
    week = quiet.week
    if week is None or not week.considered:
        return wording.announced_papers(considered)
    looked_at = wording.papers_looked_at(week.considered, week.since)
    if week.considered == considered:
        return looked_at
    return f"{wording.announced_papers(considered)} {looked_at} {wording.papers_mailed(week.mailed)}"


def _silence_and_advice(recipient: Recipient, considered: int, quiet: QuietDay) -> tuple[str, str]:
    """What has been silent, '' if nothing is known to be, and one suggestion."""
    if quiet.all_muted:
        return localize("All your topics are muted, so nothing can match them."), localize("Unmute one to get papers.")
    if quiet.silent:
        topic, days = quiet.silent
        return wording.silent_topic(shorten(one_line(topic), 60), days), wording.advice_for_silent_topic(topic)
    return "", wording.advice_without_papers(recipient, considered)


def confirmation(url: str, not_me: str, *, service: MailService = DEFAULT_SERVICE) -> RenderedMail:
    """Double opt-in for a sign-up. Contains nothing that a stranger typed. `not_me`: the URL to refuse it."""
    return render_mail("confirmation", {"url": url, "not_me": not_me}, service)


def preferences_link(url: str, *, add_url: str = "", service: MailService = DEFAULT_SERVICE) -> RenderedMail:
    """The link to a subscriber's preferences, requested on the website.

    `add_url`: the URL to add the topics of another sign-up; like a confirmation, the mail does not show them.
    """
    return render_mail("link", {"url": url, "add_url": add_url}, service)


def account_link(action: str, url: str, *, minutes: int, service: MailService = DEFAULT_SERVICE) -> RenderedMail:
    """The link that confirms an export, erasure or change of address, valid for `minutes`.

    `action` names the mail's templates: export, erase, change-address or new-address.
    """
    return render_mail(action, {"url": url, "minutes": minutes}, service)


def address_changed(*, service: MailService = DEFAULT_SERVICE) -> RenderedMail:
    """The notice to the old address that mail goes to another address, without naming it."""
    return render_mail("moved", {}, service)


def sign_in(url: str, *, minutes: int = 15, service: MailService = DEFAULT_SERVICE) -> RenderedMail:
    """An administrator's sign-in link, valid for `minutes`."""
    return render_mail("sign-in", {"url": url, "minutes": minutes}, service)


def alarm(
    title: str, facts: Sequence[str], *, url: str | None = None, service: MailService = DEFAULT_SERVICE
) -> RenderedMail:
    """An alarm for administrators: what is wrong, the facts line by line, and the page to open."""
    title = shorten(one_line(title), 200)
    lines = [one_line(fact) for fact in facts]
    values: dict[str, object] = {
        "title": escape_text(title),
        "facts": [escape_text(line) for line in lines],
        "url": url,
    }
    values |= {"title_lines": wrap(title), "fact_lines": [wrap(line, INDENT) for line in lines]}
    return render_mail("alarm", values, service)


def delivery_test_mail(*, service: MailService = DEFAULT_SERVICE) -> RenderedMail:
    """The test mail that `digest init` sends."""
    return render_mail("test", {}, service)
