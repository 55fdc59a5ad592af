"""Mails that are no bounces, written for these tests: what people, their programs and their lists send back."""

from __future__ import annotations

from textwrap import dedent

OTHER, AUTO_REPLY, UNSUBSCRIBE = "other", "auto-reply", "unsubscribe"


def mail(subject: str, body: str = "", *headers: str, sender: str = "Ada Byron <ada@one.example>") -> bytes:
    """A plain mail to the service."""
    head = [
        f"From: {sender}",
        "To: Papers <papers@digest.example>",
        f"Subject: {subject}",
        "Message-ID: <m1@one.example>",
        "Date: Fri, 21 Nov 2025 09:00:00 +0000",
        "MIME-Version: 1.0",
        *headers,
    ]
    if not any(header.lower().startswith("content-type") for header in headers):
        head.append("Content-Type: text/plain; charset=utf-8")
    return ("\r\n".join(head) + "\r\n\r\n" + dedent(body).strip().replace("\n", "\r\n") + "\r\n").encode()


BOUNCE_TEXT = """\
    This is the mail system at host mx.one.example.

    I'm sorry to have to inform you that your message could not
    be delivered to one or more recipients.

    <bob@one.example>: host mx.one.example said: 550 5.1.1 <bob@one.example>: Recipient
        address rejected: User unknown in local recipient table
"""

REPORT = """\
    --x
    Content-Type: text/plain

    This is the mail system at host mx.one.example.

    <bob@one.example>: 550 5.1.1 User unknown

    --x
    Content-Type: message/delivery-status

    Reporting-MTA: dns; mx.one.example

    Final-Recipient: rfc822; bob@one.example
    Action: failed
    Status: 5.1.1

    --x--
"""


def forwarded(*, wrapper: str, inner: str = "message/rfc822") -> bytes:
    """A person sends a bounce on, as an attachment."""
    head = [
        "From: MAILER-DAEMON@mx.one.example",
        "To: ada@one.example",
        "Subject: Undelivered Mail Returned to Sender",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="x"',
    ]
    attached = "\n".join(head) + "\n\n" + dedent(REPORT)
    covering_note = "--w\nContent-Type: text/plain\n\nHello, what does this one mean?\n"
    parts = f"{covering_note}\n--w\nContent-Type: {inner}\n\n{attached}\n--w--"
    return mail(wrapper, parts, "Content-Type: multipart/mixed; boundary=w")


CALENDAR = """\
    BEGIN:VCALENDAR
    METHOD:REQUEST
    BEGIN:VEVENT
    SUMMARY:Delivery failure review
    ATTENDEE:mailto:papers@digest.example
    END:VEVENT
    END:VCALENDAR
"""

RECEIPT = """\
    --x
    Content-Type: text/plain

    Your message was displayed. There is no guarantee that it was read.

    --x
    Content-Type: message/disposition-notification

    Reporting-UA: one.example; Mail 16.0
    Final-Recipient: rfc822; ada@one.example
    Disposition: manual-action/MDN-sent-manually; displayed

    --x--
"""

DELIVERED = """\
    --x
    Content-Type: text/plain

    Your message was successfully delivered to the destination(s) listed below.

    --x
    Content-Type: message/delivery-status

    Reporting-MTA: dns; mx.one.example

    Final-Recipient: rfc822; ada@one.example
    Action: delivered
    Status: 2.1.5

    --x--
"""

DMARC = """\
    --x
    Content-Type: text/plain

    This is an aggregate report from one.example, ada@one.example, for digest.example.

    --x
    Content-Type: application/gzip; name="one.example!digest.example!1.xml.gz"
    Content-Transfer-Encoding: base64

    H4sIAAAAAAAAA6tWSs7PLShKLS5OTVGyUkpKLEpVqgUAQ1xXbxQAAAA=

    --x--
"""

NOT_SPAM = """\
    --x
    Content-Type: text/plain

    The user says that this is not spam.

    --x
    Content-Type: message/feedback-report

    Feedback-Type: not-spam
    User-Agent: SomeFBL/1.0
    Version: 1
    Original-Rcpt-To: <ada@one.example>

    --x--
"""

AUTH_FAILURE = NOT_SPAM.replace("not-spam", "auth-failure")

