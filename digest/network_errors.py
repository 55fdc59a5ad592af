"""Errors of the network in words that name the cause."""

from __future__ import annotations

import socket

UNRESOLVED = "its name can't be resolved; is there a network, and does DNS answer?"


def describe_network_error(error: BaseException) -> str:
    """The text of an error, or the cause where a name could not be resolved; the class where there is no text."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return UNRESOLVED
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__
