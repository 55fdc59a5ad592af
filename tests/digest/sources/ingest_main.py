"""`digest ingest` without pauses between requests, for tests that kill it: arguments as of that command."""

from __future__ import annotations

import sys

from digest.sources import request_turns
from workers.main import run


def main() -> None:
    request_turns.Pacing.pause_seconds = lambda _: 0.0  # type: ignore[method-assign]
    sys.argv = ["digest", "ingest", *sys.argv[1:]]
    run()


if __name__ == "__main__":
    main()
