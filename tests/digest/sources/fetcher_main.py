"""A process that asks sources, for tests: `SOURCE FROM TO` from the command line, the rest from the environment."""

from __future__ import annotations

import sys
from datetime import date

from digest.services.ingestion import catch_up


def main() -> None:
    source, first, last = sys.argv[1:4]
    catch_up.ingest(source, first=date.fromisoformat(first), last=date.fromisoformat(last))


if __name__ == "__main__":
    main()
