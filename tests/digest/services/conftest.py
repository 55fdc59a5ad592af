"""Settings of a service that is set up, over databases of both kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

KEY = "a key for tests"


@pytest.fixture
def service(database: str, configured: Callable[..., None]) -> Iterator[str]:
    """The key that signs."""
    configured(
        SECRET_KEY=KEY,
        MAIL_FROM="Papers <papers@digest.example>",
        BOUNCE_ADDRESS="bounces@digest.example",
        ADMIN_EMAILS="root@digest.example,ops@digest.example",
    )
    return KEY
