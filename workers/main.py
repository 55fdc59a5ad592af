"""The console script. It handles Ctrl-C before it imports anything large, so that no import ends in a traceback."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from digest.cli.exit_codes import EXIT_INTERRUPTED


def run() -> None:
    """Run the command line. Ctrl-C ends it with EXIT_INTERRUPTED and without a traceback, whenever it comes."""
    _replace_interrupt_handler(signal.default_int_handler, _exit_at_once)
    from workers.commands import app

    try:
        _replace_interrupt_handler(_exit_at_once, signal.default_int_handler)
        app()
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    finally:
        _replace_interrupt_handler(signal.default_int_handler, _exit_at_once)


def _replace_interrupt_handler(present: signal._HANDLER, new: signal._HANDLER) -> None:
    """Change the handler of SIGINT from `present`; another one is kept: a shell's background job ignores the signal."""
    if signal.getsignal(signal.SIGINT) is present:
        signal.signal(signal.SIGINT, new)


def _exit_at_once(_number: int, _frame: FrameType | None) -> None:
    """End without an exception, which a finalizer would lose. For before and after the command, which cleans up itself.

    What is registered with `atexit` is skipped.
    """
    os._exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    run()
