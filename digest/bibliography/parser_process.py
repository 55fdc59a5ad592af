"""Parses a bibliography in a child process with limits on memory, time and output.

What people upload is not to be trusted, and a parser that hangs or takes all memory must not take the service along.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from digest.bibliography.entry import BibliographyEntry, EntryProblem, ParsedBibliography
from digest.bibliography.formats import parse_bibliography, require_size
from digest.bibliography.import_limits import MAX_BYTES
from digest.errors import N_, BadInput

MAX_MEMORY = 1 << 30  # bytes of address space
MAX_CPU_SECONDS = 20
MAX_SECONDS = 60.0  # on a busy machine
MAX_OUTPUT = 128 << 20
_KEPT_VARIABLES = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "LANG",
    "LC_ALL",
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
)
_TOO_MUCH = N_("the file takes too long or too much memory to read; split it into smaller ones")


def parse_in_child(data: bytes) -> ParsedBibliography:
    """Parse a file or a pasted text of any format. Raises BadInput, also where it takes too much time or memory."""
    require_size(len(data))
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    command = [sys.executable, "-P", "-m", __name__]
    try:
        result = subprocess.run(  # noqa: S603 - a fixed command
            command, input=data, capture_output=True, timeout=MAX_SECONDS, env=environment, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BadInput(_TOO_MUCH) from error
    if result.returncode or len(result.stdout) > MAX_OUTPUT:
        raise BadInput(_TOO_MUCH)
    answer: dict[str, Any] = json.loads(result.stdout)
    if "refused" in answer:
        raise BadInput(answer["refused"], **answer["values"])
    return _from_json(answer)


def _from_json(answer: dict[str, Any]) -> ParsedBibliography:
    entries = (BibliographyEntry(**entry | {"authors": tuple(entry["authors"])}) for entry in answer["entries"])
    problems = (EntryProblem(**problem) for problem in answer["problems"])
    return ParsedBibliography(answer["form"], tuple(entries), tuple(problems), answer["left_out"])


def _limit_resources() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _serve() -> None:
    """The child: read a file from standard input, and write what was parsed as JSON."""
    _limit_resources()
    try:
        answer: dict[str, Any] = asdict(parse_bibliography(sys.stdin.buffer.read(MAX_BYTES + 1)))
    except BadInput as error:
        answer = {"refused": error.message, "values": error.values}
    sys.stdout.buffer.write(json.dumps(answer).encode())


if __name__ == "__main__":
    try:
        _serve()
    except MemoryError:
        sys.exit(1)
