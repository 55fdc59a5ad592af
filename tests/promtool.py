"""Debian's promtool: on PATH, else taken from its package, which is unpacked and not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_PACKAGE = "prometheus"


def find(folder: Path) -> Path | None:
    """The program's path; None where there is none and its package can't be had. `folder`: where to unpack it."""
    if (program := shutil.which("promtool")) is not None:
        return Path(program)
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return None
    if not _download(folder) and os.geteuid() == 0:
        subprocess.run(["apt-get", "-q", "update"], check=False, capture_output=True)
        _download(folder)
    packages = list(folder.glob(f"{_PACKAGE}_*.deb"))
    if not packages:
        return None
    subprocess.run(["dpkg-deb", "-x", packages[0], folder], check=True, capture_output=True)
    program_file = folder / "usr" / "bin" / "promtool"
    return program_file if program_file.exists() else None


def _download(folder: Path) -> bool:
    # As root apt would drop its rights and could not write here.
    command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", _PACKAGE]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode == 0
