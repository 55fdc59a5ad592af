"""The bill of materials holds the lock, and the audit says what is known, or that it could not ask."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

LOCK = ROOT / "requirements.txt"


@pytest.fixture
def bill(tmp_path: Path) -> Path:
    """The bill of materials of the lock."""
    file = tmp_path / "build" / "sbom.json"
    subprocess.run([sys.executable, ROOT / ".ci" / "sbom.py", LOCK, file], check=True, capture_output=True)
    return file


class Database:
    """Stands for the database of vulnerabilities."""

    def __init__(self) -> None:
        self.vulnerable: dict[str, list[str]] = {}
        self.answer: bytes | None = None

    def reply(self, body: bytes) -> bytes:
        purls = [query["package"]["purl"] for query in json.loads(body)["queries"]]
        results = [{"vulns": [{"id": n} for n in self.vulnerable[p]]} if p in self.vulnerable else {} for p in purls]
        return json.dumps({"results": results}).encode() if self.answer is None else self.answer


@pytest.fixture
def database() -> Iterator[tuple[Database, str]]:
    advisory_database = Database()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = advisory_database.reply(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield advisory_database, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def _audit(bill: Path, service: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / ".ci" / "audit.py", bill, "--service", service]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_every_locked_package_is_listed_with_its_version_and_hashes(bill: Path) -> None:
    content: dict[str, Any] = json.loads(bill.read_text())

    locked = [
        line.split(" ")[0].split(";")[0]
        for line in LOCK.read_text().splitlines()
        if "==" in line and line[0] not in " #"
    ]
    listed = {f"{component['name']}=={component['version']}" for component in content["components"]}
    assert listed == {line.partition("[")[0] + line[line.index("==") :] if "[" in line else line for line in locked}
    assert all(component["properties"] for component in content["components"])


def test_what_needs_what_is_the_locks_and_every_reference_exists(bill: Path) -> None:
    content = json.loads(bill.read_text())

    needs = {entry["ref"]: entry["dependsOn"] for entry in content["dependencies"]}
    names = {component["bom-ref"] for component in content["components"]}
    assert set(needs) == names | {"pkg:pypi/papers-inbox"}
    assert {other for others in needs.values() for other in others} <= names
    assert any(ref.startswith("pkg:pypi/celery@") for ref in needs["pkg:pypi/papers-inbox"])
    assert any(
        ref.startswith("pkg:pypi/kombu@") for key, others in needs.items() if "/celery@" in key for ref in others
    )


def test_the_same_lock_gives_the_same_bill(bill: Path, tmp_path: Path) -> None:
    second_file = tmp_path / "again.json"
    subprocess.run([sys.executable, ROOT / ".ci" / "sbom.py", LOCK, second_file], check=True, capture_output=True)

    assert second_file.read_bytes() == bill.read_bytes()


def test_known_vulnerabilities_are_named_and_fail_the_audit(bill: Path, database: tuple[Database, str]) -> None:
    advisory_database, service = database
    purl = json.loads(bill.read_text())["components"][0]["purl"]
    advisory_database.vulnerable = {purl: ["GHSA-1", "PYSEC-2"]}

    result = _audit(bill, service)

    assert (result.returncode, f"{purl}: GHSA-1, PYSEC-2" in result.stdout) == (1, True)


def test_without_known_vulnerabilities_the_audit_passes(bill: Path, database: tuple[Database, str]) -> None:
    assert _audit(bill, database[1]).returncode == 0


@pytest.mark.parametrize("answer", [b"", b"<html>", b"{}", b'{"results": []}', b'{"results": [7]}'])
def test_an_answer_that_is_none_is_no_audit(bill: Path, database: tuple[Database, str], answer: bytes) -> None:
    database[0].answer = answer

    assert _audit(bill, database[1]).returncode == 3


def test_without_network_the_audit_says_that_it_did_not_happen(bill: Path) -> None:
    result = _audit(bill, "http://127.0.0.1:9")

    assert (result.returncode, result.stderr.startswith("NOT AUDITED")) == (3, True)
