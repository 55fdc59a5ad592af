"""The whole service in this process, on real sockets: pages by uvicorn, mail at once into a mailbox on loopback."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from functools import cache
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from digest.mail.smtp import transport
from digest.papers import ParsedDocument
from digest.services.delivery import delivery_worker
from digest.services.editions import welcome
from digest.services.ingestion.import_document import store_document
from digest.services.runs import daily_run
from digest.web.app import build
from digest.web.http import server
from digest.web.wiring import page_services
from seeds import loader
from tests.patience import PATIENCE
from workers.demo import mail_server
from workers.demo.mail_server import Maildir

ADMIN = "root@digest.example"


class ImmediateQueue:
    """An Enqueue without a queue: each task runs before the call returns."""

    def freeze(self, run_id: int, shard: int) -> None:
        raise AssertionError("pages freeze nothing")

    def deliver(self) -> None:
        delivery_worker.send_due_mail()

    def welcome(self, subscriber_id: int) -> None:
        welcome.first_edition(subscriber_id, self)

    def alive(self) -> bool:
        return True


@dataclass
class Site:
    """The running service: its address, mailbox and days."""

    url: str
    mailbox: Maildir

    def announce(self, on: date, documents: Mapping[str, ParsedDocument]) -> None:
        for name, parsed in documents.items():
            store_document("seeds", name, parsed, day=on)

    def run(self, on: date | None = None) -> daily_run.RunResult:
        return daily_run.run_inline(on)

    def mail(self, recipient: str, subject: str = "") -> EmailMessage:
        """The newest mail to that address."""
        received = self.mailbox.wait_for(recipient, subject, seconds=PATIENCE)
        assert received is not None, f"no mail for {recipient}"
        return received

    def digest_mail(self, to: str) -> EmailMessage:
        """The newest daily mail to that address."""
        mails = [mail for mail in self.mails(to) if ":digest:" in str(mail["Feedback-ID"])]
        assert mails, f"no daily mail for {to}"
        return mails[-1]

    def mails(self, recipient: str) -> list[EmailMessage]:
        return [m for received in self.mailbox.received() if (m := received.parse())["To"] == recipient]


@contextmanager
def serving(build: Callable[[str], FastAPI]) -> Iterator[str]:
    """Serve what `build` makes for an address, at that address, until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    running_server = uvicorn.Server(server.server_config(build(url)))
    thread = threading.Thread(target=running_server.run, args=([listening],), name="web")
    thread.start()
    try:
        yield url
    finally:
        running_server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def running(folder: Path, configure: Callable[..., None]) -> Iterator[Site]:
    """The service over the configured database, its mail going into `folder`. `configure` sets settings by name."""
    mailbox = Maildir(folder / "mailbox")
    mailbox.clear()
    smtp_server = mail_server.serve(mailbox)

    def built(url: str) -> FastAPI:
        configure(
            BASE_URL=url,
            SECRET_KEY="a-key-for-tests-of-at-least-32-bytes",
            SMTP_URL=f"smtp://127.0.0.1:{smtp_server.port}",
            MAIL_FROM="Papers Inbox <papers@digest.example>",
            POSTAL_ADDRESS="1 Example Street, Exampletown",
            ADMIN_EMAILS=ADMIN,
        )
        delivery_worker._sweeper.cache_clear()
        return build(ImmediateQueue(), page_services())

    try:
        with serving(built) as url:
            yield Site(url, mailbox)
    finally:
        transport.close_all()
        smtp_server.stop()


_announcements = cache(loader.announcements)  # parsed once


def days(today: date) -> tuple[dict[str, ParsedDocument], dict[str, ParsedDocument]]:
    """Two announcements of real papers: the first without signals, so that words alone decide."""
    first, second = _announcements(today)
    return dict(second.documents), dict(first.documents)


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def link(mail: EmailMessage, page: str) -> str:
    """The mail's link to one of our pages, not to the rest of its papers."""
    match = re.search(rf"https?://\S+/{page}/(?!\S+/more\b)[^\s>)\"]+", text_of(mail))
    assert match, f"no link to {page}"
    return match[0]


def links(mail: EmailMessage) -> list[str]:
    """Every address in a mail that leads to us: in both bodies and in the headers."""
    all_text = text_of(mail) + text_of(mail, "html").replace("&amp;", "&") + str(mail["List-Unsubscribe"] or "")
    return list(dict.fromkeys(re.findall(r"http://127\.0\.0\.1:\d+/[^\s<>\"')]*", all_text)))
