"""Rows of the administrators' pages. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from digest import clock
from digest.db.bounces.reports import CLEARED
from digest.db.core.engine import reading
from digest.db.reporting import admin_listings, mail_overview
from digest.errors import NotFound
from digest.i18n import localize
from digest.mail.bounces.bounce_kinds import COMPLAINT, HARD, POLICY, SOFT
from digest.models import Audit, Batch, Bounce, Delivery, Reject, Run, Subscriber, Suppression
from digest.models.types import stored_id
from digest.services.admin import record_listings
from digest.services.admin.dashboard import BOUNCE_WINDOW
from digest.services.admin.record_listings import MailFilter

BOUNCE_KINDS, BOUNCE_DAYS = (HARD, SOFT, POLICY, COMPLAINT, CLEARED), BOUNCE_WINDOW.days


def runs_page(*, before_id: int | None, limit: int) -> tuple[Sequence[Run], Mapping[int, Mapping[str, int]]]:
    """Runs, the newest first, and the number of their mails by state."""
    with reading() as session:
        page = mail_overview.runs(session, before_id=before_id, limit=limit)
        return page, mail_overview.deliveries_of_runs(session, [stored_id(run) for run in page])


def run_with_states(run_id: int) -> tuple[Run, Mapping[str, int]]:
    """A run and the number of its mails by state. Raises NotFound."""
    with reading() as session:
        run = session.get(Run, run_id) if 0 < run_id < 2**31 else None
        if run is None:
            raise NotFound(localize("there is no such run"))
        return run, mail_overview.deliveries_of_runs(session, [run_id])[run_id]


def run_deliveries(run_id: int, *, state: str, text: str, after_id: int, limit: int) -> Sequence[Delivery]:
    """A run's deliveries by id: those in a state ('' for any) whose address contains the text."""
    with reading() as session:
        return admin_listings.run_deliveries_page(
            session, run_id, state=state, text=text, after_id=after_id, limit=limit
        )


def subscribers_page(*, state: str, text: str, before_id: int | None, limit: int) -> Sequence[Subscriber]:
    """Subscribers, the newest first: those in a state ('' for any) whose address contains the text."""
    with reading() as session:
        return admin_listings.subscribers_page(session, state=state, text=text, before_id=before_id, limit=limit)


def suppressions_page(*, text: str, reason: str, before_id: int | None, limit: int) -> Sequence[Suppression]:
    """Suppressions, the newest first: those with a reason ('' for any) whose address contains the text."""
    with reading() as session:
        return admin_listings.suppressions_page(session, text=text, reason=reason, before_id=before_id, limit=limit)


def suppression_reasons() -> Sequence[str]:
    """The reasons that suppressions have."""
    with reading() as session:
        return admin_listings.suppression_reasons(session)


def mail_counts() -> Mapping[str, int]:
    """The number of mails by state."""
    with reading() as session:
        return mail_overview.deliveries_by_state(session)


def mails_page(mail_filter: MailFilter, *, before_id: int | None, limit: int) -> Sequence[Delivery]:
    """Mails, the newest first."""
    return record_listings.deliveries(mail_filter, before_id=before_id, limit=limit)


def bounce_counts() -> Mapping[str, int]:
    """The number of bounces by kind, within the window of the overview."""
    with reading() as session:
        return mail_overview.bounces_since(session, clock.now() - BOUNCE_WINDOW)


def bounces_page(*, text: str, kind: str | None, before_id: int | None, limit: int) -> Sequence[Bounce]:
    """Bounces within the window of the overview, the newest first: of that kind where given."""
    since = clock.now() - BOUNCE_WINDOW
    with reading() as session:
        return admin_listings.bounces_page(session, text=text, kind=kind, before_id=before_id, limit=limit, since=since)


def audit_page(*, text: str, before_id: int | None, limit: int) -> Sequence[Audit]:
    """Actions of administrators, the newest first, whose actor or name contains the text."""
    with reading() as session:
        return admin_listings.audit_page(session, text=text, before_id=before_id, limit=limit)


def imported_sources() -> set[str]:
    """The names of all sources that papers came from, such as imported files, fetched or not."""
    with reading() as session:
        return set(admin_listings.reject_counts(session))


def newest_rejects(source: str, *, limit: int, before_id: int | None = None) -> Sequence[tuple[Reject, Batch]]:
    """Items of a source that could not be used, those that came last first, each with the batch it first came with."""
    with reading() as session:
        return admin_listings.newest_rejects(session, source, limit=limit, before_id=before_id)
