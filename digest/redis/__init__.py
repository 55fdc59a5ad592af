"""Redis: coordination between processes, and an embedded server.

Its contents may be lost at any time, which only costs some time.
"""

from digest.redis.embedded_server import PrivateRedis, find_server, start_guarded
from digest.redis.store import (
    QUEUE_PREFIX,
    SCHEDULER,
    WELCOME,
    WORKER,
    RedisStore,
    broker_url,
    connect,
    lists_of_queue,
    queue_kind,
)

__all__ = [
    "QUEUE_PREFIX",
    "SCHEDULER",
    "WELCOME",
    "WORKER",
    "PrivateRedis",
    "RedisStore",
    "broker_url",
    "connect",
    "find_server",
    "lists_of_queue",
    "queue_kind",
    "start_guarded",
]
