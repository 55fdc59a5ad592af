"""Documents that were cut or changed on the way.

What can be detected: everything but a cut exactly behind a sentence of a document's last abstract. That paper keeps
its title and authors, and its abstract is a beginning of the whole one.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.papers import ListedPaper
from seeds import loader
from tests.seeds.conftest import TODAY

TEXTS = dict(loader.shipped_documents())
PAPERS_BY_NAME = {name: loader.parse(text, today=TODAY).papers for name, text in TEXTS.items()}
names = st.sampled_from(sorted(TEXTS))
parts = st.floats(0, 1, exclude_max=True)


def cut(name: str, part: float) -> tuple[ListedPaper, ...]:
    """Papers of a document of which that share of bytes arrived."""
    content = TEXTS[name].encode()
    text = content[: int(part * len(content))].decode("utf-8", errors="replace")
    return loader.parse(text, today=TODAY).papers


@settings(max_examples=100, deadline=None)
@given(names, parts)
def test_all_papers_of_a_cut_document_but_the_last_are_papers_of_the_whole(name: str, part: float) -> None:
    papers = cut(name, part)

    assert papers[:-1] == PAPERS_BY_NAME[name][: max(0, len(papers) - 1)]


@settings(max_examples=100, deadline=None)
@given(names, parts)
def test_the_last_paper_of_a_cut_document_has_its_own_title_and_a_beginning_of_its_abstract(
    name: str, part: float
) -> None:
    for paper, original in zip(cut(name, part)[-1:], PAPERS_BY_NAME[name][len(cut(name, part)) - 1 :], strict=False):
        assert (paper.record.title, paper.record.authors) == (original.record.title, original.record.authors)
        assert original.record.abstract.startswith(paper.record.abstract)


@settings(max_examples=60, deadline=None)
@given(names, parts)
def test_a_paper_lost_to_a_cut_is_counted_unless_the_cut_stands_at_the_end_of_a_line_or_sentence(
    name: str, part: float
) -> None:
    content = TEXTS[name].encode()
    text = content[: int(part * len(content))].decode("utf-8", errors="replace").rstrip()
    document = loader.parse(text, today=TODAY)
    clean = (
        text.endswith(".''")
        or text[-1:] in {"", *'.!?")]}'}
        or text[-1:].isdigit()
        or text.endswith(("papers", "Papers", "citations", "%"))
    )

    assert clean or document.rejected


@settings(max_examples=80, deadline=None)
@given(names, parts, parts)
def test_any_piece_of_a_document_is_read_without_an_exception(name: str, start: float, end: float) -> None:
    text = TEXTS[name]
    document = loader.parse(text[int(start * len(text)) : int(end * len(text))], today=TODAY)

    assert document.papers or document.rejected or document.figures


@pytest.mark.parametrize("end", ["\r\n", "\r", "  \n", "\t\r\n"])
@pytest.mark.parametrize("name", sorted(TEXTS))
def test_line_ends_blanks_and_a_byte_order_mark_change_nothing(name: str, end: str) -> None:
    text = "\ufeff" + TEXTS[name].replace("\n", end) + end + end

    assert loader.parse(text, today=TODAY).papers == PAPERS_BY_NAME[name]
