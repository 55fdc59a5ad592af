"""Fingerprints of the files that a process read, by which `digest doctor` finds processes with an earlier version.

They are keyed with the secret keys, so that whoever sees them in Redis can't test guesses of a password.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from pathlib import Path

_HEX_DIGITS = 8  # another content has the same fingerprint once in four billion changes

_hashes_of_read_files: dict[str, bytes] = {}  # by absolute path; forked processes inherit it with what was read


def note_read(file: Path) -> None:
    """Remember the content of a file that this process has just read and keeps in use; a missing file is empty."""
    _hashes_of_read_files[str(file.absolute())] = _hash_of_content(file) or hashlib.sha256().digest()


def forget_read_files() -> None:
    """Forget all files, because this process reads its settings anew."""
    _hashes_of_read_files.clear()


def fingerprints_of_read_files(secret_keys: Sequence[str]) -> dict[str, str]:
    """The fingerprint of each file that was noted, by absolute path; empty without a key."""
    if not secret_keys:
        return {}
    return {path: _fingerprint(path, content, secret_keys) for path, content in _hashes_of_read_files.items()}


def changed_files(fingerprints: Mapping[str, str], secret_keys: Sequence[str]) -> list[str]:
    """The paths of `fingerprints` (by path) whose file has another content now; not those that can't be read here."""
    return [path for path, fingerprint in fingerprints.items() if _is_changed(path, fingerprint, secret_keys)]


def _is_changed(path: str, fingerprint: str, secret_keys: Sequence[str]) -> bool:
    """One common key is enough for a comparison, because each side may have started before a key was added."""
    content = _hash_of_content(Path(path))
    if content is None or not secret_keys:
        return False
    return not set(_fingerprint(path, content, secret_keys).split()) & set(fingerprint.split())


def _hash_of_content(file: Path) -> bytes | None:
    """The SHA-256 of a regular file; None where there is none, or it can't be read."""
    try:
        return hashlib.sha256(file.read_bytes()).digest() if file.is_file() else None
    except OSError:
        return None


def _fingerprint(path: str, content_hash: bytes, secret_keys: Sequence[str]) -> str:
    """A truncated HMAC-SHA256 with each key, separated by blanks."""
    message = b"digest.file\0" + path.encode(errors="surrogateescape") + b"\0" + content_hash
    return " ".join(hmac.digest(key.encode(), message, "sha256").hex()[:_HEX_DIGITS] for key in secret_keys)
