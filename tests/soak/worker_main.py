"""A real Celery worker with a plain composer and short waits. Settings come from the environment."""

from __future__ import annotations

import sys

from tests.soak.short import shorten
from tests.workers import stubs
from workers.app import run_worker

if __name__ == "__main__":
    shorten()
    stubs.install()
    sys.exit(run_worker(concurrency=2))
