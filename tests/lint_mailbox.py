"""Lint every mail of a Maildir: `python lint_mailbox.py MAILDIR MAILLINT`. Exit 1 where anything is found."""

from __future__ import annotations

import email
import email.policy
import subprocess
import sys
from pathlib import Path


def is_list_mail(file: Path) -> bool:
    """True for a mail that carries List-Id."""
    return "List-Id" in email.message_from_bytes(file.read_bytes(), policy=email.policy.default)


def lint(maildir: Path, tool: Path) -> int:
    """Run the linter on digests and on transactional mails; returns the number of groups with findings."""
    files = sorted((maildir / "new").iterdir())
    if not files:
        sys.exit(f"{maildir}: no mail")
    failed = 0
    for kind, mails_of_kind in (
        ("digest", [f for f in files if is_list_mail(f)]),
        ("transactional", [f for f in files if not is_list_mail(f)]),
    ):
        command = [sys.executable, str(tool), "--loopback", "--kind", kind, *map(str, mails_of_kind)]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        print(f"{kind}: {len(mails_of_kind)} mails,", "clean" if result.returncode == 0 else result.stdout)
        failed += result.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(bool(lint(Path(sys.argv[1]), Path(sys.argv[2]))))
