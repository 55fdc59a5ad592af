"""The state of a subscription in words: whether and when mail comes, and why not."""

from __future__ import annotations

from datetime import timedelta

from digest import clock
from digest.i18n import localize, localize_plural
from digest.models import Suppression
from digest.models.subscriber import ACTIVE, UNSUBSCRIBED
from digest.services.subscriptions import send_schedule, suppressions, update_preferences
from digest.web.ui import template_rendering


def next_mail_text(account: update_preferences.SubscriberAccount, papers: int | None) -> str:
    """When the next mail comes and about how many papers it has; '' where none comes."""
    subscriber = account.subscriber
    if account.suppression is not None or subscriber.state != ACTIVE or subscriber.next_due_at is None:
        return ""
    zone = clock.zone_info(subscriber.time_zone)
    due, today = subscriber.next_due_at.astimezone(zone), clock.now().astimezone(zone).date()
    names = {today: localize("today"), today + timedelta(days=1): localize("tomorrow")}
    day = names.get(due.date()) or template_rendering.long_date(due.date())
    if papers is None:
        return localize("Next mail %(day)s at %(time)s.", day=day, time=f"{due:%H:%M}")
    about = localize_plural("about %(n)s paper", "about %(n)s papers", papers)
    return localize("Next mail %(day)s at %(time)s, %(about)s.", day=day, time=f"{due:%H:%M}", about=about)


def suppression_notice(suppression: Suppression | None) -> str:
    """Since when and why the address gets no mail, and what to do; '' if it is not suppressed."""
    if suppression is None:
        return ""
    since = localize(
        "No mail has gone to this address since %(day)s.", day=template_rendering.long_date(suppression.at.date())
    )
    return " ".join((since, suppressions.explanation(suppression), suppressions.how_to_lift(suppression)))


def status_text(account: update_preferences.SubscriberAccount) -> str:
    """The state of the subscription, in words."""
    subscriber = account.subscriber
    if account.suppression is not None:
        return localize("mail is stopped")
    if subscriber.state == UNSUBSCRIBED:
        return localize("unsubscribed")
    if subscriber.state != ACTIVE:
        return localize("not confirmed yet")
    if subscriber.paused_until and send_schedule.is_paused(subscriber, clock.now()):
        return localize("paused until %(day)s", day=template_rendering.long_date(subscriber.paused_until))
    return template_rendering.cadence_text(subscriber)
