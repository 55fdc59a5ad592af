"""Redis: coordination between processes, and an embedded server.

Its contents may be lost at any time, which only costs some time.
"""

from digest.redis.embedded_server import PrivateRedis, find_server, start_guarded
from digest.redis.redis_errors import RedisRefusal
from digest.redis.store import (
    PROGRESS_TTL_SECONDS,
    SCHEDULER,
    WEB,
    WORKER,
    RedisStore,
    broker_url,
    connect,
    process_name,
    queue_kind,
)

__all__ = [
    "PROGRESS_TTL_SECONDS",
    "SCHEDULER",
    "WEB",
    "WORKER",
    "PrivateRedis",
    "RedisRefusal",
    "RedisStore",
    "broker_url",
    "connect",
    "find_server",
    "process_name",
    "queue_kind",
    "start_guarded",
]
