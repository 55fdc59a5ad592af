"""Checks of an installation: each finding is ok, a warning or an error, and says its cure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from digest import clock, redis, settings
from digest.db.core import schema_migration
from digest.db.core.engine import reading
from digest.db.outbox import deliveries
from digest.errors import DigestError, Misconfigured, Transient
from digest.interfaces import QUEUES
from digest.mail.mime import dkim
from digest.mail.smtp import dns_records, probe
from digest.models import Batch
from digest.models.types import UTCDateTime
from digest.services.admin import configuration
from digest.services.ingestion import source_status
from digest.services.security import api_tokens, proxy_warning

OK, WARNING, ERROR = "ok", "warning", "error"
_SILENT = timedelta(minutes=5)
_OVERDUE = timedelta(minutes=15)
_SKEW = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    level: str
    name: str
    text: str
    cure: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def examine() -> list[Finding]:
    """All checks in order; one that can't be made is a finding too."""
    problems = configuration.problems()
    found = [
        Finding(ERROR, "settings", problem, "`digest config check` repeats only this check") for problem in problems
    ]
    try:
        chosen = settings.get()
    except Misconfigured:
        return found
    return found + [finding for check in _CHECKS for finding in check(chosen)]


def _required(chosen: settings.Settings) -> Iterator[Finding]:
    """Settings that nothing works without."""
    missing = [name for name in ("secret_key", "mail_from", "smtp_url") if not getattr(chosen, name)]
    for name in missing:
        cure = settings.MAKE_A_KEY if name == "secret_key" else "`digest init` asks for it and writes .env"
        yield Finding(ERROR, "settings", f"DIGEST_{name.upper()} is not set", cure)
    if not missing:
        yield Finding(OK, "settings", "all that must be set is set")
    if not chosen.postal_address:
        cure = "set DIGEST_POSTAL_ADDRESS: many laws want one in the footer of bulk mail"
        yield Finding(WARNING, "settings", "no postal address", cure)


def _address(chosen: settings.Settings) -> Iterator[Finding]:
    parts = urlsplit(chosen.base_url)
    if parts.scheme == "https":
        yield Finding(OK, "address", f"one-click unsubscribe links point to {chosen.base_url}")
    elif parts.hostname in {"127.0.0.1", "localhost", "::1"}:
        cure = "set DIGEST_BASE_URL to the https address that readers reach"
        yield Finding(WARNING, "address", f"{chosen.base_url} works on this machine alone", cure)
    else:
        cure = "one-click unsubscribe (RFC 8058) needs https"
        yield Finding(ERROR, "address", f"{chosen.base_url} is not https", cure)


def _database(chosen: settings.Settings) -> Iterator[Finding]:
    try:
        current, newest = schema_migration.current(), schema_migration.newest()
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0][:160]
        yield Finding(ERROR, "database", f"can't be reached: {reason}", "check DIGEST_DATABASE_URL")
        return
    if current != newest:
        yield Finding(ERROR, "database", f"its schema is {current or 'empty'}, not {newest}", "run: digest migrate")
    else:
        yield Finding(OK, "database", f"{chosen.database.split(':', 1)[0]}, schema {current}")


def _queue(chosen: settings.Settings) -> Iterator[Finding]:
    """Is anything due and not served?"""
    try:
        with reading() as session:
            late = deliveries.overdue(session, clock.now() - _OVERDUE)
            held = deliveries.states(session)
    except SQLAlchemyError:
        return  # said by the check of the database
    if late:
        cure = "is a worker running? `digest worker`, or `digest run --inline`"
        yield Finding(ERROR, "outbox", f"{late} mails are overdue by more than {_OVERDUE.seconds // 60} minutes", cure)
    else:
        yield Finding(OK, "outbox", f"nothing overdue; {held.get('sent', 0)} sent, {held.get('queued', 0)} queued")
    if held.get("uncertain"):
        cure = "`digest admin runs show` lists them"
        yield Finding(WARNING, "outbox", f"{held['uncertain']} mails are uncertain", cure)