ORDINARY: dict[str, tuple[str, bytes]] = {
    "a reply": (
        OTHER,
        mail("Re: 7 papers for you", "Thanks, the third one is great.", "In-Reply-To: <d1@digest.example>"),
    ),
    "a reply that quotes a bounce": (OTHER, mail("Re: your mail", "A colleague got this:\n\n" + dedent(BOUNCE_TEXT))),
    "a question about a bounce": (OTHER, mail("User unknown?", BOUNCE_TEXT)),
    "a person asks about a delivery failure": (
        OTHER,
        mail("Question: delivery failure", "Your mail to bob@one.example, ada@one.example, was undeliverable?"),
    ),
    "an answer to a bounce": (OTHER, mail("Re: Undelivered Mail Returned to Sender", BOUNCE_TEXT)),
    "a bounce sent on in the text": (OTHER, mail("Fwd: Undelivered Mail Returned to Sender", BOUNCE_TEXT)),
    "a bounce sent on in German": (OTHER, mail("WG: Unzustellbar: 7 papers", BOUNCE_TEXT)),
    "a bounce sent on as an attachment": (OTHER, forwarded(wrapper="Fwd: Undelivered Mail Returned to Sender")),
    "a bounce sent on without a prefix": (OTHER, forwarded(wrapper="Something for you")),
    "a bounce attached as text": (OTHER, forwarded(wrapper="Look at this", inner="text/plain")),
    "a status part attached by a person": (
        OTHER,
        mail("Look at this", REPORT, "Content-Type: multipart/mixed; boundary=x"),
    ),
    "a mail about mail servers": (OTHER, mail("550 5.1.1 in our paper", "We study 550 5.1.1 user unknown replies.")),
    "a postmaster who writes by hand": (
        OTHER,
        mail("Re: your digest at our site", "Hello, who runs this list?", sender="postmaster@one.example"),
    ),
    "a postmaster's notice": (
        OTHER,
        mail("Maintenance on Sunday", "Mail will be slow on Sunday.", sender="Postmaster <postmaster@one.example>"),
    ),
    "an empty mail": (OTHER, mail("")),
    "a mail without anything": (OTHER, b"\r\n"),
    "no bytes": (OTHER, b""),
    "a newsletter": (
        OTHER,
        mail(
            "Never miss a delivery again",
            "Undeliverable parcels are history. Unsubscribe: https://shop.example/u",
            "List-Unsubscribe: <https://shop.example/u>",
            "Precedence: bulk",
            sender="Shop <news@shop.example>",
        ),
    ),
    "a mail of a mailing list": (
        OTHER,
        mail(
            "[mailop] Undeliverable to one.example",
            "We see 550 5.1.1 for ada@one.example, bob@one.example, since Monday.",
            "List-Id: <mailop.example>",
            "Precedence: list",
            "In-Reply-To: <x@mailop.example>",
        ),
    ),
    "a list's mail that asks to unsubscribe": (
        OTHER,
        mail("unsubscribe", "unsubscribe", "List-Id: <talk.example>", "Precedence: list"),
    ),
    "an invitation": (
        OTHER,
        mail("Invitation: Delivery failure review", CALENDAR, "Content-Type: text/calendar; method=REQUEST"),
    ),
    "an invitation accepted": (
        OTHER,
        mail("Accepted: Reading group", CALENDAR.replace("REQUEST", "REPLY"), "Content-Type: text/calendar"),
    ),
    "a read receipt": (
        OTHER,
        mail(
            "Read: 7 papers for you",
            RECEIPT,
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=x",
        ),
    ),
    "a report of success": (
        OTHER,
        mail(
            "Successful Mail Delivery Report",
            DELIVERED,
            "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
            sender="MAILER-DAEMON@mx.one.example",
        ),
    ),
    "a DMARC report": (
        OTHER,
        mail(
            "Report domain: digest.example Submitter: one.example",
            DMARC,
            "Content-Type: multipart/mixed; boundary=x",
            sender="noreply-dmarc@one.example",
        ),
    ),
    "a DMARC report of a postmaster": (
        OTHER,
        mail(
            "Report Domain: digest.example",
            DMARC,
            "Content-Type: multipart/mixed; boundary=x",
            sender="postmaster@one.example",
        ),
    ),
    "somebody says it is no spam": (
        OTHER,
        mail("FW: 7 papers", NOT_SPAM, "Content-Type: multipart/report; report-type=feedback-report; boundary=x"),
    ),
    "a report of failed authentication": (
        OTHER,
        mail("FW: 7 papers", AUTH_FAILURE, "Content-Type: multipart/report; report-type=feedback-report; boundary=x"),
    ),
    "a reader who complains in words": (OTHER, mail("Spam!", "Why do I get this spam? I shall report you.")),
    "a reader who asks how to unsubscribe": (
        OTHER,
        mail("A question", "How can I unsubscribe a colleague who left? His address does not exist any more."),
    ),
    "a reader who stops something else": (OTHER, mail("stop words", "Stop words should not count as topics.")),
    "a job's output": (
        OTHER,
        mail(
            "Cron <root@one> backup",
            "rsync: permission denied",
            "Auto-Submitted: auto-generated",
            sender="root@one.example",
        ),
    ),
    "a ticket system": (
        AUTO_REPLY,
        mail(
            "[Ticket#1] Received", "We answer within a day.", "Auto-Submitted: auto-replied", sender="help@one.example"
        ),
    ),
    "a parcel that could not be delivered": (
        OTHER,
        mail("Your parcel could not be delivered", "Nobody was at home.", sender="Post <no-reply@post.example>"),
    ),
    "a shop's delivery failure": (
        OTHER,
        mail(
            "Delivery failure: parcel 1234",
            "We were unable to deliver your parcel. The address could not be found.",
            sender="Shop <no-reply@shop.example>",
        ),
    ),
    "a nearly full mailbox of our own": (
        OTHER,
        mail(
            "Quota", "Your mailbox is almost full. Users over quota can't receive.", sender="postmaster@digest.example"
        ),
    ),
    "a system administrator's advice": (
        OTHER,
        mail(
            "Passwords", "Accounts that are inactive will be disabled.", sender="System Administrator <it@one.example>"
        ),
    ),
    "a receipt that was deleted unread": (
        OTHER,
        mail(
            "Not read: 7 papers for you",
            RECEIPT.replace("displayed", "deleted"),
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=x",
        ),
    ),
    "a virus scanner's weekly report": (
        OTHER,
        mail("Weekly report", "12 messages quarantined.", sender="admin@one.example"),
    ),
    "a quarantine digest": (
        OTHER,
        mail("Spam quarantine", "7 messages are held for you.", sender="quarantine@one.example"),
    ),
    "out of office in English": (
        AUTO_REPLY,
        mail(
            "Automatic reply: 7 papers", "I no longer work here; ask bob@one.example.", "Auto-Submitted: auto-replied"
        ),
    ),
    "out of office without a header": (AUTO_REPLY, mail("Out of Office: 7 papers", "Back on Monday.")),
    "out of office by a null path": (
        AUTO_REPLY,
        mail("Out of office", "I am not at this address until Monday.", "Return-Path: <>", "X-Autoreply: yes"),
    ),
    "out of office in German": (
        AUTO_REPLY,
        mail("Automatische Antwort: 7 papers", "Ich bin abwesend. Nicht erreichbar."),
    ),
    "out of office in German, in words": (AUTO_REPLY, mail("Abwesenheitsnotiz", "Ich bin bis Montag nicht im Büro.")),
    "out of office in French": (
        AUTO_REPLY,
        mail("=?utf-8?q?R=C3=A9ponse_automatique_:_7_papers?=", "Je suis absent. Cette adresse n'existe plus."),
    ),
    "out of office in Spanish": (
        AUTO_REPLY,
        mail("=?utf-8?q?Respuesta_autom=C3=A1tica=3A_7_papers?=", "Estaré fuera de la oficina."),
    ),
    "out of office in Italian": (AUTO_REPLY, mail("Risposta automatica: 7 papers", "Sono fuori sede.")),
    "out of office in Portuguese": (AUTO_REPLY, mail("=?utf-8?q?Resposta_autom=C3=A1tica=3A_7?=", "Estou ausente.")),
    "out of office in Dutch": (AUTO_REPLY, mail("Automatisch antwoord: 7 papers", "Ik ben afwezig.")),
    "out of office in Swedish": (AUTO_REPLY, mail("Autosvar: 7 papers", "Jag har semester.")),
    "out of office in Polish": (AUTO_REPLY, mail("=?utf-8?q?Automatyczna_odpowied=C5=BA?=", "Jestem na urlopie.")),
    "out of office in Russian": (
        AUTO_REPLY,
        mail("=?utf-8?b?0JDQstGC0L7QvtGC0LLQtdGC?=", "Меня нет на месте."),
    ),
    "out of office in Japanese": (
        AUTO_REPLY,
        mail("=?utf-8?b?6Ieq5YuV5b+c562U?=", "休暇中です。", "Auto-Submitted: auto-replied (vacation)"),
    ),
    "out of office in Chinese": (AUTO_REPLY, mail("=?utf-8?b?6Ieq5Yqo5Zue5aSNOiA3?=", "我正在休假。")),
    "a new address announced by a program": (
        AUTO_REPLY,
        mail(
            "Address changed",
            "This address is no longer valid. The user is now bob@two.example.",
            "Auto-Submitted: auto-replied",
        ),
    ),
    "a challenge": (
        AUTO_REPLY,
        mail("Please confirm your message", "Click here, ada@one.example, to deliver your mail.", "Precedence: bulk"),
    ),
    "a challenge with its header": (
        AUTO_REPLY,
        mail("Your email requires verification verify#abc", "BoxTrapper", "Auto-Submitted: auto-replied"),
    ),
    "unsubscribe as the subject": (UNSUBSCRIBE, mail("unsubscribe")),
    "unsubscribe as an answer": (
        UNSUBSCRIBE,
        mail(
            "Re: 7 papers for you", "Please unsubscribe me.\n\n> 7 papers for you", "In-Reply-To: <d1@digest.example>"
        ),
    ),
    "unsubscribe in German": (UNSUBSCRIBE, mail("Abmelden")),
    "stop": (UNSUBSCRIBE, mail("Re: 7 papers for you", "STOP")),
}
