"""Plain text of HTML, JATS and MathML."""

from __future__ import annotations

import time

import pytest

from digest.text.markup import text_of_markup


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<i>Drosophila</i> at 4 &deg;C", "Drosophila at 4 °C"),
        ("Ca<sup>2+</sup> imaging", "Ca²⁺ imaging"),
        ("<p>One.</p><p>Two.</p>", "One. Two."),
        ("One.<br/>Two.", "One. Two."),
        ("&lt;p&gt;Escaped &lt;em&gt;twice&lt;/em&gt;&lt;/p&gt;", "Escaped twice"),
        ("AT&amp;amp;T", "AT&T"),
        ("<script>alert(1)</script>text<style>p{}</style>", "text"),
        ("<h2>Abstract</h2><p>Examples are rare.</p>", "Examples are rare."),
        ("<jats:sec><jats:title>Methods</jats:title><jats:p>We count.</jats:p></jats:sec>", "Methods: We count."),
        ("<jats:title>Abstract</jats:title><jats:p>We count.</jats:p>", "We count."),
        (
            "association of<jats:italic>Chlamydia pneumoniae</jats:italic>in patients",
            "association of Chlamydia pneumoniae in patients",
        ),
        ("Let<mml:math><mml:mi>A</mml:mi></mml:math>be a matrix", "Let A be a matrix"),
        ("Let<mml:math alttext='$B$'><mml:mi>B</mml:mi></mml:math>be a ring", "Let $B$ be a ring"),
        ("<math><mi>T</mi><mo>=</mo><mn>0</mn></math> examples", "T=0 examples"),
        ("<inline-formula><tex-math>$N$</tex-math></inline-formula> examples", "$N$ examples"),
        ("<![CDATA[One <b>two</b>]]>", "One two"),
        ("<span class='italic'>Examplus</span> feeds", "Examplus feeds"),
    ],
)
def test_markup_becomes_plain_text(markup: str, text: str) -> None:
    assert text_of_markup(markup) == text


@pytest.mark.parametrize(
    "text",
    ["p<q and r>s", "a < b & c > d", "x<y", "a <unknown> tag", "1 <2> 3", "<3", "f: A<->B", "if i<n and s>0 then"],
)
def test_what_is_no_markup_stays(text: str) -> None:
    assert text_of_markup(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<b",
        "<b>",
        "</b>",
        "<!--",
        "<![CDATA[",
        "&",
        "&#",
        "<p a=",
        "<math>",
        "<sup>1",
        "<mn>1</sup>",
        "<title>",
        "&lt;b&gt;",
    ],
)
def test_long_damaged_markup_takes_linear_time(piece: str) -> None:
    def seconds(count: int) -> float:
        start = time.process_time()
        text_of_markup(piece * count)
        return time.process_time() - start

    assert seconds(8_000) < 60 * max(seconds(1_000), 0.002)
