"""Tables of the command line keep words whole on a narrow terminal; what does not fit becomes a list."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.cli import output

AT = datetime(2025, 11, 21, 12, tzinfo=UTC)
NOTE = "not confirmed: at most 20 papers a day are mailed"
ROWS = [
    {"source": "arxiv", "title": "", "state": "quiet", "next": AT, "papers": 12, "note": "nothing was due"},
    {
        "source": "feed-of-a-journal",
        "title": "Journal of Research",
        "state": "ok",
        "next": AT,
        "papers": 3,
        "note": NOTE,
    },
]


@pytest.fixture(params=[40, 60, 80, 120])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_no_word_and_no_date_is_broken_at_any_width(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    output.print_rows(ROWS, json=False, unbroken=["source"])
    lines = printed(capsys)

    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    for row in ROWS:
        assert all(word in words for word in f"{row['source']} {row['title']} {row['note']}".split())
    assert sum("2025-11-21 12:00" in line for line in lines) == 2


def test_a_table_that_does_not_fit_is_a_list_of_what_is_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    output.print_rows(ROWS, json=False, unbroken=["source"])

    assert printed(capsys)[:6] == [
        "source  arxiv",
        "state   quiet",
        "next    2025-11-21 12:00",
        "papers  12",
        "note    nothing was due",
        "",
    ]


def test_a_pipe_gets_each_row_on_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    output.print_rows(ROWS, json=False)
    lines = printed(capsys)

    assert len(lines) == 3
    assert lines[2].endswith(NOTE)


@pytest.mark.parametrize("address", [100 * "x", "https://example.org/" + 60 * "a/"])
def test_a_word_longer_than_the_terminal_is_folded(
    width: int, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output.print_rows([{"name": "feed", "address": address}], json=False)
    lines = printed(capsys)

    assert max(map(len, lines)) <= width
    assert address in "".join(line.removeprefix("address").strip() for line in lines).replace("name", "")


def test_wide_characters_are_counted_as_wide(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    output.print_rows([{"title": 20 * "図書館 ", "count": 3}, {"title": "x", "count": 4}], json=False)

    assert "図書館" in printed(capsys)[1]
