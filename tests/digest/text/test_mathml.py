"""Markup in titles and abstracts becomes plain text."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from digest.text.markup import text_of_element, text_of_markup

MATHML = (
    '<m:math xmlns:m="http://www.w3.org/1998/Math/MathML">\n <m:mrow>\n  <m:msup><m:mi>x</m:mi><m:mn>2</m:mn></m:msup>'
    "<m:mo>+</m:mo><m:mfrac><m:mn>1</m:mn><m:mrow><m:mi>n</m:mi><m:mo>-</m:mo><m:mn>1</m:mn></m:mrow></m:mfrac>"
    '</m:mrow><m:annotation encoding="application/x-tex">x^2</m:annotation></m:math>'
)


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("CO<sub>2</sub> rose 10<sup>-3</sup>; <i>E. <b>coli</b></i>.", "CO₂ rose 10⁻³; E. coli."),
        ("<sup>18</sup>F-FDG, Ca<sup>2+</sup>, IC<sub>50</sub>", "¹⁸F-FDG, Ca²⁺, IC₅₀"),
        ("V<sub>max</sub> of the 5<sup>th</sup>", "Vmax of the 5th"),
        (f"The rate {MATHML} is\n  low", "The rate x²+1/(n-1) is low"),
        ("TNF-&#x3b1; &lt; 5", "TNF-α < 5"),
        ("A<!-- note -->B<i/>C", "ABC"),
        ("<math><msqrt><mi>a</mi><mo>+</mo><mi>b</mi></msqrt></math>", "√(a+b)"),
        ("<math><msubsup><mi>x</mi><mi>q</mi><mrow><mi>Q</mi><mi>C</mi></mrow></msubsup></math>", "x_q^QC"),
        ("<math><msup/></math>", ""),
    ],
)
def test_markup_becomes_readable_text(markup: str, plain: str) -> None:
    assert text_of_element(fromstring(f"<t>{markup}</t>")) == plain
    assert text_of_markup(markup) == plain


def test_a_damaged_formula_keeps_its_text() -> None:
    assert text_of_markup("<math><msup><mi>x</mi><mn>2</msup></mn></math> rises") == "x2 rises"
    assert text_of_markup("<math>" + "<mrow>" * 5000 + "x" + "</mrow>" * 5000 + "</math> rises") == "x rises"
