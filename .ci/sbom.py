"""Write the bill of materials of the service (CycloneDX 1.6, JSON) from its lock, without network.

Usage: sbom.py LOCK TARGET. Names, versions, hashes and what needs what are the lock's; licences are those of installed
packages. The same lock gives the same file.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import uuid
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

PRODUCT = "papers-inbox"
_REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)(?: *; *([^\\]+?))? *\\?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NEEDED_BY = re.compile(r"^ +# +(?:via +)?([A-Za-z0-9][A-Za-z0-9._-]*)(?: \(.*\))?$")


@dataclass
class LockedPackage:
    """One package of the lock. `marker`: the platforms that it is for, '' for all."""

    name: str
    version: str
    marker: str = ""
    hashes: list[str] = field(default_factory=list)
    needed_by: list[str] = field(default_factory=list)

    @property
    def purl(self) -> str:
        """The package's address (package-url)."""
        return f"pkg:pypi/{self.name.lower().replace('_', '-')}@{self.version}"


def read_lock(text: str) -> list[LockedPackage]:
    """The packages of a requirements file with hashes and the comments of its resolver."""
    packages: list[LockedPackage] = []
    for line in text.splitlines():
        if requirement := _REQUIREMENT.match(line):
            packages.append(LockedPackage(requirement[1], requirement[2], requirement[3] or ""))
        elif packages and (digest := _HASH.search(line)):
            packages[-1].hashes.append(digest[1])
        elif packages and (parent := _NEEDED_BY.match(line)):
            packages[-1].needed_by.append(parent[1])
    return packages


def bill_of_materials(packages: list[LockedPackage]) -> dict[str, Any]:
    """The document."""
    root = f"pkg:pypi/{PRODUCT}"
    purls: dict[str, list[str]] = {PRODUCT: [root]}
    for package in packages:  # one name may have several versions, each for other platforms
        purls.setdefault(package.name, []).append(package.purl)
    needs: dict[str, list[str]] = {purl: [] for versions in purls.values() for purl in versions}
    for package in packages:
        for parent in [purl for name in package.needed_by for purl in purls.get(name, ())]:
            needs[parent].append(package.purl)
    identity = hashlib.sha256("\n".join(sorted(needs)).encode()).digest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=identity[:16], version=4)}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": PRODUCT, "bom-ref": root, "purl": root}},
        "components": [_component(package) for package in packages],
        "dependencies": [{"ref": ref, "dependsOn": sorted(others)} for ref, others in sorted(needs.items())],
    }


def _component(package: LockedPackage) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "name": package.name,
        "version": package.version,
        "bom-ref": package.purl,
        "purl": package.purl,
        "properties": [{"name": "sha256 of a file", "value": digest} for digest in package.hashes],
    }
    if package.marker:
        component["properties"].append({"name": "environment marker", "value": package.marker})
    licence = _licence(package.name)
    return component | ({"licenses": [{"license": {"name": licence}}]} if licence else {})


def _licence(name: str) -> str:
    """The licence of an installed package in one line, '' where it is not installed or names none."""
    try:
        fields = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    classifiers = [
        text.rpartition(" :: ")[2] for text in fields.get_all("Classifier") or [] if text.startswith("License")
    ]
    stated = fields.get("License-Expression") or (classifiers[0] if classifiers else fields.get("License") or "")
    return stated.strip().partition("\n")[0][:100]


def main() -> None:
    """Write the file."""
    lock, target = Path(sys.argv[1]), Path(sys.argv[2])
    packages = read_lock(lock.read_text(encoding="utf-8"))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(bill_of_materials(packages), indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{target}: {len(packages)} packages\n")


if __name__ == "__main__":
    main()
