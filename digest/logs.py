"""Logs: one line of JSON per event on stderr, with constant event names, ids and counts; no addresses or tokens.

Our own events contain none, but the text of an exception may: a driver repeats the row that it refused, a library the
address that it could not parse. So every line is redacted before it is written, including tracebacks and the lines of
other libraries. structlog is imported by the first module that logs, because that takes a quarter of a second.
"""

from __future__ import annotations

import linecache
import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import structlog

_pending_config: tuple[str, bool] | None = None  # level and json, until structlog is imported

# Each pattern backtracks over a bounded length only: log lines contain text that strangers sent.
_REDACTIONS = (
    (re.compile(r"(?<=://)[^\s/]{1,200}@"), "<credentials>@"),
    # A password may hold spaces and slashes: what follows the user's name and its colon is no port.
    (re.compile(r"(?<=://)(?!\[)[^\s/:]{0,200}:(?!\s|\d{1,5}(?:[/?#\s]|$))[^\n]{1,200}@"), "<credentials>@"),
    (re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}(?:@|%40)[\w.-]{1,255}"), "<address>"),
    (re.compile(r"digest_[A-Za-z0-9_-]{20,}"), "<token>"),
    (
        re.compile(
            r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{4,200}\.(?:[A-Za-z0-9_-]{6}\.)?[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])"
        ),
        "<token>",
    ),
    (re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"), "<token>"),
)
_ROW_DETAIL = re.compile(r"(?m)^(DETAIL|CONTEXT):.*$")  # PostgreSQL repeats the values of the row


def redact(text: str) -> str:
    """Remove e-mail addresses, signed and bearer tokens, passwords in URLs, and values of rows."""
    text = _ROW_DETAIL.sub(r"\1: <values>", text)
    for pattern, replacement in _REDACTIONS:
        text = pattern.sub(replacement, text)
    return text


class _OncePerMessage(logging.Filter):
    """Drops messages that were logged before: each setting that is read would repeat the one about a line of .env."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the message is new."""
        message = record.getMessage()
        is_new = message not in self._seen
        self._seen.add(message)
        return is_new


class _RedactingFormatter(logging.Formatter):
    """Redacts the lines of standard library loggers, including those of Celery and uvicorn, and tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        """The formatted line, redacted."""
        return redact(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - of the base class
        """The traceback; the source lines read for it are dropped."""
        text = super().formatException(ei)
        linecache.clearcache()
        return text


class _RedactingJsonFormatter(_RedactingFormatter):
    """The same as a line of JSON with the names of our own events; `logger` names the library."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON, redacted."""
        import json

        line = {
            "event": redact(record.getMessage()),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
        }
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(line)


def _drop_source_lines(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor that drops the source lines read for a traceback.

    Python keeps whole files of each module that was in a traceback: 4 MB after failures of database and Redis.
    """
    if "exception" in event:
        linecache.clearcache()
    return event


def _redact_values(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor that redacts all texts of an event, including those in lists."""
    return {key: _redact_value(value) for key, value in event.items()}


def _redact_value(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list | tuple):
        return [_redact_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _redact_value(item) for key, item in value.items()}
    return value if isinstance(value, int | float | None) else redact(str(value))


def configure(*, level: str = "INFO", json: bool = True) -> None:
    """Route structlog and the standard library's loggers to stderr at `level`, redacted."""
    global _pending_config  # noqa: PLW0603 - the process has one configuration of logs
    _pending_config = level, json
    if "structlog" in sys.modules:
        _configure_structlog()
    handler = logging.StreamHandler(sys.stderr)
    plain_formatter = _RedactingFormatter("%(levelname)s %(name)s %(message)s")
    handler.setFormatter(_RedactingJsonFormatter() if json else plain_formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for logger_name in ("httpx", "apscheduler", "celery"):  # httpx would log URLs with tokens
        logging.getLogger(logger_name).setLevel(logging.WARNING)
    dotenv_logger = logging.getLogger("dotenv.main")
    dotenv_logger.filters = [_OncePerMessage()]


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module."""
    _import_structlog()
    import structlog

    if _pending_config is not None:
        _configure_structlog()
    return structlog.get_logger(name)  # type: ignore[no-any-return]


def _import_structlog() -> None:
    """Import structlog without rich, which it would only use for tracebacks in colour: 5 MB in every process.

    None in `sys.modules` makes an import fail (https://docs.python.org/3/reference/import.html#the-module-cache).
    """
    if "structlog" in sys.modules or "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]


def _stderr_logger(*_: object) -> structlog.PrintLogger:
    """A logger that writes to the current stderr, which may have been replaced."""
    import structlog

    return structlog.PrintLogger(sys.stderr)


def _configure_structlog() -> None:
    """Apply the pending configuration, if any."""
    import structlog

    global _pending_config
    if _pending_config is None:
        return
    (level, json), _pending_config = _pending_config, None
    renderer = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _drop_source_lines,
            _redact_values,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=_stderr_logger,
        cache_logger_on_first_use=False,
    )
