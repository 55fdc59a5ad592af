"""From claimed deliveries to the bytes that go out. Consent and suppression are checked at this moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parseaddr

from sqlmodel import Session, col, select

from digest import settings
from digest.compose import daily, render
from digest.compose.blocks import Blocks
from digest.compose.edition import Content
from digest.compose.views import Rendered, Service
from digest.db.engine import reading
from digest.deliver import dkim, message
from digest.deliver.letter import Letter, Withheld
from digest.models import Audit, Delivery, Edition, Subscriber, Suppression
from digest.models.delivery import (
    ALARM,
    CANCELLED,
    CONFIRMATION,
    DIGEST,
    LINK,
    NOTICE,
    RESEND,
    SIGN_IN,
    SUPPRESSED,
    TEST,
    WELCOME,
)
from digest.models.subscriber import ACTIVE, PENDING
from digest.services import editions, links
from digest.services.editions import Shown, by_id

_EDITIONS = (DIGEST, WELCOME, NOTICE, RESEND)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a window of deliveries needs, each read once."""

    readers: Mapping[int, Subscriber]
    editions: Mapping[int, Edition]
    shown: Shown
    suppressed: Mapping[str, str]
    audits: Mapping[int, Audit]


class Letters:
    """The composer. Holds the blocks of papers that the mails of a process share."""

    def __init__(self, chosen: settings.Settings) -> None:
        chosen.require("secret_key", "mail_from")
        self._settings = chosen
        self._service = Service(chosen.service_name, chosen.base_url, chosen.postal_address)
        self._blocks = Blocks()
        self._signer = dkim.signer_from(chosen)

    def compose(self, deliveries: Sequence[Delivery]) -> Mapping[int, Letter | Withheld]:
        """For every delivery's id its letter, or why there is none."""
        with reading() as session:
            known = _look_up(session, deliveries)
        return {d.id: self._one(d, known) for d in deliveries if d.id is not None}

    def _one(self, delivery: Delivery, known: _Known) -> Letter | Withheld:
        reader = known.readers.get(delivery.subscriber_id or 0)
        withheld = _withheld(delivery, reader, known)
        if withheld is not None:
            return withheld
        rendered = self._rendered(delivery, reader, known)
        if isinstance(rendered, Withheld):
            return rendered
        raw = message.build(rendered, self._envelope(delivery, reader))
        return Letter(
            envelope_from=self._return_path(delivery),
            recipient=delivery.address,
            raw=self._signer.sign(raw) if self._signer else raw,
            message_id=delivery.message_id or "",
        )

    def _rendered(self, delivery: Delivery, reader: Subscriber | None, known: _Known) -> Rendered | Withheld:
        if delivery.kind in _EDITIONS:
            edition = known.editions.get(delivery.subject_id)
            if edition is None or reader is None or edition.cancelled:
                return Withheld(CANCELLED, "the edition is gone")
            return self._edition(delivery, edition, reader, known)
        if delivery.kind in {CONFIRMATION, LINK} and reader is not None:
            profile_id = (delivery.payload or {}).get("profile_id") or reader.profile_id or 0
            if delivery.kind == LINK:
                return render.link(links.preferences(reader.id or 0), service=self._service)
            return render.confirmation(links.confirm(reader.id or 0, profile_id), service=self._service)
        return self._internal(delivery, known)

    def _internal(self, delivery: Delivery, known: _Known) -> Rendered | Withheld:
        """Mail to administrators."""
        audit = known.audits.get(delivery.subject_id)
        if delivery.kind == SIGN_IN and audit is not None:
            minutes = int(links.SIGN_IN_FOR.total_seconds()) // 60
            return render.sign_in(links.sign_in(audit.id or 0), minutes=minutes, service=self._service)
        if delivery.kind == ALARM:
            told = delivery.payload or {}
            url = f"{self._settings.base_url}/admin"
            facts = [str(fact) for fact in told.get("facts", ())]
            return render.alarm(str(told.get("title", "Alarm")), facts, url=url, service=self._service)
        if delivery.kind == TEST:
            return render.trial(service=self._service)
        return Withheld(CANCELLED, "nothing to say any more")

    def _edition(self, delivery: Delivery, edition: Edition, reader: Subscriber, known: _Known) -> Rendered:
        content = Content.from_json(edition.content)
        to = editions.reader_of(edition, reader, known.shown.profile(edition), kind=delivery.kind)
        own = editions.links_of(edition, reader)
        if not content.entries:
            return render.notice(to, own, content.considered, service=self._service)
        return daily.digest(content, known.shown.papers, to, own, service=self._service, blocks=self._blocks)

    def _envelope(self, delivery: Delivery, reader: Subscriber | None) -> message.Envelope:
        chosen = self._settings
        replies = parseaddr(chosen.reply_to)
        number = reader.id if reader and reader.id else 0
        return message.Envelope(
            kind=delivery.kind,
            sender=parseaddr(chosen.mail_from),
            to=delivery.address,
            message_id=delivery.message_id or "",
            date=delivery.created_at,
            list_id=f"papers.{chosen.mail_domain}",
            reply_to=replies if replies[1] else None,
            unsubscribe_url=links.unsubscribe(number) if number else None,
            unsubscribe_mailto=self._leave_by_mail(delivery, number) if number else None,
            archive_url=chosen.base_url,
            feedback_id=f"{delivery.run_id or 0}:{delivery.kind}:papers-inbox",
        )

    def _leave_by_mail(self, delivery: Delivery, number: int) -> str | None:
        """A mail to there ends the subscription: `digest bounces ingest` reads it, by its signed subject."""
        if not self._settings.bounce_address:
            return None
        return f"mailto:{self._return_path(delivery)}?subject=unsubscribe%20{links.unsubscribe_token(number)}"

    def _return_path(self, delivery: Delivery) -> str:
        if not self._settings.bounce_address:
            return parseaddr(self._settings.mail_from)[1]
        return message.verp(self._settings.bounce_address, delivery.id or 0, self._settings.secret_key[0])


def _withheld(delivery: Delivery, reader: Subscriber | None, known: _Known) -> Withheld | None:
    """Why this mail must not go out now; None where it may."""
    if delivery.kind in {SIGN_IN, ALARM, TEST}:
        return None
    if reader is None:
        return Withheld(CANCELLED, "the reader is gone")
    reason = known.suppressed.get(reader.address_key)
    if reason is not None:
        return Withheld(SUPPRESSED, f"suppressed: {reason}")
    wanted = {CONFIRMATION: PENDING}.get(delivery.kind, ACTIVE)
    if reader.state != wanted and not (delivery.kind == CONFIRMATION and reader.state != ACTIVE):
        return Withheld(CANCELLED, f"the reader is {reader.state}")
    return None


def _look_up(session: Session, deliveries: Sequence[Delivery]) -> _Known:
    """Everything the window needs, in one query a table."""
    readers = by_id(session, Subscriber, {d.subscriber_id for d in deliveries})
    found = by_id(session, Edition, {d.subject_id for d in deliveries if d.kind in _EDITIONS})
    keys = [r.address_key for r in readers.values()]
    refused = session.exec(select(Suppression).where(col(Suppression.address_key).in_(keys)))
    return _Known(
        readers=readers,
        editions=found,
        shown=editions.look_up(session, found.values()),
        suppressed={s.address_key: s.reason for s in refused},
        audits=by_id(session, Audit, {d.subject_id for d in deliveries if d.kind == SIGN_IN}),
    )
