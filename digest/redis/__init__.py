"""Redis: what the processes tell each other there, and a server of our own.

Nothing kept in it is needed: all of it may vanish at any time, and costs a little time then.
"""

from digest.redis.embedded_server import PrivateRedis, find_server, start_guarded
from digest.redis.store import SCHEDULER, WORKER, RedisStore, broker_url, connect, queue_kind

__all__ = [
    "SCHEDULER",
    "WORKER",
    "PrivateRedis",
    "RedisStore",
    "broker_url",
    "connect",
    "find_server",
    "queue_kind",
    "start_guarded",
]
