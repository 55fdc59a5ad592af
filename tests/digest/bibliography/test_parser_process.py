"""Parsing in a child process, so that no file takes the service along."""

from __future__ import annotations

import pytest

from digest.bibliography import parser_process
from digest.bibliography.parser_process import parse_in_child
from digest.errors import BadInput


def test_the_child_returns_entries_and_problems() -> None:
    parsed = parse_in_child("@misc{ü, title = {Über}}\n@misc{b, year = 1}".encode())

    assert [(entry.key, entry.title) for entry in parsed.entries] == [("ü", "Über")]
    assert [(problem.key, problem.is_lost) for problem in parsed.problems] == [("b", True)]


def test_the_refusal_of_the_child_keeps_its_values() -> None:
    with pytest.raises(BadInput, match="this is a PDF file") as error:
        parse_in_child(b"%PDF-1.4")

    assert error.value.values == {"kind": "PDF"}


def test_a_file_that_takes_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser_process, "MAX_SECONDS", 0.001)

    with pytest.raises(BadInput, match="too long or too much memory"):
        parse_in_child(b"@misc{a, title = {One}}")


def test_a_file_over_the_limit_is_refused_without_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", None)

    with pytest.raises(BadInput, match="50 MB"):
        parse_in_child(b"x" * (50 << 20))
