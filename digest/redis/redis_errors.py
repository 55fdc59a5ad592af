"""What an error of Redis means, in one line with what to do."""

from __future__ import annotations

import re

from digest.errors import Transient

_CAUSES = (  # words of Redis' replies, and what they mean for an administrator
    (r"NOAUTH|HELLO must be called|authentication required", "it requires a password: redis://:password@host:6379/0"),
    (r"WRONGPASS|invalid username-password|invalid password", "user or password of DIGEST_REDIS_URL is wrong"),
    (r"DB index|invalid DB", "it has no database of the number at the end of DIGEST_REDIS_URL"),
    (r"LOADING|loading the dataset", "it still loads its data, and is asked again"),
    (r"READONLY|read only replica", "it is a read-only replica; name the primary in DIGEST_REDIS_URL"),
    (r"OOM command|maxmemory", "it has no memory left; raise its maxmemory, or give the service its own Redis"),
    (r"MISCONF", "it can't save its data and refuses writes; free its disk"),
)


class RedisRefusal(Transient):
    """Redis answers, but refuses a request for a known reason. The text says what to do about it."""


def failure_of(error: object) -> Transient:
    """What to raise for an error or reply of Redis: a `RedisRefusal` where it is known what that means."""
    words = str(error)
    for pattern, meaning in _CAUSES:
        if re.search(pattern, words, re.IGNORECASE):
            return RedisRefusal(f"Redis refuses us: {meaning} ({words[:100]})")
    return Transient(f"Redis does not answer: {words}")
