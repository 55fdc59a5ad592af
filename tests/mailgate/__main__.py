"""All mails through all checkers: `python -m tests.mailgate [--mails 60] [--shared DIR] [--only NAME …]`.

Each must first report a deliberately damaged mail. A checker that is not installed is named as NOT RUN. Exit 1 where
any checker finds anything in the real ones.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.mailgate import checkers
from tests.mailgate.checkers import Missing
from tests.mailgate.looks import looks
from tests.mailgate.mails import Mail, mails, spoiled
from tests.mailgate.programs import caniemail

Check = Callable[[Sequence[Mail]], list[str]]
MAX_PRINTED = 12  # findings of one checker that are printed


def main() -> int:
    """Run the gate; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=60)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    shared = options.shared if (options.shared / "data").is_dir() else None
    samples, record = mails(shared, options.mails)
    checks: dict[str, Check] = {
        "maillint": lambda these: checkers.maillint(these, shared),
        "dkimpy": lambda these: checkers.dkimpy(these, record),
        "opendkim": lambda these: checkers.opendkim(these, record),
        "vnu": checkers.vnu,
        "caniemail": caniemail,
        "postfix": checkers.postfix,
        "spamassassin": checkers.spamassassin,
        "looks": looks,
    }
    print(f"{len(samples)} mails, {min(len(m.raw) for m in samples):,} to {max(len(m.raw) for m in samples):,} bytes")
    failed = 0
    for name, check in checks.items():
        if not options.only or name in options.only:
            failed += _run(name, check, samples)
    return 1 if failed else 0


def _run(name: str, check: Check, samples: list[Mail]) -> bool:
    started = time.monotonic()
    try:
        findings = (
            check(samples) if check([spoiled(samples[0])]) else ["a spoiled mail passed: this checker checks nothing"]
        )
    except Missing as missing:
        print(f"NOT RUN: {name}: {missing}")
        return False
    print(f"{name}: {len(findings)} findings ({time.monotonic() - started:.0f} s)", flush=True)
    for line in findings[:MAX_PRINTED]:
        print(f"  {line}")
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
