"""Checks of an installation: each finding is ok, a warning or an error, with its cure."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from digest import clock, setting_types, settings
from digest.db.core import database_failures, schema_migration
from digest.db.core.engine import reading, require_valid_address
from digest.db.papers import feed_sources, source_days, summaries
from digest.db.reporting import installation_totals
from digest.errors import Misconfigured
from digest.services.admin import (
    configuration,
    doctor_host,
    doctor_mail,
    doctor_outbox,
    doctor_processes,
    source_listing,
    worker_findings,
)
from digest.services.admin.doctor_finding import ERROR, OK, WARNING, Check, DoctorFinding
from digest.services.ingestion import source_status, summarize_papers
from digest.services.security import api_tokens, proxy_warning
from digest.sources import summary_endpoint
from digest.text.counted import count_of

__all__ = ["ERROR", "OK", "WARNING", "DoctorFinding", "run_checks"]

_MAX_CLOCK_SKEW = timedelta(seconds=60)


def run_checks() -> list[DoctorFinding]:
    """All checks in order. Those that need the database are left out where it can't be used."""
    try:
        configuration.require_configured()
    except Misconfigured as error:
        return [DoctorFinding(ERROR, "settings", str(error))]
    problems = configuration.problems()
    findings = [
        DoctorFinding(ERROR, "settings", text, "fix it; `digest config check` repeats this check") for text in problems
    ]
    try:
        config = settings.get()
        findings += [
            DoctorFinding(WARNING, "settings", text, "correct or remove it") for text in configuration.warnings()
        ]
    except Misconfigured:
        return findings
    with ThreadPoolExecutor(len(_CHECKS)) as threads:  # each may wait for a server that does not answer
        results = [threads.submit(list, check(config)) for check in _CHECKS]
    findings += [finding for result in results for finding in result.result()]
    try:
        require_valid_address(config.database)
    except Misconfigured:  # one of the problems above
        return findings
    database = list(_check_database(config))
    findings += database
    if all(finding.level == OK for finding in database):
        findings += [finding for check in _DATABASE_CHECKS for finding in _run_check(check, config)]
    return findings


def _run_check(check: Check, config: settings.Settings) -> Iterator[DoctorFinding]:
    try:
        yield from check(config)
    except database_failures.FAILURES as error:
        yield DoctorFinding(ERROR, "database", *database_failures.problem_and_cure(error))


def _check_required_settings(config: settings.Settings) -> Iterator[DoctorFinding]:
    """Settings without which nothing works."""
    missing = [name for name in ("secret_key", "mail_from", "smtp_url") if not getattr(config, name)]
    if "smtp_url" in missing and worker_findings.stored_findings(worker_findings.MAIL_SERVER, config) is not None:
        missing.remove("smtp_url")  # this process does not send, and the one that does has it
    for name in missing:
        cure = setting_types.KEY_HINT if name == "secret_key" else "`digest init` asks for it and writes .env"
        yield DoctorFinding(ERROR, "settings", f"DIGEST_{name.upper()} is not set", cure)
    if not missing:
        yield DoctorFinding(OK, "settings", "all required settings are set")
    if not config.postal_address:
        cure = "set DIGEST_POSTAL_ADDRESS: many laws want one in the footer of bulk mail"
        yield DoctorFinding(WARNING, "settings", "no postal address", cure)


def _check_base_url(config: settings.Settings) -> Iterator[DoctorFinding]:
    parts = urlsplit(config.base_url)
    if _is_this_machine(parts.hostname or ""):
        cure = "set DIGEST_BASE_URL to the https address that subscribers reach"
        yield DoctorFinding(WARNING, "address", f"{config.base_url} works only on this machine", cure)
    elif parts.scheme == "https":
        yield DoctorFinding(OK, "address", f"one-click unsubscribe links point to {config.base_url}")
    else:
        cure = "one-click unsubscribe (RFC 8058) needs https"
        yield DoctorFinding(ERROR, "address", f"{config.base_url} is not https", cure)


