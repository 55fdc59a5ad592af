"""Composes the mail of `digest mail`: an edition without links to pages, because there is no web process."""

from __future__ import annotations

from dataclasses import replace

from digest.compose.email.template_context import Links
from digest.db.outbox.deliveries import ClaimedDelivery
from digest.db.outbox.mail_data import MailedEdition, MailedSubscriber
from digest.i18n import localize
from digest.mail.mime import message_builder
from digest.services.delivery.render_messages import MailComposer
from digest.settings import Settings


class PersonalComposer(MailComposer):
    """A composer whose mails link to papers only, and say how to stop them."""

    def __init__(self, configuration: Settings) -> None:
        super().__init__(configuration)
        self._service = replace(self._service, home=None)

    def _links(self, edition: MailedEdition, subscriber: MailedSubscriber) -> Links:
        note = localize(
            "A job that runs “digest mail” sends you this. To stop it, remove your address from that job; to change "
            "it, edit the file of topics."
        )
        return Links(footer_note=note)

    def _envelope(
        self, delivery: ClaimedDelivery, subscriber: MailedSubscriber | None, return_path: str
    ) -> message_builder.Envelope:
        envelope = super()._envelope(delivery, subscriber, return_path)
        return replace(
            envelope,
            kind=message_builder.PERSONAL,
            unsubscribe_url=None,
            unsubscribe_mailto=None,
            archive_url=None,
            feedback_id=None,
        )
