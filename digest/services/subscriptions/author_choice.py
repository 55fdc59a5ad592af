"""A subscriber's choice of which person of a name to follow."""

from __future__ import annotations

from digest.services.catalog import people_choice
from digest.services.subscriptions import update_preferences
from digest.services.subscriptions.update_preferences import SubscriberAccount


def follow_person(subscriber_id: int, reference: str, *, shown_versions: str = "") -> SubscriberAccount:
    """Follow a person of a name, or everybody with it, in place of what was followed by that name before.

    `shown_versions`: the field versions that the form showed. Raises NotFound, BadInput, and Refused where the
    followed authors have changed since.
    """
    account = update_preferences.account_of(subscriber_id)
    authors = people_choice.with_choice(account.profile.authors, reference.strip())
    return update_preferences.save_section(
        subscriber_id, {"authors": "\n".join(authors)}, shown_versions=shown_versions
    )
