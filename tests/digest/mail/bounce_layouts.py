"""Reports in no standard form, as various mail servers write them: sender, subject, body and expected kind.

The wording is our own; what matters is where a server writes the recipient and the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

DAEMON = "MAILER-DAEMON@mx.one.example"
RETURNED = (
    "\n\n------ Original message ------\nFrom: papers@lab.example\nSubject: account closed, mailbox full\n\nhello\n"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """One report. `kind`: what the classifier must return."""

    family: str
    kind: str
    body: str
    subject: str = "Undeliverable: Your papers"
    sender: str = DAEMON

    def raw(self) -> bytes:
        """The whole message."""
        head = f"From: {self.sender}\nTo: bounces@lab.example\nSubject: {self.subject}\nMIME-Version: 1.0\n"
        return f"{head}Content-Type: text/plain; charset=utf-8\n\n{self.body}{RETURNED}".encode()


LAYOUTS = (
    Layout(
        "james, host said",
        "hard",
        "Hello, the mail server at mx.one.example could not deliver your message to these addresses:\n\n"
        "ada@one.example\n\nThe host said: 550 - no such user here\n",
    ),
    Layout(
        "james, failed for long",
        "soft",
        "The mail server could not deliver your message.\n\nFailed recipient(s):\nada@one.example\n\n"
        "Error message:\nConnection timed out after 5 attempts\n",
    ),
    Layout(
        "biglobe, limit of messages",
        "soft",
        "   ----- The following addresses had delivery problems -----\nada@one.example\n\n"
        "   ----- Non-delivered information -----\nThe number of messages in recipient's mailbox exceeded the local "
        "limit.\n",
        subject="Returned mail: delivery problems",
    ),
    Layout(
        "kddi, no such domain",
        "hard",
        "Could not be delivered to: <ada@one.example>\nAs the remote domain doesnt exist.\n",
        subject="Mail System Error - Returned Mail",
        sender="Postmaster@one.example",
    ),
    Layout(
        "kddi, full",
        "soft",
        "Could not be delivered to: <ada@one.example>\nAs their mailbox is full.\n",
        subject="Mail System Error - Returned Mail",
        sender="Postmaster@one.example",
    ),
    Layout(
        "mailfoundry",
        "hard",
        "Unable to deliver message to: <ada@one.example>\nDelivery failed for the following reason:\n"
        "Server mx.one.example[192.0.2.4] failed with: 550 <ada@one.example> No such user here\n\n"
        "This has been a permanent failure.  No further delivery attempts will be made.\n",
        subject="Message delivery has failed",
    ),
    Layout(
        "mailfoundry, relay",
        "policy",
        "Unable to deliver message to: <ada@one.example>\nDelivery failed for the following reason:\n"
        "Server mx.one.example[192.0.2.4] failed with: 554 5.7.1 <ada@one.example>: Relay access denied\n",
        subject="Message delivery has failed",
    ),
    Layout(
        "zoho, error code",
        "hard",
        "This message was created automatically by mail delivery software.\nA message that you sent could not be "
        "delivered to one or more of its recipients. This is a permanent error.\n\nada@one.example "
        "Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 unknown or illegal alias\n",
    ),
    Layout(
        "verizon, mobile",
        "hard",
        "Message could not be delivered to mobile.\nError: No valid recipients for this MM\n",
        subject="Undeliverable Message",
        sender="post_master@one.example",
    ),
    Layout(
        "notes, name and address book",
        "hard",
        "------- Failure Reasons  --------\n\nUser not listed in public Name & Address Book\nada@one.example\n\n"
        "------- Returned Message --------\n",
        subject="DELIVERY FAILURE",
        sender="notes-server@one.example",
    ),
    Layout(
        "domino, because",
        "hard",
        "Your message\n\n  Subject: account closed\n\nwas not delivered to:\n\n  ada@one.example\n\nbecause:\n\n"
        "  User ada (ada@one.example) not listed in Domino Directory\n",
        subject="DELIVERY FAILURE: User ada (ada@one.example) not listed in Domino Directory",
        sender="Postmaster@one.example",
    ),
    Layout(
        "domino, full",
        "soft",
        "Your message\n\n  Subject: papers\n\nwas not delivered to:\n\n  ada@one.example\n\nbecause:\n\n"
        "  Mail database has exceeded its quota; message rejected\n",
        subject="DELIVERY FAILURE: Mail database has exceeded its quota",
        sender="Postmaster@one.example",
    ),
    Layout(
        "au, user unknown",
        "hard",
        "Your mail was not delivered to:\n<ada@one.example>: User unknown\n",
        subject="Mail System Error - Returned Mail",
        sender="Postmaster@one.example",
    ),
    Layout(
        "au, account limited",
        "soft",
        "The user(s) account is temporarily limited.\n\n<ada@one.example>\n",
        subject="Mail System Error - Returned Mail",
        sender="Postmaster@one.example",
    ),
    Layout(
        "surfcontrol",
        "hard",
        "Your message could not be sent.\nA transcript of the attempts to send the message follows.\n"
        "The number of attempts made: 1\nAddressed To: ada@one.example\n\n"
        "Thu 29 Apr 2010 23:34:45 +0000\nFailed to send to identified host,\n"
        "mx.one.example: [192.0.2.8], 550 ada@one.example unknown user account\n--- Message non-deliverable.\n",
        subject="Message could not be delivered.",
        sender="Postmaster@one.example",
    ),
    Layout(
        "surfcontrol, connection",
        "soft",
        "Your message could not be sent.\nA transcript of the attempts to send the message follows.\n"
        "The number of attempts made: 12\nAddressed To: ada@one.example\n\n"
        "Failed to connect to identified host,\nmx.one.example: [192.0.2.8], Connection refused\n",
        subject="Message could not be delivered.",
        sender="Postmaster@one.example",
    ),
    Layout(
        "x4 like qmail",
        "hard",
        "We're sorry. There's a problem with the e-mail address(es) you're trying to send to.\n\n<ada@one.example>:\n"
        "192.0.2.4 does not like recipient.\nRemote host said: 550 unknown user\nGiving up on 192.0.2.4.\n",
        subject="failure notice",
    ),
    Layout(
        "x4 like qmail, suspended",
        "soft",
        "We're sorry. There's a problem with the e-mail address(es) you're trying to send to.\n\n<ada@one.example>:\n"
        "This account is suspended. (#5.1.1)\n",
        subject="failure notice",
    ),
    Layout(
        "x6, responded as follows",
        "hard",
        "We had trouble delivering your message. Full details follow:\n\nSubject: 'mailbox full'\n"
        "Date: 'Thu, 29 Apr 2010 23:34:45 +0000'\n\n1 error(s):\n\nSMTP Server <mx.one.example> rejected recipient "
        "<ada@one.example> \n (Error following RCPT command). It responded as follows: [550 5.1.1 "
        "<ada@one.example>... User unknown]\n",
        subject="There was an error sending your mail",
    ),
    Layout(
        "x6, rejected sender",
        "policy",
        "We had trouble delivering your message. Full details follow:\n\nSubject: 'papers'\n\n1 error(s):\n\n"
        "SMTP Server <mx.one.example> rejected sender <papers@lab.example> \n (Error following MAIL FROM command). "
        "It responded as follows: [550 no thanks]\n",
        subject="There was an error sending your mail",
    ),
    Layout(
        "groupwise",
        "hard",
        "The message that you sent was undeliverable to the following:\n    ada (user not found)\n\n"
        "Possibly truncated original message follows:\n",
        subject="Message status - undeliverable",
        sender="Mailer-Daemon@one.example",
    ),
    Layout(
        "groupwise, full",
        "soft",
        "The message that you sent was undeliverable to the following:\n    ada (mailbox is full)\n",
        subject="Message status - undeliverable",
        sender="Mailer-Daemon@one.example",
    ),
    Layout(
        "mcafee",
        "hard",
        "--- The following addresses had delivery problems ---\n\n<ada@one.example>   (User "
        "<ada@one.example> unknown)\n",
        subject="Message undeliverable",
        sender="WS3000 SMTP Mail Service <wsmgr@one.example>",
    ),
    Layout(
        "activehunter, chkuser",
        "hard",
        "The original message was received at Thu, 29 Apr 2011 23:34:45 +0000\n\n"
        "  ----- The following addresses had permanent fatal errors -----\n\n>>> ada@one.example <ada@one.example>\n\n"
        "  ----- Transcript of session follows -----\n"
        "550 sorry, no mailbox here by that name (#5.1.1 - chkusr)\n",
        subject="FAILURE NOTICE :",
    ),
    Layout(
        "old sendmail, transcript",
        "hard",
        "   ----- Transcript of session follows -----\nWhile talking to mx.one.example:\n>>> RCPT "
        "To:<ada@one.example>\n"
        "<<< 550 <ada@one.example>, Recipient unknown\n550 ada@one.example... User unknown\n\n"
        "   ----- Unsent message follows -----\n",
        subject="Returned mail: User unknown",
    ),
    Layout(
        "old sendmail, deferred",
        "soft",
        "   ----- Transcript of session follows -----\n421 mx.one.example (smtp)... Deferred: Connection timed out\n\n"
        "   ----- Unsent message follows -----\n",
        subject="Returned mail: Cannot send message for 3 days",
    ),
    Layout(
        "old sendmail, host unknown",
        "hard",
        "   ----- Transcript of session follows -----\n550 one.example (TCP)... 550 Host unknown\n"
        "554 <ada@one.example>... 550 Host unknown (Authoritative answer from name server)\n\n"
        "   ----- Unsent message follows -----\n",
        subject="Returned mail: Host unknown",
    ),
    Layout(
        "m-filter, japanese",
        "hard",
        "このメールは自動的に生成されました。\n以下のメールアドレスへの送信に失敗しました。\nada@one.example\n\n"
        "サーバー メッセージ:\n550 5.1.1 <ada@one.example>... User unknown\n",
        subject="配信エラー notification: undeliverable",
    ),
    Layout(
        "japanese, no such address",
        "hard",
        "お送りいただいたメールは配信できませんでした。\n\nada@one.example\n宛先のメールアドレスは存在しません。\n",
        subject="Returned mail: 配信できませんでした",
    ),
    Layout(
        "communigate",
        "hard",
        "Failed to deliver to 'ada@one.example'\nSMTP module(domain one.example) reports:\n"
        " mx.one.example: 550 ada@one.example unknown user account\n",
        subject="Undeliverable mail: papers",
    ),
    Layout(
        "communigate, full",
        "soft",
        "Failed to deliver to 'ada@one.example'\nLOCAL module(account ada) reports:\n account is "
        "full (quota exceeded)\n",
        subject="Undeliverable mail: papers",
    ),
    Layout(
        "mdaemon",
        "hard",
        "The following message had permanent fatal delivery errors.\n\nFailed address: ada@one.example\n\n"
        "--- Session Transcript ---\n<-- 250 sender ok\n--> RCPT To:<ada@one.example>\n"
        "<-- 550 <ada@one.example>, Recipient unknown\n--> QUIT\n",
        subject="Permanent Delivery Failure",
        sender="MDaemon@one.example",
    ),
    Layout(
        "mailenable",
        "soft",
        "MailEnable: Message could not be delivered to some recipients.\nThe following recipient(s) could not be "
        "reached:\n\n\tRecipient: [SMTP:ada@one.example]\n\tReason: Remote SMTP Server Returned: 552 mailbox full\n\n"
        "Message contents follow:\n",
        subject="Message Delivery Failure",
        sender="Postmaster@one.example",
    ),
    Layout(
        "smartermail",
        "hard",
        "Could not deliver message to the following recipient(s):\n\nFailed Recipient: ada@one.example\n"
        "Reason: Remote host said: 550 No such recipient\n",
        subject="Delivery Failure",
        sender="System Administrator <postmaster@one.example>",
    ),
    Layout(
        "exchange 2003, reason below",
        "hard",
        "Your message did not reach some or all of the intended recipients.\n\n      Subject:\taccount disabled\n"
        "      Sent:\t4/29/2011 11:34 PM\n\nThe following recipient(s) could not be reached:\n\n"
        "      ada@one.example on 4/29/2011 11:34 PM\n            The e-mail account does not exist "
        "at the organization "
        "this message was sent to.  Check the e-mail address, or contact the recipient directly to "
        "find out the correct "
        "address.\n            <mx.one.example #5.1.1>\n",
        subject="Undeliverable: account disabled",
        sender="System Administrator <postmaster@one.example>",
    ),
    Layout(
        "exchange online, prose",
        "hard",
        "Your message to ada@one.example couldn't be delivered.\n\nada wasn't found at one.example.\n\n"
        "How to Fix It\nThe address may be misspelled or may not exist.\n\nDiagnostic information for administrators:\n"
        "Generating server: mx.one.example\nada@one.example\nRemote Server returned '550 5.1.10 "
        "RESOLVER.ADR.RecipientNotFound; Recipient ada@one.example not found by SMTP address lookup'\n",
        subject="Undeliverable: papers",
        sender="Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@one.example>",
    ),
    Layout(
        "exchange online, full",
        "soft",
        "Your message to ada@one.example couldn't be delivered.\n\nada's mailbox is full and can't accept messages "
        "now.\n\nDiagnostic information for administrators:\nGenerating server: mx.one.example\nada@one.example\n"
        "Remote Server returned '554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException'\n",
        subject="Undeliverable: papers",
        sender="Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@one.example>",
    ),
    Layout(
        "exchange online, blocked",
        "policy",
        "Your message to ada@one.example couldn't be delivered.\n\nOnly senders in the organization may send here.\n\n"
        "Diagnostic information for administrators:\nRemote Server returned '550 5.7.133 "
        "RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required'\n",
        subject="Undeliverable: papers",
        sender="Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@one.example>",
    ),
    Layout(
        "gmail, prose",
        "hard",
        "** Address not found **\n\nYour message wasn't delivered to ada@one.example because the address couldn't be "
        "found, or is unable to receive mail.\n\nThe response from the remote server was:\n550 5.1.1 User unknown\n",
        subject="Delivery Status Notification (Failure)",
        sender="Mail Delivery Subsystem <mailer-daemon@mail.example>",
    ),
    Layout(
        "gmail, blocked",
        "policy",
        "** Message blocked **\n\nYour message to ada@one.example has been blocked. See technical "
        "details below for more "
        "information.\n\nThe response from the remote server was:\n554 5.7.1 Service unavailable; "
        "Client host blocked\n",
        subject="Delivery Status Notification (Failure)",
        sender="Mail Delivery Subsystem <mailer-daemon@mail.example>",
    ),
    Layout(
        "gmail, recipient inbox full",
        "soft",
        "** Recipient inbox full **\n\nYour message couldn't be delivered to ada@one.example. Their inbox is full, or "
        "it's getting too much mail right now.\n",
        subject="Delivery Status Notification (Failure)",
        sender="Mail Delivery Subsystem <mailer-daemon@mail.example>",
    ),
    Layout(
        "exim, no route",
        "hard",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
        "  ada@one.example\n    Unrouteable address\n",
    ),
    Layout(
        "exim, retry timeout",
        "soft",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
        "  ada@one.example\n    retry timeout exceeded\n",
    ),
    Layout(
        "exim, system filter",
        "policy",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
        "  ada@one.example\n    This message has been rejected because it has a potentially executable attachment\n",
    ),
    Layout(
        "german",
        "hard",
        "Ihre Nachricht konnte nicht zugestellt werden.\n\nada@one.example\nDer Empfänger ist unbekannt.\n",
        subject="Unzustellbar: Papers",
        sender="postmaster@one.example",
    ),
    Layout(
        "german, full",
        "soft",
        "Ihre Nachricht konnte nicht zugestellt werden.\n\nada@one.example\nDas Postfach des Empfängers ist voll.\n",
        subject="Unzustellbar: Papers",
        sender="postmaster@one.example",
    ),
    Layout(
        "french",
        "hard",
        "Votre message n'a pas pu être remis.\n\nada@one.example\nL'adresse du destinataire n'existe pas.\n",
        subject="Non remis : Papers (échec de la remise)",
        sender="postmaster@one.example",
    ),
    Layout(
        "spanish",
        "hard",
        "El mensaje no puede ser entregado.\n\nada@one.example\nEl usuario no existe.\n",
        subject="No se puede entregar: Papers",
        sender="postmaster@one.example",
    ),
    Layout(
        "chinese",
        "hard",
        "您的邮件无法发送。\n\nada@one.example\n550 用户不存在\n",
        subject="Undelivered mail 系统退信",
        sender="postmaster@one.example",
    ),
    Layout(
        "iMail, retries",
        "soft",
        "Delivery failed 20 attempts: ada@one.example\n\nOriginal message follows.\n",
        subject="Undeliverable Mail",
        sender="Postmaster <postmaster@one.example>",
    ),
    Layout(
        "warning of a delay",
        "soft",
        "A message that you sent has not yet been delivered to one or more of its recipients after 24 hours.\n\n"
        "ada@one.example\n  550 User unknown in an earlier try\n\nNo action is required on your part.\n",
        subject="Warning: message delayed 24 hours",
    ),
    Layout(
        "symantec gateway",
        "hard",
        "The following recipients could not be reached:\n\n<ada@one.example>\n  550 5.1.1 unknown user; rejecting\n",
        subject="Undeliverable mail",
        sender="Symantec_AntiVirus_for_SMTP_Gateways@one.example",
    ),
    Layout(
        "trend micro",
        "policy",
        "The following message could not be delivered.\nRecipient: ada@one.example\n"
        "Reason: 550 Service unavailable; Client host [192.0.2.9] blocked using reputation service\n",
        subject="Mail delivery failed",
    ),
    Layout(
        "mimecast, hold",
        "policy",
        "The message you sent could not be delivered to ada@one.example.\n\nReason: 554 Email rejected due to security "
        "policies\n",
        subject="[Postmaster] Email Delivery Failure",
        sender="postmaster@one.example",
    ),
    Layout(
        "mailing list, not a member",
        "policy",
        "Your message was not delivered.\nThe list only accepts posts from members.\n",
        subject="Undeliverable: post to list rejected",
        sender="postmaster@one.example",
    ),
)
