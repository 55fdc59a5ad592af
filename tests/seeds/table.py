"""The table of docs/SEEDS.md: `python -m tests.seeds.table` prints it."""

from __future__ import annotations

from datetime import date

from digest.papers import ListedPaper, ParsedDocument, merge_all
from seeds import loader

_HEADER = (
    "| document | form | papers found | merged into an earlier one | rejected | new | authors | date | code | venue |"
)


def render(today: date) -> str:
    """One row a document, in order, and their sum."""
    before: list[ListedPaper] = []
    rows = []
    for (name, text), (_, parsed) in zip(loader.shipped_documents(), loader.load(today=today), strict=True):
        after = merge_all([*before, *parsed.papers])
        new = len(after) - len(before)
        form = loader.detect_form(text)
        rows.append([len(parsed.papers), len(parsed.papers) - new, len(parsed.rejected), new, *_known_counts(parsed)])
        rows[-1][:0] = [f"`{name[:3]}_…`", form.value if form else "unknown"]
        before = after
    total = ["**all**", "", *(sum(row[column] for row in rows) for column in range(2, len(rows[0])))]
    line = "|" + "---|" * len(total)
    return "\n".join([_HEADER, line, *("| " + " | ".join(map(str, row)) + " |" for row in [*rows, total])])


def _known_counts(parsed: ParsedDocument) -> list[int]:
    """The number of papers with authors, a date, code, a venue."""
    records = [listed_paper.record for listed_paper in parsed.papers]
    return [
        sum(bool(value) for value in column)
        for column in zip(*((r.authors, r.published, r.has_code, r.venue) for r in records), strict=True)
    ]


if __name__ == "__main__":
    print(render(date(2026, 6, 10)))
