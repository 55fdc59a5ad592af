"""`digest doctor`: mail servers, DKIM, SPF, DMARC and the address for bounces.

Which records in DNS count as SPF, DKIM and DMARC: `mail/smtp/sender_domain_records.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

from digest.errors import DigestError, Misconfigured, Transient
from digest.mail.bounces import imap_folder
from digest.mail.mime import dkim
from digest.mail.smtp import probe, sender_domain_records
from digest.services.admin.doctor_finding import ERROR, OK, WARNING, DoctorFinding
from digest.services.bounces import imap_poll
from digest.settings import Settings
from digest.text.counted import count_of

_FOLDER_TIMEOUT_SECONDS = 10.0  # somebody waits for the report
_MIN_KEY_BITS = 2048  # RFC 8301: signers should use at least 2048 bits
_SERVER_CURES = (  # words of the errors of servers and of TLS, and what to do
    (r"certificate", "use the name in the server's certificate, and let the server renew it where it has expired"),
    (r"SMTP AUTH", "the server offers no login on this port: use 587 or 465, or leave user and password out"),
    (r"wrong.version|STARTTLS", "the server has no such TLS: smtps:// is for port 465, ?tls=starttls for 587 and 25"),
    (r"\b(?:421|454)\b", "the server can't do it now: its log says why (its TLS, its login service, its load)"),
    (r"\b55[0-9]\b", "the server refuses this machine: let it accept mail from here, or name another one"),
    (r"\b53[0458]\b", "correct user and password in DIGEST_SMTP_URL"),
    (r"Timed out", "no answer: check host and port of DIGEST_SMTP_URL, and the firewalls between"),
    (r"Name or service|getaddrinfo|resolution", "correct the host in DIGEST_SMTP_URL, or this machine's DNS"),
)
_RESERVED_DOMAINS = (".example", ".invalid", ".localhost", ".test")  # RFC 2606: no DNS can hold their records
_SECRETS_OF_CONTAINERS = "/run/secrets"  # mounted with the host's mode; there a folder keeps others out


def check_mail_servers(config: Settings) -> Iterator[DoctorFinding]:
    """Connect and sign in to each server, to all at once; sends nothing."""
    if config.smtp_url:
        with ThreadPoolExecutor(len(config.smtp_url)) as threads:
            yield from threads.map(_check_mail_server, config.smtp_url)


def _check_mail_server(url: str) -> DoctorFinding:
    name = urlsplit(url).hostname or "DIGEST_SMTP_URL"
    try:
        return DoctorFinding(OK, "mail server", f"{name}: {probe.probe_server(url)}")
    except DigestError as error:
        return DoctorFinding(ERROR, "mail server", f"{name}: {error}", _server_cure(str(error)))


def _server_cure(error: str) -> str:
    """What to do about a mail server that can't be used, by the words of its error."""
    return next(
        (cure for pattern, cure in _SERVER_CURES if re.search(pattern, error, re.IGNORECASE)),
        "check host and port of DIGEST_SMTP_URL, and that the server runs",
    )


def check_bounce_address(config: Settings) -> Iterator[DoctorFinding]:
    """Without an address of its own no mailed report can be attributed to one of our mails."""
    if not config.bounce_address:
        text = "DIGEST_BOUNCE_ADDRESS is not set: no mailed bounce report is believed, and dead addresses stay"
        yield DoctorFinding(WARNING, "bounces", text, "set it, and give its mail to `digest bounces ingest`")


def check_bounce_folder(config: Settings) -> Iterator[DoctorFinding]:
    """Sign in to the IMAP server and open the folder; reads and changes nothing."""
    try:
        account = imap_poll.account_from(config)
        if account is None:
            return
        with imap_folder.open_folder(account, timeout=_FOLDER_TIMEOUT_SECONDS) as folder:
            message_count = len(folder.unprocessed())
    except DigestError as error:
        cure = "check the settings DIGEST_BOUNCE_IMAP_…, and that the server runs"
        yield DoctorFinding(ERROR, "bounce folder", str(error), cure)
    else:
        text = f"{account.folder} at {account.host}: {count_of(message_count, 'message')} to process"
        yield DoctorFinding(OK, "bounce folder", text)


def check_dkim(config: Settings) -> Iterator[DoctorFinding]:
    """The key's file, its length, its domain, and whether DNS publishes its other half."""
    if not any((config.dkim_domain, config.dkim_selector, config.dkim_key_file)):
        cure = "set DIGEST_DKIM_DOMAIN, _SELECTOR and _KEY_FILE, unless your relay signs"
        yield DoctorFinding(WARNING, "dkim", "mails are not signed here", cure)
        return
    try:
        dkim.signer_from(config)
        assert config.dkim_key_file is not None
        pem = config.dkim_key_file.read_bytes()
    except Misconfigured as error:
        problem, _, cure = str(error).partition("; ")
        yield DoctorFinding(ERROR, "dkim", problem, cure)
        return
    yield from _check_key_file(config, pem)
    if not _is_aligned(config.dkim_domain, config.mail_domain):
        cure = "sign with the domain of DIGEST_MAIL_FROM, or a parent of it"
        yield DoctorFinding(ERROR, "dkim", f"{config.dkim_domain} is not aligned with {config.mail_domain}", cure)
    yield from _check_published_key(config, config.dkim_selector, dkim.dns_record(pem))
    yield from _check_second_key(config)


