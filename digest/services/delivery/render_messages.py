"""Composes claimed deliveries into messages. Consent and suppression are checked at this moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from email.utils import parseaddr

from sqlmodel import Session

from digest import file_fingerprints, settings
from digest.compose.edition import Content
from digest.compose.email import digest_email, other_emails, run_report_email
from digest.compose.email.paper_block import PaperBlocks
from digest.compose.email.run_figures import RunFigures
from digest.compose.email.template_context import Links, MailService, RenderedMail
from digest.db.core.engine import reading
from digest.db.outbox.deliveries import ClaimedDelivery
from digest.db.outbox.mail_data import MailedEdition, MailedSubscriber
from digest.db.papers import papers as store
from digest.db.papers import summaries
from digest.mail.mime import dkim, message_builder
from digest.mail.mime.composer_interface import OutgoingMessage, WithheldMail
from digest.mail.mime.quoted_printable import EncodedPieces
from digest.models import AccountRequest, AdminLogin
from digest.models.delivery import (
    ALARM,
    CANCELLED,
    CONFIRMATION,
    EDITION_KINDS,
    FIRST_NOTICE,
    LINK,
    MOVED,
    RUN_REPORT,
    SIGN_IN,
    TEST,
)
from digest.models.types import stored_id
from digest.papers import Record, Summaries, known_summaries
from digest.services.delivery import mail_context
from digest.services.delivery.mail_context import MailContext
from digest.services.editions import notice_figures, web_view
from digest.services.security import signed_links
from digest.services.security.link_and_session_lifetimes import lifetime
from digest.sources import registry

_MAX_CACHED_PAPERS = 4096
BATCH_SIZE = 8  # mails composed together
_PapersByRevision = Mapping[tuple[int, int], Record]


class _PaperCache:
    """Caches papers by (number, revision), which never change, so those of a run are read once. Holds about `size`."""

    def __init__(self, size: int = _MAX_CACHED_PAPERS) -> None:
        self._size = size
        self._cache: dict[tuple[int, int], Record] = {}

    def fetch(self, session: Session, requested: Iterable[tuple[int, int]]) -> _PapersByRevision:
        """All of these papers, and maybe others."""
        keys = set(requested)
        if len(self._cache) > self._size:
            self._cache = {}
        missing = keys - self._cache.keys()
        if missing:
            self._cache |= store.versions(session, missing)
        return self._cache


class MailComposer:
    """The composer. Caches what many mails of a day share: papers, rendered and encoded. Not thread-safe."""

    def __init__(self, configuration: settings.Settings) -> None:
        configuration.require("secret_key", "mail_from")
        self._settings = configuration
        self._service = MailService(configuration.service_name, configuration.base_url, configuration.postal_address)
        self._sender, replies = parseaddr(configuration.mail_from), parseaddr(configuration.reply_to)
        self._reply_to = replies if replies[1] else None
        self._blocks = PaperBlocks()
        self._papers = _PaperCache()
        self._encoded_pieces = EncodedPieces()
        self._newest_day = date.min
        self._loaded_papers: _PapersByRevision = {}
        self._summaries: Summaries = {}
        self._signer = dkim.signer_from(configuration)
        if self._signer is not None and configuration.dkim_key_file is not None:
            file_fingerprints.note_read(configuration.dkim_key_file)

    def compose(self, deliveries: Sequence[ClaimedDelivery]) -> Iterator[tuple[int, OutgoingMessage | WithheldMail]]:
        """Yield for each delivery id its message, or why there is none; in batches, so that sending starts early."""
        with reading() as session:
            contexts = self._load_contexts(session, deliveries)
        yield from self._compose_batches(deliveries, contexts)

    def _compose_batches(
        self, deliveries: Sequence[ClaimedDelivery], contexts: Mapping[int, MailContext]
    ) -> Iterator[tuple[int, OutgoingMessage | WithheldMail]]:
        """Render, build, then sign a whole batch, which is faster than mail by mail (processor caches)."""
        for start in range(0, len(deliveries), BATCH_SIZE):
            batch = [(delivery, contexts[delivery.id]) for delivery in deliveries[start : start + BATCH_SIZE]]
            rendered = [
                mail_context.withheld(delivery, context) or self._render_mail(delivery, context)
                for delivery, context in batch
            ]
            built = [
                content if isinstance(content, WithheldMail) else self._build(delivery, content, context.subscriber)
                for (delivery, context), content in zip(batch, rendered, strict=True)
            ]
            for (delivery, _), outgoing in zip(batch, built, strict=True):
                yield delivery.id, outgoing if isinstance(outgoing, WithheldMail) else self._sign(outgoing)

    def _build(
        self, delivery: ClaimedDelivery, rendered: RenderedMail, subscriber: MailedSubscriber | None
    ) -> OutgoingMessage:
        return_path = self._return_path(delivery)
        envelope = self._envelope(delivery, subscriber, return_path)
        return OutgoingMessage(
            envelope_from=return_path,
            recipient=delivery.address,
            raw=message_builder.build_message(rendered, envelope, self._encoded_pieces),
            message_id=delivery.message_id,
            built=True,
        )

    def _sign(self, outgoing: OutgoingMessage) -> OutgoingMessage:
        return replace(outgoing, raw=self._signer.sign(outgoing.raw)) if self._signer else outgoing

    def _render_mail(self, delivery: ClaimedDelivery, context: MailContext) -> RenderedMail | WithheldMail:
        subscriber, edition = context.subscriber, context.edition
        if delivery.kind in EDITION_KINDS:
            if edition is None or subscriber is None or edition.cancelled:
                return WithheldMail(CANCELLED, "the edition was cancelled or deleted")
            return self._render_edition(delivery, edition, subscriber, context)
        if delivery.kind == FIRST_NOTICE:
            return self._render_first_notice(delivery)
        if delivery.kind in mail_context.TO_SUBSCRIBER and subscriber is not None:
            return self._render_account_mail(delivery, subscriber.id, context.request)
        return self._render_admin_mail(delivery, context.login)

    def _render_first_notice(self, delivery: ClaimedDelivery) -> RenderedMail | WithheldMail:
        payload = delivery.payload or {}
        since = payload.get("since")
        notice = notice_figures.first_notice(
            delivery.subject_id,
            delivery.created_at,
            web_view.subscription_links(delivery.subject_id),
            self._service,
            considered=int(payload.get("considered", 0)),
            since=date.fromordinal(int(since)) if since else None,
        )
        return notice or WithheldMail(CANCELLED, "the subscriber was deleted")

    def _render_account_mail(
        self, delivery: ClaimedDelivery, subscriber_id: int, request: AccountRequest | None
    ) -> RenderedMail | WithheldMail:
        """The mail that answers a request on a page. The lifetime of a link starts now, when it is sent."""
        payload = delivery.payload or {}
        if delivery.kind == LINK:
            request_id = int(payload.get("request_id") or 0)
            add_url = signed_links.confirm(subscriber_id, request_id) if request_id else ""
            return other_emails.preferences_link(
                signed_links.preferences(subscriber_id), add_url=add_url, service=self._service
            )
        if delivery.kind == MOVED:
            return other_emails.address_changed(service=self._service)
        if delivery.kind == CONFIRMATION:
            request_id = int(
                payload.get("request_id") or payload.get("profile_id") or 0
            )  # the latter: before migration 0009
            confirm, not_me = (
                signed_links.confirm(subscriber_id, request_id),
                signed_links.not_me(subscriber_id, request_id),
            )
            return other_emails.confirmation(confirm, not_me, service=self._service)
        if request is None:
            return WithheldMail(CANCELLED, "the request to confirm was deleted")
        url, minutes = (
            signed_links.account(request.action, stored_id(request)),
            int(lifetime(request.action).total_seconds()) // 60,
        )
        return other_emails.account_link(request.action, url, minutes=minutes, service=self._service)

    def _render_admin_mail(self, delivery: ClaimedDelivery, login: AdminLogin | None) -> RenderedMail | WithheldMail:
        """A mail to administrators."""
        if delivery.kind == SIGN_IN and login is not None and login.id is not None:
            minutes = int((login.link_expires_at - login.asked_at).total_seconds()) // 60
            return other_emails.sign_in(signed_links.sign_in(login.id), minutes=minutes, service=self._service)
        if delivery.kind == ALARM:
            payload = delivery.payload or {}
            url = f"{self._settings.base_url}/admin"
            facts = [str(fact) for fact in payload.get("facts", ())]
            return other_emails.alarm(str(payload.get("title", "Alarm")), facts, url=url, service=self._service)
        if delivery.kind == RUN_REPORT and delivery.payload:
            figures = RunFigures.from_json(delivery.payload)
            admin_url = f"{self._settings.base_url}/admin"
            run_url, sources_url = f"{admin_url}/runs/{figures.run}", f"{admin_url}/sources"
            return run_report_email.run_report(figures, run_url=run_url, sources_url=sources_url, service=self._service)
        if delivery.kind == TEST:
            return other_emails.delivery_test_mail(service=self._service)
        return WithheldMail(CANCELLED, "the subject of the mail was deleted")

    def _render_edition(
        self, delivery: ClaimedDelivery, edition: MailedEdition, subscriber: MailedSubscriber, context: MailContext
    ) -> RenderedMail:
        content = Content.from_json(edition.content)
        recipient = web_view.edition_recipient(
            edition, subscriber, context.topics, kind=delivery.kind, categories=context.categories
        )
        links = self._links(edition, subscriber)
        if not content.entries:
            return notice_figures.mail_without_papers(
                content, subscriber.id, recipient, links, context.muted, self._service
            )
        papers = [entry.paper for entry in content.entries]
        return digest_email.digest(
            content,
            self._loaded_papers,
            recipient,
            links,
            service=self._service,
            blocks=self._blocks,
            summaries=known_summaries(self._summaries, papers, edition.created_at),
        )

    def _links(self, edition: MailedEdition, subscriber: MailedSubscriber) -> Links:
        """The links of an edition's mail."""
        return web_view.mail_links(edition, subscriber)

    def _envelope(
        self, delivery: ClaimedDelivery, subscriber: MailedSubscriber | None, return_path: str
    ) -> message_builder.Envelope:
        configuration = self._settings
        subscriber_id = subscriber.id if subscriber and subscriber.id else 0
        return message_builder.Envelope(
            kind=delivery.kind,
            sender=self._sender,
            to=delivery.address,
            message_id=delivery.message_id,
            date=delivery.created_at,
            list_id=f"papers.{configuration.mail_domain}",
            reply_to=self._reply_to,
            unsubscribe_url=signed_links.unsubscribe(subscriber_id) if subscriber_id else None,
            unsubscribe_mailto=self._unsubscribe_mailto(return_path, subscriber_id) if subscriber_id else None,
            archive_url=configuration.base_url,
            feedback_id=f"{delivery.run_id or 0}:{delivery.kind}:papers-inbox",
        )

    def _load_contexts(self, session: Session, deliveries: Sequence[ClaimedDelivery]) -> Mapping[int, MailContext]:
        """The context of each delivery, by its id. Also loads the papers of all of them."""
        contexts = mail_context.load_contexts(session, deliveries)
        editions = [context.edition for context in contexts.values() if context.edition]
        self._forget_earlier_days(max((edition.day for edition in editions), default=date.min))
        entries = [entry for edition in editions for entry in edition.content["entries"]]
        self._loaded_papers = self._papers.fetch(session, {(entry["paper"], entry["revision"]) for entry in entries})
        self._summaries = summaries.summaries_of(
            session, sorted({entry["paper"] for entry in entries}), registry.summary_origins()
        )
        return contexts

    def _forget_earlier_days(self, day: date) -> None:
        """Empty the caches when editions of a new day begin: papers are seldom mailed on two days."""
        if day > self._newest_day:
            self._newest_day, self._blocks, self._papers = day, PaperBlocks(), _PaperCache()
            self._encoded_pieces = EncodedPieces()

    def _unsubscribe_mailto(self, return_path: str, subscriber_id: int) -> str | None:
        """A mailto URL that ends the subscription: `digest bounces ingest` reads such mails by their signed subject."""
        if not self._settings.bounce_address:
            return None
        return f"mailto:{return_path}?subject=unsubscribe%20{signed_links.unsubscribe_token(subscriber_id)}"

    def _return_path(self, delivery: ClaimedDelivery) -> str:
        if not self._settings.bounce_address:
            return self._sender[1]
        return message_builder.return_path(self._settings.bounce_address, delivery.id, self._settings.secret_key[0])
