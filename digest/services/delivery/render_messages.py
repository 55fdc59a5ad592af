"""From claimed deliveries to the bytes that go out. Consent and suppression are checked at this moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from email.utils import parseaddr

from sqlmodel import Session

from digest import settings
from digest.compose.edition import Content
from digest.compose.email import digest_email, other_emails
from digest.compose.email.paper_block import Blocks
from digest.compose.email.template_context import Rendered, Service
from digest.db.core.engine import reading
from digest.db.outbox.deliveries import Claimed
from digest.db.papers import papers as store
from digest.mail.mime import dkim, message
from digest.mail.mime.outgoing_message import Letter, Withheld
from digest.models import AccountRequest, AdminLogin
from digest.models.delivery import ALARM, CANCELLED, CONFIRMATION, LINK, MOVED, SIGN_IN, TEST
from digest.models.types import stored_id
from digest.papers import Record
from digest.services.delivery import mail_context
from digest.services.delivery.mail_context import EDITIONS, MailedEdition, MailedReader, Needed
from digest.services.editions import web_view
from digest.services.security import signed_links
from digest.services.security.link_lifetimes import lifetime

_PAPERS_KEPT = 4096
TOGETHER = 8  # mails made step by step
_Shown = Mapping[tuple[int, int], Record]


class _Papers:
    """Papers by (number, revision). They never change, so those of a run are read once. Holds about `size`."""

    def __init__(self, size: int = _PAPERS_KEPT) -> None:
        self._size = size
        self._kept: dict[tuple[int, int], Record] = {}

    def fetch(self, session: Session, wanted: Iterable[tuple[int, int]]) -> _Shown:
        """All of these, and maybe others."""
        asked = set(wanted)
        if len(self._kept) > self._size:
            self._kept = {}
        missing = asked - self._kept.keys()
        if missing:
            self._kept |= store.versions(session, missing)
        return self._kept


class Letters:
    """The composer. Holds the papers, and their blocks, that the mails of a process share. Not for two threads."""

    def __init__(self, chosen: settings.Settings) -> None:
        chosen.require("secret_key", "mail_from")
        self._settings = chosen
        self._service = Service(chosen.service_name, chosen.base_url, chosen.postal_address)
        self._sender, replies = parseaddr(chosen.mail_from), parseaddr(chosen.reply_to)
        self._reply_to = replies if replies[1] else None
        self._blocks = Blocks()
        self._papers = _Papers()
        self._shown: _Shown = {}
        self._signer = dkim.signer_from(chosen)

    def compose(self, deliveries: Sequence[Claimed]) -> Iterator[tuple[int, Letter | Withheld]]:
        """For every delivery's id its letter, or why there is none; a few at a time, so that the first go out soon."""
        with reading() as session:
            known = self._look_up(session, deliveries)
        yield from self._made(deliveries, known)

    def _made(
        self, deliveries: Sequence[Claimed], known: Mapping[int, Needed]
    ) -> Iterator[tuple[int, Letter | Withheld]]:
        """A few mails at a time, step by step for all of these, which a processor does faster than mail by mail."""
        for start in range(0, len(deliveries), TOGETHER):
            some = deliveries[start : start + TOGETHER]
            rendered = [mail_context.withheld(one, known[one.id]) or self._rendered(one, known[one.id]) for one in some]
            written = [
                content if isinstance(content, Withheld) else self._written(one, content, known[one.id].reader)
                for one, content in zip(some, rendered, strict=True)
            ]
            for one, letter in zip(some, written, strict=True):
                yield one.id, letter if isinstance(letter, Withheld) else self._signed(letter)

    def _written(self, delivery: Claimed, rendered: Rendered, reader: MailedReader | None) -> Letter:
        path = self._return_path(delivery)
        return Letter(
            envelope_from=path,
            recipient=delivery.address,
            raw=message.build(rendered, self._envelope(delivery, reader, path)),
            message_id=delivery.message_id,
            built=True,
        )

    def _signed(self, letter: Letter) -> Letter:
        return replace(letter, raw=self._signer.sign(letter.raw)) if self._signer else letter

    def _rendered(self, delivery: Claimed, known: Needed) -> Rendered | Withheld:
        reader, edition = known.reader, known.edition
        if delivery.kind in EDITIONS:
            if edition is None or reader is None or edition.cancelled:
                return Withheld(CANCELLED, "the edition is gone")
            return self._edition(delivery, edition, reader, known)
        if delivery.kind in mail_context.TO_SUBSCRIBER and reader is not None:
            return self._to_subscriber(delivery, reader.id, known.request)
        return self._internal(delivery, known.login)

    def _to_subscriber(
        self, delivery: Claimed, subscriber_id: int, request: AccountRequest | None
    ) -> Rendered | Withheld:
        """The answer to what was asked for on a page. A timed link's time begins now, when it is sent."""
        told = delivery.payload or {}
        if delivery.kind == LINK:
            return other_emails.link(signed_links.preferences(subscriber_id), service=self._service)
        if delivery.kind == MOVED:
            return other_emails.moved(service=self._service)
        if delivery.kind == CONFIRMATION:
            number = int(told.get("request_id") or told.get("profile_id") or 0)  # the latter: before migration 0009
            confirm, not_me = signed_links.confirm(subscriber_id, number), signed_links.not_me(subscriber_id, number)
            return other_emails.confirmation(confirm, not_me, service=self._service)
        if request is None:
            return Withheld(CANCELLED, "nothing to confirm any more")
        url, minutes = (
            signed_links.account(request.action, stored_id(request)),
            int(lifetime(request.action).total_seconds()) // 60,
        )
        return other_emails.account_link(request.action, url, minutes=minutes, service=self._service)

    def _internal(self, delivery: Claimed, login: AdminLogin | None) -> Rendered | Withheld:
        """Mail to administrators."""
        if delivery.kind == SIGN_IN and login is not None and login.id is not None:
            minutes = int((login.link_expires_at - login.asked_at).total_seconds()) // 60
            return other_emails.sign_in(signed_links.sign_in(login.id), minutes=minutes, service=self._service)
        if delivery.kind == ALARM:
            told = delivery.payload or {}
            url = f"{self._settings.base_url}/admin"
            facts = [str(fact) for fact in told.get("facts", ())]
            return other_emails.alarm(str(told.get("title", "Alarm")), facts, url=url, service=self._service)
        if delivery.kind == TEST:
            return other_emails.trial(service=self._service)
        return Withheld(CANCELLED, "nothing to say any more")

    def _edition(self, delivery: Claimed, edition: MailedEdition, reader: MailedReader, known: Needed) -> Rendered:
        content = Content.from_json(edition.content)
        to = web_view.reader_of(edition, reader, known.topics, kind=delivery.kind, categories=known.categories)
        own = web_view.mail_links(edition, reader)
        if not content.entries:
            silent = web_view.silent_topic(reader.id, edition.day, known.topics)
            return other_emails.notice(to, own, content.considered, silent=silent, service=self._service)
        return digest_email.digest(content, self._shown, to, own, service=self._service, blocks=self._blocks)

    def _envelope(self, delivery: Claimed, reader: MailedReader | None, path: str) -> message.Envelope:
        chosen = self._settings
        number = reader.id if reader and reader.id else 0
        return message.Envelope(
            kind=delivery.kind,
            sender=self._sender,
            to=delivery.address,
            message_id=delivery.message_id,
            date=delivery.created_at,
            list_id=f"papers.{chosen.mail_domain}",
            reply_to=self._reply_to,
            unsubscribe_url=signed_links.unsubscribe(number) if number else None,
            unsubscribe_mailto=self._leave_by_mail(path, number) if number else None,
            archive_url=chosen.base_url,
            feedback_id=f"{delivery.run_id or 0}:{delivery.kind}:papers-inbox",
        )

    def _look_up(self, session: Session, deliveries: Sequence[Claimed]) -> Mapping[int, Needed]:
        """What each delivery needs, by its id. The papers of all of them are at hand afterwards."""
        found = mail_context.look_up(session, deliveries)
        shown = [one.edition.content["entries"] for one in found.values() if one.edition]
        wanted = {(entry["paper"], entry["revision"]) for entries in shown for entry in entries}
        self._shown = self._papers.fetch(session, wanted)
        return found

    def _leave_by_mail(self, path: str, number: int) -> str | None:
        """A mail to there ends the subscription: `digest bounces ingest` reads it, by its signed subject."""
        if not self._settings.bounce_address:
            return None
        return f"mailto:{path}?subject=unsubscribe%20{signed_links.unsubscribe_token(number)}"

    def _return_path(self, delivery: Claimed) -> str:
        if not self._settings.bounce_address:
            return self._sender[1]
        return message.verp(self._settings.bounce_address, delivery.id, self._settings.secret_key[0])
