"""Authors of a feed's entry, in the forms in which publishers write them."""

from __future__ import annotations

from datetime import date

import pytest

from digest.papers import Record
from digest.sources.feed_document import read_feed
from digest.sources.feed_papers import read_papers
from tests.digest.sources.feed_server import feed


def only_record(inner: str, title: str = "Synapses grow with use") -> Record:
    item = f"<item><title>{title}</title><link>https://j.example/1</link>{inner}</item>"
    (paper,) = read_papers(read_feed(feed(item)), date(2026, 8, 7)).papers
    return paper.record


@pytest.mark.parametrize(
    "line",
    [
        "Robin Example; Ada Sample; Wei Li",
        "Robin Example, Ada Sample, and Wei Li",
        "Robin Example and Ada Sample and Wei Li",
        "Example, Robin; Sample, Ada; Li, Wei",
        "Robin Example (University of X, Y), Ada Sample (Institute of Z), Wei Li",
        "Robin Example, University of X, Paris, Ada Sample, Institute of Z, Wei Li",
        "Robin Example, Department of Biology, University of X; Ada Sample; Wei Li, Z Hospital, Rome, Italy",
        "Robin Example, PhD, Ada Sample, MD, Wei Li, MSc",
        "Robin Example, M.D., Ph.D.; Ada Sample, MPH; Wei Li",
        "Robin Example | Ada Sample | Wei Li",
        "Robin Example\nAda Sample\nWei Li",
        "Robin Example&lt;br/&gt;Ada Sample&lt;br/&gt;Wei Li",
        "Robin Example&lt;sup&gt;1,2&lt;/sup&gt;, Ada Sample&lt;sup&gt;1&lt;/sup&gt;, Wei Li&lt;sup&gt;*&lt;/sup&gt;",
        "&lt;a href='/x'&gt;Robin Example&lt;/a&gt;, &lt;a href='/y'&gt;Ada Sample&lt;/a&gt;, Wei Li",
        "Robin Example (https://orcid.org/0000-0002-1825-0097), Ada Sample, Wei Li",
        "Robin Example https://orcid.org/0000-0002-1825-0097; Ada Sample ORCID: orcid.org/0000-0001-5109-3700; Wei Li",
        "By Robin Example, Ada Sample &amp; Wei Li",
    ],
)
def test_one_line_of_several_authors_is_split(line: str) -> None:
    names = ("Robin Example", "Ada Sample", "Wei Li")

    assert only_record(f"<dc:creator>{line}</dc:creator>").authors == names


@pytest.mark.parametrize(
    ("creators", "names"),
    [
        (("Robin Example, University of X", "Ada Sample, Institute of Z, Paris"), ("Robin Example", "Ada Sample")),
        (("Example, Robin", "Sample, Ada B."), ("Robin Example", "Ada B. Sample")),
        (("Example RB", "Sample A", "Li W"), ("R. B. Example", "A. Sample", "W. Li")),
        (("Example RB, Sample A, van Dyck W",), ("R. B. Example", "A. Sample", "W. van Dyck")),
        (("Robin Example, PhD", "Ada Sample, MD"), ("Robin Example", "Ada Sample")),
        (("https://orcid.org/0000-0002-1825-0097", "Robin Example"), ("Robin Example",)),
        (("Wei LI", "Jean DUPONT"), ("Wei LI", "Jean DUPONT")),
        (("World Health Organization",), ("World Health Organization",)),
        (("Robin Example, Mary College",), ("Robin Example", "Mary College")),
        (("robin@x.example",), ()),
    ],
)
def test_each_creator_is_one_author_without_affiliation_and_degree(
    creators: tuple[str, ...], names: tuple[str, ...]
) -> None:
    inner = "".join(f"<dc:creator>{creator}</dc:creator>" for creator in creators)

    assert only_record(inner).authors == names


@pytest.mark.parametrize(
    ("inner", "title"),
    [
        ("", "Synapses grow with use -- by Robin Example, Ada Sample"),
        (
            "<description>&lt;p&gt;Author(s): Robin Example, Ada Sample&lt;/p&gt;</description>",
            "Synapses grow with use",
        ),
    ],
)
def test_authors_are_read_from_the_title_or_the_text_where_no_element_has_them(inner: str, title: str) -> None:
    record = only_record(inner, title)

    assert (record.title, record.authors) == ("Synapses grow with use", ("Robin Example", "Ada Sample"))
