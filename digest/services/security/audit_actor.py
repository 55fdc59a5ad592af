"""Who acts at the command line, for the audit."""

from __future__ import annotations

import getpass
import os


def command_line_actor() -> str:
    """`command line, user ada`; behind sudo also who called it. Without a name for the user, its number."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no entry in the password database: a container's user
        user = f"number {os.getuid()}"
    caller = os.environ.get("SUDO_USER", "")
    return f"command line, user {user}{f' for {caller}' if caller else ''}"[:300]
