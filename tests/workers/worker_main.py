"""A real Celery worker for tests, with stubs of the services. Settings come from the environment."""

from __future__ import annotations

import sys

from tests.workers import stubs
from workers.app import run_worker

if __name__ == "__main__":
    stubs.install()
    sys.exit(run_worker(concurrency=2))
