"""The user of the command line, as the audit names it."""

from __future__ import annotations

import getpass
import os


def command_line_actor() -> str:
    """`command line, user ada`, and under sudo also the caller. A user without a name is given by number."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no entry in the password database, as in containers
        user = f"number {os.getuid()}"
    caller = os.environ.get("SUDO_USER", "")
    return f"command line, user {user}{f' for {caller}' if caller else ''}"[:300]