def _check_second_key(config: Settings) -> Iterator[DoctorFinding]:
    """The key of a rotation: the next one, which DNS must publish before it signs, or the previous one.

    It signs nothing, so nothing about it is an error.
    """
    if not config.dkim_second_selector and config.dkim_second_key_file is None:
        return
    if not config.dkim_second_selector or config.dkim_second_key_file is None:
        text = "DIGEST_DKIM_SECOND_SELECTOR and DIGEST_DKIM_SECOND_KEY_FILE must be set together"
        yield DoctorFinding(WARNING, "dkim", text, "set the other one too, or neither")
        return
    try:
        record = dkim.dns_record(config.dkim_second_key_file.read_bytes())
    except OSError as error:
        text = f"{config.dkim_second_key_file} can't be read ({error.strerror})"
        yield DoctorFinding(WARNING, "dkim", text, dkim.cure_of_unreadable_key(error))
        return
    except (ValueError, TypeError):
        text = f"{config.dkim_second_key_file} can't be read (no private key in PEM form)"
        yield DoctorFinding(WARNING, "dkim", text, "make a key: digest dkim new")
        return
    for finding in _check_published_key(config, config.dkim_second_selector, record):
        yield replace(finding, level=OK if finding.level == OK else WARNING)


def _check_key_file(config: Settings, pem: bytes) -> Iterator[DoctorFinding]:
    assert config.dkim_key_file is not None
    mode = config.dkim_key_file.stat().st_mode & 0o777
    if mode & 0o077 and not config.dkim_key_file.is_relative_to(_SECRETS_OF_CONTAINERS):
        text = f"{config.dkim_key_file} is readable by others (mode {mode:04o}): they can sign mail in your name"
        yield DoctorFinding(WARNING, "dkim", text, f"chmod 600 {config.dkim_key_file}")
    bits = dkim.key_bits(pem)
    if bits < _MIN_KEY_BITS:
        cure = "make a key of 2048 bits under a new selector: digest dkim new"
        yield DoctorFinding(WARNING, "dkim", f"the key has only {bits} bits", cure)


def _check_published_key(config: Settings, selector: str, record: str) -> Iterator[DoctorFinding]:
    name = f"{selector}._domainkey.{config.dkim_domain}"
    if _is_reserved(config.dkim_domain):
        yield _reserved_domain_finding("dkim", name)
        return
    is_second = selector != config.dkim_selector
    try:
        published = sender_domain_records.dkim_record(config.dkim_domain, selector)
    except Transient as error:
        yield DoctorFinding(WARNING, "dkim", str(error), "ask again from a machine with DNS")
        return
    if not published:
        yield DoctorFinding(ERROR, "dkim", f"no public key is published at {name}", f"publish there: {record}")
    elif _public_key(published) != _public_key(record):
        effect = "it can't sign yet" if is_second else "every signature fails"
        text = f"the key published at {name} is not {'the second one' if is_second else 'the one that signs'}: {effect}"
        yield DoctorFinding(ERROR, "dkim", text, f"publish there: {record}")
    else:
        key = "the second key" if is_second else "the key that signs"
        yield DoctorFinding(OK, "dkim", f"the public key at {name} belongs to {key}")


def _public_key(record: str) -> str:
    """The value of the tag `p=` without blanks (RFC 6376 3.6.1)."""
    tags = (part.partition("=") for part in record.split(";"))
    return next(("".join(value.split()) for name, _, value in tags if name.strip() == "p"), "")


def _is_reserved(domain: str) -> bool:
    """True for the domain of `digest demo` and others of examples."""
    return f".{domain}".endswith(_RESERVED_DOMAINS)


def _reserved_domain_finding(name: str, record: str) -> DoctorFinding:
    text = f"no DNS can publish {record}: the domain is reserved for examples (RFC 2606)"
    return DoctorFinding(
        WARNING, name, text, "fine for a trial; else set DIGEST_MAIL_FROM and DIGEST_DKIM_DOMAIN to yours"
    )


def _is_aligned(signing: str, sender: str) -> bool:
    return sender == signing or sender.endswith(f".{signing}")


def check_sender_domain(config: Settings) -> Iterator[DoctorFinding]:
    """SPF and DMARC, which large receivers require of bulk senders. SPF is judged by the domain of the return path."""
    domain = config.mail_domain
    return_domain = config.bounce_address.rpartition("@")[2] or domain
    if _is_reserved(domain):
        yield _reserved_domain_finding("spf", f"the SPF and DMARC records of {domain}")
        return
    for name in dict.fromkeys(filter(None, (return_domain, domain))):
        yield from _check_record("spf", f"a record for {name}", partial(sender_domain_records.spf_count, name))
    if domain:
        count = partial(sender_domain_records.dmarc_count, domain)
        yield from _check_record("dmarc", f"a policy for {domain}", count)


def _check_record(name: str, description: str, count_published: Callable[[], int]) -> Iterator[DoctorFinding]:
    try:
        count = count_published()
    except Transient as error:
        yield DoctorFinding(WARNING, name, str(error), "ask again from a machine with DNS")
        return
    if count > 1:
        text = f"{description} is published {count} times, and receivers accept none of them"
        yield DoctorFinding(WARNING, name, text, "make one record of them")
    elif count:
        yield DoctorFinding(OK, name, f"{description} is published")
    else:
        cure = "publish it in DNS before you send to large receivers"
        yield DoctorFinding(WARNING, name, f"{description} is not published", cure)
