"""Logs: one JSON line an event on stderr; constant event names, ids and counts as keys, never an address or a token.

structlog is imported by the first module that logs: it takes a quarter of a second, which `--help` need not pay.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import structlog

_chosen: tuple[str, bool] | None = None  # level and form, where structlog was not there yet to be told


def configure(*, level: str = "INFO", json: bool = True) -> None:
    """Route structlog and the standard library's loggers to stderr at `level`."""
    global _chosen  # noqa: PLW0603 - the process has one configuration of logs
    _chosen = level, json
    if "structlog" in sys.modules:
        _configure_structlog()
    logging.basicConfig(level=level, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr, force=True)
    for chatty in ("httpx", "apscheduler", "celery"):  # httpx would log addresses of links
        logging.getLogger(chatty).setLevel(logging.WARNING)


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module."""
    import structlog

    if _chosen is not None:
        _configure_structlog()
    return structlog.get_logger(name)  # type: ignore[no-any-return]


def _configure_structlog() -> None:
    """Apply what was chosen, once."""
    import structlog

    global _chosen
    if _chosen is None:
        return
    (level, json), _chosen = _chosen, None
    renderer = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