def _redis(chosen: settings.Settings) -> Iterator[Finding]:
    if not chosen.redis_url:
        yield Finding(OK, "redis", "private to `digest up`; `digest run --inline` needs none")
        return
    try:
        store = redis.connect(chosen.redis_url)
        ages = store.progress()
    except Transient as error:
        yield Finding(ERROR, "redis", str(error), "check DIGEST_REDIS_URL")
        return
    yield Finding(OK, "redis", "answers")
    for name, seconds in ages.items():
        silent = seconds > _SILENT.total_seconds()
        cure = "look at its log, restart it" if silent else ""
        yield Finding(WARNING if silent else OK, "workers", f"{name}: progress {seconds:.0f} s ago", cure)
    yield from _queues(store)


def _queues(store: redis.Store) -> Iterator[Finding]:
    """Who serves a queue gets something done there at least every few seconds: the scheduler sees to it."""
    asked = min(store.progress(redis.SCHEDULER).values(), default=math.inf) < _SILENT.total_seconds()
    for queue in QUEUES:
        age = min(store.progress(redis.queue_kind(queue)).values(), default=math.inf)
        if age <= _SILENT.total_seconds():
            yield Finding(OK, "queues", f"{queue}: served")
        elif asked or age == math.inf:
            cure = f"start `digest worker` (all queues) or `digest worker --queues {queue}`"
            yield Finding(ERROR, "queues", f"{queue}: no worker serves it", cure)
        else:
            cure = "start `digest scheduler`: it wakes the workers"
            yield Finding(WARNING, "queues", f"{queue}: nothing done for {age:.0f} s", cure)


def _mail_server(chosen: settings.Settings) -> Iterator[Finding]:
    for url in chosen.smtp_url:
        name = urlsplit(url).hostname or url
        try:
            said = probe.probe(url)
        except DigestError as error:
            yield Finding(ERROR, "mail server", f"{name}: {error}", "check DIGEST_SMTP_URL, and that the server runs")
        else:
            yield Finding(OK, "mail server", f"{name}: {said}")


def _signature(chosen: settings.Settings) -> Iterator[Finding]:
    if not (chosen.dkim_domain and chosen.dkim_selector and chosen.dkim_key_file):
        cure = "set DIGEST_DKIM_DOMAIN, _SELECTOR and _KEY_FILE, unless your relay signs"
        yield Finding(WARNING, "dkim", "mails are not signed here", cure)
        return
    try:
        dkim.signer_from(chosen)
    except Misconfigured as error:
        yield Finding(ERROR, "dkim", str(error), "make a key: openssl genrsa 2048")
        return
    if not _aligned(chosen.dkim_domain, chosen.mail_domain):
        cure = "sign with the domain of DIGEST_MAIL_FROM, or a parent of it"
        yield Finding(ERROR, "dkim", f"{chosen.dkim_domain} is not aligned with {chosen.mail_domain}", cure)
    yield from _ask("dkim", "the public key", lambda: bool(dns_records.dkim(chosen.dkim_domain, chosen.dkim_selector)))


def _aligned(signing: str, sender: str) -> bool:
    return sender == signing or sender.endswith(f".{signing}")


def _sender_domain(chosen: settings.Settings) -> Iterator[Finding]:
    domain = chosen.mail_domain
    if domain:
        yield from _ask("spf", f"a record for {domain}", lambda: dns_records.spf(domain))
        yield from _ask("dmarc", f"a policy for {domain}", lambda: dns_records.dmarc(domain))


def _ask(name: str, what: str, question: Callable[[], bool]) -> Iterator[Finding]:
    """A question to DNS; large receivers want a yes from who sends more than 5,000 mails a day."""
    try:
        answer = question()
    except Transient as error:
        yield Finding(WARNING, name, str(error), "ask again from a machine with DNS")
        return
    cure = "" if answer else "publish it in DNS before you send to large receivers"
    yield Finding(OK if answer else WARNING, name, f"{what} is {'' if answer else 'not '}published", cure)


def _clock(chosen: settings.Settings) -> Iterator[Finding]:
    """Slots and links that expire go by this machine's clock; the database is the second opinion."""
    now = clock.now()
    try:
        with reading() as session:
            theirs = session.execute(select(func.current_timestamp(type_=UTCDateTime()))).scalar_one()
            newest = session.execute(select(func.max(col(Batch.started_at)))).scalar_one()
    except SQLAlchemyError:
        return  # said by the check of the database
    ahead = max(abs(theirs - now), (newest or now) - now)
    if ahead > _SKEW:
        cure = "let NTP set it (timedatectl set-ntp true)"
        yield Finding(ERROR, "clock", f"{ahead.total_seconds():.0f} s off what the database says", cure)
    else:
        yield Finding(OK, "clock", f"{now:%Y-%m-%d %H:%M} UTC")


