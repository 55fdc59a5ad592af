"""A process that fetches from a source, for tests: arguments `SOURCE FROM TO`, settings from the environment."""

from __future__ import annotations

import sys
from datetime import date

from digest.services.ingestion import catch_up


def main() -> None:
    source, first, last = sys.argv[1:4]
    catch_up.ingest(source, first=date.fromisoformat(first), last=date.fromisoformat(last))


if __name__ == "__main__":
    main()
