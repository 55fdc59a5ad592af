"""Why an address gets no mail, in words for its owner, and which suppressions the owner can lift."""

from __future__ import annotations

from sqlmodel import Session

from digest.db.bounces import reports
from digest.i18n import localize
from digest.models import Suppression
from digest.models.subscriber import BOUNCE_REASONS, BY_ADMINISTRATOR, COMPLAINT, KEEPS_FAILING, NO_SUCH_ADDRESS, NOT_ME


def can_be_lifted(reason: str, source: str) -> bool:
    """True where confirming a new sign-up lifts it: mail bounced, but nobody asked us to stop."""
    return reason in BOUNCE_REASONS and source != BY_ADMINISTRATOR


def lift_suppression(session: Session, suppression: Suppression) -> None:
    """Allow mail to the address again and forget its earlier failures, because it works again."""
    reports.unsuppress(session, suppression.address_key)
    reports.clear_failures(session, suppression.address_key)


def explanation(suppression: Suppression) -> str:
    """Why there is no mail, as a sentence for the owner of the address."""
    explanations = {
        NO_SUCH_ADDRESS: localize("Its mail server says that this address does not exist."),
        KEEPS_FAILING: localize("Our mail to it failed again and again."),
        COMPLAINT: localize("One of our mails was reported as spam from there."),
        NOT_ME: localize("Somebody there said ‘not me, never mail me again’."),
    }
    if suppression.source == BY_ADMINISTRATOR or suppression.reason not in explanations:
        return localize("An administrator stopped it.")
    return explanations[suppression.reason]


def how_to_lift(suppression: Suppression) -> str:
    """What the owner can do about it, as a sentence."""
    if can_be_lifted(suppression.reason, suppression.source):
        return localize("If the address works again, subscribe once more: confirming starts the mail.")
    return localize("Only the administrator can start it again.")