def _sources(chosen: settings.Settings) -> Iterator[Finding]:
    try:
        with reading() as session:
            newest = session.execute(select(func.max(col(Batch.started_at)))).scalar_one()
        found = source_status.standings()
    except SQLAlchemyError:
        return  # said by the check of the database
    if newest is None:
        yield Finding(WARNING, "sources", "no paper was ever ingested", "run: digest ingest …")
    for one in found:
        good = one.state in {source_status.ON_TIME, source_status.QUIET}
        through = f"; whole through {one.through}" if one.through else ""
        text = f"{one.source}: {one.state}{f' ({one.detail})' if one.detail else ''}{through}"
        yield Finding(OK if good else WARNING, "sources", text, "" if good else _cure(one))


def _cure(one: source_status.Standing) -> str:
    if one.state == source_status.NEVER:
        return f"the scheduler asks it soon, or: digest ingest {one.source}"
    return "it is asked again by itself; gaps are filled by arxiv-oai, or now: digest ingest arxiv-oai"


def _proxies(chosen: settings.Settings) -> Iterator[Finding]:
    """Behind a proxy that is not trusted, all people are one client and share its limits."""
    cure = "set DIGEST_TRUSTED_PROXIES to the proxy's address or the container bridge's network"
    everybody = [name for name in chosen.trusted_proxies if ip_network(name, strict=False).prefixlen == 0]
    if everybody:
        text = f"DIGEST_TRUSTED_PROXIES names everybody ({everybody[0]}): any client can choose its own address"
        yield Finding(ERROR, "proxies", text, "name the proxy alone")
    try:
        seen = proxy_warning.untrusted_proxies()
    except SQLAlchemyError:
        return  # said by the check of the database
    for peer in seen:
        yield Finding(WARNING, "proxies", f"{peer} forwards requests and is not trusted: its people count as one", cure)
    if urlsplit(chosen.base_url).scheme == "https" and not chosen.trusted_proxies:
        text = "https ends at a proxy, but none is trusted: all people count as one client"
        yield Finding(WARNING, "proxies", text, cure)
    elif chosen.trusted_proxies and not everybody and not seen:
        yield Finding(OK, "proxies", f"X-Forwarded-For is believed from {', '.join(chosen.trusted_proxies)}")


def _api_tokens(chosen: settings.Settings) -> Iterator[Finding]:
    try:
        names = api_tokens.unlimited()
    except SQLAlchemyError:
        return  # said by the check of the database
    if names:
        listed = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
        cure = "make ones with `digest admin token create NAME --scope …`, then `digest admin token revoke` these"
        yield Finding(WARNING, "api tokens", f"may do everything and never expire: {listed}", cure)


def _short_keys(chosen: settings.Settings) -> Iterator[Finding]:
    """Keys of programs that were in use before a length was asked for."""
    for name in ("webhook_key", "metrics_token"):
        length = len(getattr(chosen, name).encode())
        if 0 < length < settings.KEY_BYTES:
            text = f"DIGEST_{name.upper()} has {length} bytes and could be guessed"
            yield Finding(WARNING, "settings", text, settings.MAKE_A_KEY)


def _data_dir(chosen: settings.Settings) -> Iterator[Finding]:
    """DATA_DIR holds addresses and profiles; new ones are made for their owner alone, older ones were not."""
    try:
        open_to_others = [path for path in (chosen.data_dir, *chosen.data_dir.glob("*")) if path.stat().st_mode & 0o077]
    except OSError:
        return  # not there yet
    if open_to_others:
        first = open_to_others[0]
        text = f"{first} is readable by others (mode {first.stat().st_mode & 0o777:04o})"
        more = f", and {len(open_to_others) - 1} more" if len(open_to_others) > 1 else ""
        yield Finding(WARNING, "data folder", text + more, f"chmod -R go= {chosen.data_dir}")
    else:
        yield Finding(OK, "data folder", f"{chosen.data_dir} is its owner's alone")


_CHECKS: tuple[Callable[[settings.Settings], Iterator[Finding]], ...] = (
    *(_required, _short_keys, _data_dir, _address, _proxies, _api_tokens, _database, _clock, _queue, _redis),
    *(_mail_server, _signature, _sender_domain, _sources),
)
