"""A supervisor for tests: keeps the given Python scripts running, with a private Redis. Prints its pids on request."""

from __future__ import annotations

import sys

from digest.redis import PrivateRedis
from workers.supervisor import Supervisor

if __name__ == "__main__":
    redis = PrivateRedis()
    scripts = {f"child{number}": [sys.executable, "-c", script] for number, script in enumerate(sys.argv[1:])}
    sys.exit(Supervisor(scripts, redis=redis, environment={"DIGEST_REDIS_URL": redis.url}, drain_seconds=5).run())
