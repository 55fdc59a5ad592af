"""What all tests share: the real data's folder, and no network but this machine's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; without it a test that reads it is skipped (the only skip allowed in CI)."""
    path = Path(os.environ.get("DIGEST_TEST_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        pytest.skip("shared data absent")
    return path
