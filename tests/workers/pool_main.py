"""A real `digest worker` for tests, with stubs of the services. Its one argument is what `--queues` takes."""

from __future__ import annotations

import sys

from tests.workers import stubs
from workers.pools import serve
from workers.task_queues import parse_pools

if __name__ == "__main__":
    stubs.install()
    sys.exit(serve(parse_pools(sys.argv[1] if len(sys.argv) > 1 else None, processes=1)))