def _is_this_machine(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _check_database(config: settings.Settings) -> Iterator[DoctorFinding]:
    try:
        current, newest = schema_migration.current_revision(), schema_migration.newest_revision()
        tables = schema_migration.foreign_tables() if current is None else []
        problem = schema_migration.foreign_database_message(tables) if tables else schema_migration.encoding_problem()
    except database_failures.FAILURES as error:
        yield DoctorFinding(ERROR, "database", *database_failures.problem_and_cure(error))
        return
    if problem:
        text, cure = problem.split("; ", 1)
        yield DoctorFinding(ERROR, "database", text, cure)
    elif schema_migration.is_missing_file():
        cure = "run: digest migrate (in the folder of the installation)"
        yield DoctorFinding(ERROR, "database", "there is none yet", cure)
    elif current == newest:
        yield DoctorFinding(OK, "database", f"{config.database.split(':', 1)[0]}, schema {current}")
    elif current is not None and not schema_migration.is_known_revision(current):
        cure = "install the newer release again; this one must not write to it"
        yield DoctorFinding(
            ERROR, "database", f"its schema {current} is of a newer release (this one has {newest})", cure
        )
    else:
        yield DoctorFinding(
            ERROR, "database", f"its schema is {current or 'empty'}, not {newest}", "run: digest migrate"
        )


def _check_clock(config: settings.Settings) -> Iterator[DoctorFinding]:
    """Slots and expiring links depend on this machine's clock; it is compared to the database's."""
    now = clock.now()
    with reading() as session:
        database_time = installation_totals.database_time(session)
        newest = installation_totals.newest_batch_at(session)
    skew = max(abs(database_time - now), (newest or now) - now)
    if skew > _MAX_CLOCK_SKEW:
        cure = "let NTP set it (timedatectl set-ntp true)"
        yield DoctorFinding(ERROR, "clock", f"{skew.total_seconds():.0f} s off the database's clock", cure)
    else:
        yield DoctorFinding(OK, "clock", f"{now:%Y-%m-%d %H:%M} UTC")


def _check_sources(config: settings.Settings) -> Iterator[DoctorFinding]:
    with reading() as session:
        newest = installation_totals.newest_batch_at(session)
    if newest is None:
        yield DoctorFinding(WARNING, "sources", "no papers were ingested yet", "run: digest ingest")
    for status in source_status.source_statuses():
        is_healthy = status.state in {source_status.ON_TIME, source_status.QUIET, source_status.PAUSED}
        through = f"; complete through {status.complete_through}" if status.complete_through else ""
        text = f"{status.source}: {status.state}{f' ({status.detail})' if status.detail else ''}{through}"
        yield DoctorFinding(OK if is_healthy else WARNING, "sources", text, "" if is_healthy else _source_cure(status))
    for line in source_listing.unconfirmed_lines():
        yield DoctorFinding(WARNING, "sources", line.text, line.cure)


def _check_summaries(_config: settings.Settings) -> Iterator[DoctorFinding]:
    """The endpoint for summaries, where one is set: whether it is configured and the result of the last attempt."""
    try:
        if not summary_endpoint.is_configured():
            return
    except Misconfigured as error:
        yield DoctorFinding(ERROR, "summaries", str(error), "set it, or leave DIGEST_SUMMARY_URL empty")
        return
    now = clock.now()
    with reading() as session:
        state = source_days.source_state(session, summarize_papers.STATE)
        summary_count = summaries.count_own_since(session, now - timedelta(days=1))
    if state is None:
        yield DoctorFinding(OK, "summaries", f"{summary_endpoint.model()}: not asked yet")
    elif state.outcome:
        cure = "it is asked again after the next fetch; papers are mailed without a line meanwhile"
        yield DoctorFinding(WARNING, "summaries", f"{summary_endpoint.model()}: {state.detail}", cure)
    else:
        yield DoctorFinding(
            OK, "summaries", f"{summary_endpoint.model()}: {count_of(summary_count, 'paper')} in 24 hours"
        )


def _source_cure(status: source_status.SourceStatus) -> str:
    if status.state == source_status.NEVER_FETCHED:
        return f"the scheduler fetches it soon, or: digest ingest {status.source}"
    cure = f"it is retried automatically, or now: digest ingest {status.source}"
    with reading() as session:
        feed = feed_sources.feed(session, status.source)
    if feed is None or not feed.former_url:
        return cure
    return f"{cure}; it moved from {feed.former_url}, back to there: digest sources restore {status.source}"


def _check_proxies(config: settings.Settings) -> Iterator[DoctorFinding]:
    """Everybody behind a proxy that is not trusted counts as one client and shares its limits."""
    cure = "set DIGEST_TRUSTED_PROXIES to the proxy's address or the container bridge's network"
    unrestricted = [name for name in config.trusted_proxies if ip_network(name, strict=False).prefixlen == 0]
    if unrestricted:
        text = f"DIGEST_TRUSTED_PROXIES trusts all addresses ({unrestricted[0]}): any client can forge its address"
        yield DoctorFinding(ERROR, "proxies", text, "name only the proxy")
    untrusted = proxy_warning.untrusted_proxies()
    for peer in untrusted:
        yield DoctorFinding(
            WARNING,
            "proxies",
            f"{peer} forwards requests and is not trusted: everybody behind it counts as one client",
            cure,
        )
    if urlsplit(config.base_url).scheme == "https" and not config.trusted_proxies:
        text = "https ends at a proxy, but none is trusted: everybody counts as one client"
        yield DoctorFinding(WARNING, "proxies", text, cure)
    elif config.trusted_proxies and not unrestricted and not untrusted:
        yield DoctorFinding(OK, "proxies", f"X-Forwarded-For is believed from {', '.join(config.trusted_proxies)}")


def _check_api_tokens(config: settings.Settings) -> Iterator[DoctorFinding]:
    names = api_tokens.unlimited_token_names()
    if names:
        listed = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
        cure = "create others with `digest admin token create NAME --scope …`, then `digest admin token revoke` these"
        yield DoctorFinding(WARNING, "api tokens", f"have all scopes and never expire: {listed}", cure)


def _check_key_lengths(config: settings.Settings) -> Iterator[DoctorFinding]:
    """Keys of other programs, whose length is not enforced."""
    for name in ("webhook_key", "metrics_token"):
        length = len(getattr(config, name).encode())
        if 0 < length < setting_types.MIN_KEY_BYTES:
            text = f"DIGEST_{name.upper()} has {length} bytes and could be guessed"
            yield DoctorFinding(WARNING, "settings", text, setting_types.KEY_HINT)


def _check_data_dir(config: settings.Settings) -> Iterator[DoctorFinding]:
    """DATA_DIR must be writable, also with PostgreSQL, and is for its owner alone: it holds addresses and profiles."""
    folder = config.data_dir
    try:
        if not folder.exists():
            yield _missing_data_dir(folder)
            return
        with tempfile.TemporaryFile(dir=folder):
            pass
        open_to_others = [path for path in (folder, *folder.glob("*")) if path.stat().st_mode & 0o077]
    except OSError as error:
        cure = "set DIGEST_DATA_DIR to a folder that this user may write to (chown)"
        yield DoctorFinding(ERROR, "data folder", f"{folder} can't be written to: {error.strerror}", cure)
        return
    if open_to_others:
        first = open_to_others[0]
        text = f"{first} is readable by others (mode {first.stat().st_mode & 0o777:04o})"
        more = f", and {len(open_to_others) - 1} more" if len(open_to_others) > 1 else ""
        yield DoctorFinding(WARNING, "data folder", text + more, f"chmod -R go= {folder}")
    else:
        yield DoctorFinding(OK, "data folder", f"{folder} is writable, and its owner's alone")


def _missing_data_dir(folder: Path) -> DoctorFinding:
    """A folder that `digest migrate` creates; the doctor creates nothing. Raises OSError where it can't be created."""
    parent = next(path for path in folder.absolute().parents if path.exists())
    if not parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(parent))
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(parent))
    return DoctorFinding(WARNING, "data folder", f"{folder} does not exist yet", "`digest migrate` creates it")


_CHECKS: tuple[Check, ...] = (
    *(_check_required_settings, _check_key_lengths, _check_data_dir, doctor_host.check_disk),
    *(_check_base_url, doctor_host.check_certificate),
    *(
        doctor_mail.check_bounce_address,
        *(secret_check.findings for secret_check in worker_findings.CHECKS),
    ),
    doctor_mail.check_sender_domain,
)
_DATABASE_CHECKS: tuple[Check, ...] = (
    *(
        _check_proxies,
        _check_api_tokens,
        _check_clock,
        doctor_outbox.check_outbox,
        doctor_outbox.check_paused,
        doctor_outbox.check_runs,
        doctor_processes.check_processes,
        _check_sources,
        _check_summaries,
    ),
)
