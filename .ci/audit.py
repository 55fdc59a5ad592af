"""Ask the public database of vulnerabilities (osv.dev) about every package of a bill of materials.

Usage: audit.py SBOM [--service URL]. Exit codes: 0 none is known, 1 some are (named), 3 not audited, because the
database does not answer.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx

SERVICE = "https://api.osv.dev"
NOT_AUDITED = 3
TIMEOUT_SECONDS = 30


def known_vulnerabilities(purls: list[str], service: str) -> dict[str, list[str]]:
    """The ids of known vulnerabilities by package. Raises OSError where the database does not answer as it should."""
    body = json.dumps({"queries": [{"package": {"purl": purl}} for purl in purls]}).encode()
    try:
        response = httpx.post(f"{service}/v1/querybatch", content=body, timeout=TIMEOUT_SECONDS)
        response.raise_for_status()
    except httpx.HTTPError as error:
        raise OSError(str(error) or type(error).__name__) from error
    try:
        results: list[Any] = response.json()["results"]
        ids = [[str(entry["id"]) for entry in result.get("vulns", [])] for result in results]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OSError("the answer is not one of its own") from error
    if len(ids) != len(purls):
        raise OSError(f"{len(ids)} answers to {len(purls)} questions")
    return {purl: vulnerabilities for purl, vulnerabilities in zip(purls, ids, strict=True) if vulnerabilities}


def main() -> int:
    """Audit, print and return the exit code."""
    service = sys.argv[sys.argv.index("--service") + 1] if "--service" in sys.argv else SERVICE
    components = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["components"]
    purls = [component["purl"] for component in components]
    try:
        vulnerable = known_vulnerabilities(purls, service)
    except OSError as error:
        sys.stderr.write(f"NOT AUDITED: {service} does not answer ({error}); repeat this with network\n")
        return NOT_AUDITED
    for purl, ids in vulnerable.items():
        sys.stdout.write(f"{purl}: {', '.join(ids)}\n")
    sys.stdout.write(f"{len(purls)} packages, {len(vulnerable)} with known vulnerabilities\n")
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
