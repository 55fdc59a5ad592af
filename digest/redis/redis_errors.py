"""What an error of Redis means, in one line with what to do."""

from __future__ import annotations

import re

_CAUSES = (  # words of Redis' replies, and what they mean for an administrator
    (r"NOAUTH|HELLO must be called|authentication required", "it requires a password: redis://:password@host:6379/0"),
    (r"WRONGPASS|invalid username-password|invalid password", "user or password of DIGEST_REDIS_URL is wrong"),
    (r"DB index|invalid DB", "it has no database of the number at the end of DIGEST_REDIS_URL"),
    (r"LOADING|loading the dataset", "it still loads its data, and is asked again"),
    (r"READONLY|read only replica", "it is a read-only replica; name the primary in DIGEST_REDIS_URL"),
    (r"OOM command|maxmemory", "it has no memory left; raise its maxmemory, or give the service its own Redis"),
    (r"MISCONF", "it can't save its data and refuses writes; free its disk"),
)


def describe_failure(error: object) -> str:
    """An error or reply of Redis, after what it means where that is known."""
    words = str(error)
    for pattern, meaning in _CAUSES:
        if re.search(pattern, words, re.IGNORECASE):
            return f"Redis refuses us: {meaning} ({words[:100]})"
    return f"Redis does not answer: {words}"
