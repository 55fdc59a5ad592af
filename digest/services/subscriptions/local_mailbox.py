"""The mailbox that `digest demo` keeps in DATA_DIR: mails to an erased person, and about them, are removed."""

from __future__ import annotations

import email
from pathlib import Path

from digest import settings


def delete_mail_about(address: str) -> int:
    """Delete the mails in DATA_DIR/mailbox that contain this address. Returns how many."""
    needle = address.lower().encode()
    folder = settings.get().data_dir / "mailbox"
    files = [file for part in ("tmp", "new", "cur") for file in (folder / part).glob("*") if file.is_file()]
    matching = [file for file in files if _contains(file, needle)]
    for file in matching:
        file.unlink(missing_ok=True)
    return len(matching)


def _contains(file: Path, needle: bytes) -> bool:
    """True where a mail contains these bytes, literally or in a transfer encoding (RFC 2045, 6)."""
    try:
        raw = file.read_bytes()
    except FileNotFoundError:  # another process removed it
        return False
    if needle in raw.lower():
        return True
    parts = (part.get_payload(decode=True) for part in email.message_from_bytes(raw).walk())
    return any(isinstance(text, bytes) and needle in text.lower() for text in parts)
