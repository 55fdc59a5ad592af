"""TeX in titles, abstracts and names: the text that is shown."""

from __future__ import annotations

import json
import lzma
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.text.tex import readable, render
from tests.steps import costs_at_most

FORMULAS = {
    r"$\tilde{O}(d\sqrt{\sum_{k=1}^K\sigma_k^2})$": "Õ(d√(∑ₖ₌₁ᴷσₖ²))",
    r"$\frac{1}{1-γ}$": "1/(1-γ)",
    r"$1\leα\le2$": "1≤α≤2",
    r"$\frac{1}{M\varepsilon^3}$": "1/(Mε³)",
    r"$d\frac12 x$": "d(1/2) x",
    r"$\log\frac{1}{\delta}$": "log(1/δ)",
    r"${AB}^2$": "(AB)²",
    r"${x}^2$": "x²",
    r"$\sqrt[3]{x+y}$": "∛(x+y)",
    r"$x^{a^b}$": "x^(aᵇ)",
    r"$e^{it\Delta}$": "e^(itΔ)",
    r"$x_{\max}y$": "xₘₐₓy",
    r"$C^{\star}_{\text{clipped}}$": "C⋆_clipped",
    r"$L^p$ and $\mathbb{R}^N$": "Lᵖ and ℝᴺ",
    r"$\mathcal{O}(1/\sqrt{T})$": "O(1/√T)",
    r"$T\log T$": "T log T",
    r"$x\in X$, $a \le b$": "x ∈ X, a ≤ b",
    r"$\not\in$ and $\not=$": "∉ and ≠",
    r"\left\{x, y\right\}": "{x, y}",
    r"$\hat{x}$, $\overline{AB}$": "x̂, A̅B̅",
    r"$\widehat{w_p}$, $\tilde{\chi}^0_1$, $\widehat{AB}$": "ŵₚ, χ̃⁰₁, ÂB̂",
    r"$\mathcal{H}_\infty$ and $k_\perp$ and $L^\infty$": "ℋ∞ and k⊥ and L^∞",
    r"$1.5^{+0.3}_{-0.2}$, $9.5_{-0.4}^{+0.7}M_\odot$": "1.5 (+0.3/−0.2), 9.5 (+0.7/−0.4) M⊙",
    r"$5\times$ faster, 5$\times$ faster, $2\times10^3$": "5× faster, 5× faster, 2×10³",
    r"$z$$\lesssim$1.5 and $\geq$200": "z≲1.5 and ≥200",
    r"${a \over b}$ and $a \over b$ and ${n \choose k}$": "a/b and a/b and C(n, k)",
    r"$x=\begin{pmatrix}1&2\\3&4\end{pmatrix}$": "x=(1, 2; 3, 4)",
    r"$\left\langle x \right\rangle$": "⟨x⟩",
    r"$R=500$--$1500$ and $R=500--1500$": "R=500–1500 and R=500–1500",
    r"\SI{5}{\kilo\metre} and \ion{H}{ii} and 0\farcs5": "5 km and H ii and 0″.5",
    r"$\la 5$ but $\la x$": "≲ 5 but λx",
    r"$\cS$ and \lcdm": "𝒮 and ΛCDM",
    r"where $\alpha$ and $d \geq 2$$.": "where α and d ≥ 2.",
    r"10$^{-3}$ M$_{\odot}$": "10⁻³ M⊙",
}
PROSE = {
    r"Erd\H{o}s and Gr\"onwall": "Erdős and Grönwall",
    r"Pol\'{a}\v{c}ik, S{\l}awomir, Fran\c{c}ois, \AA ngstr\"{o}m": "Poláčik, Sławomir, François, Ångström",
    r"\emph{coarse} and \textbf{fine}": "coarse and fine",
    "99\\% at ~5 ms, (i)~as in Fig.~2": "99% at ~5 ms, (i) as in Fig. 2",
    r"Bakry--\'Emery": "Bakry–Émery",
    "``quoted'' text": "“quoted” text",
    r"\"Foo\" bar": '"Foo" bar',
    r"as in \cite{Lions84}": "as in [Lions84]",
    "a  title\n   with line ends": "a title with line ends",
    r"mathcal{O}(d^{3/2}H^2K) regret": "O(d^(3/2)H²K) regret",
    "varepsilon-optimal in tilde O(T^{4/5})": "ε-optimal in Õ(T^(4/5))",
    "a half stripped Oleft(d{mepsilon^{2}}right) and T^{3{4}} and O(n^{1-epsilon})": (
        "a half stripped O(d/(mepsilon²)) and T^(3/4) and O(n^(1-epsilon))"
    ),
    "z ~ 1 and x ~ N(0, 1)": "z ∼ 1 and x ∼ N(0, 1)",
    "T~100 K, J. ~M. Keynes, at http://a.example/~b": "T∼100 K, J. M. Keynes, at http://a.example/~b",
    "Fig.~1, Section~3 and Table~2": "Fig. 1, Section 3 and Table 2",
    r"A word\footnote{See \url{http://a.example/b_c~d}.} in the middle": (
        "A word (See http://a.example/b_c~d.) in the middle"
    ),
    r"Theorem~\ref{thm:main} and Eq.~\eqref{2}\label{sec:x}": "Theorem […] and Eq. [2]",
    r"\href{http://a.example}{the page} in \texttt{snake_case}": "the page in snake_case",
    "We ad- dress pre- and post-training, self- supervised\nand re-\nsults": (
        "We address pre- and post-training, self- supervised and results"
    ),
    r"h\h{a}i Nguy\~{\^e}n \d{a}o \uhorn \ohorn\ \DJ": "hải Nguyễn ạo ươ Đ",
    "an `entropy' and ''quotes'' and \"boundary'' at 0''.29": 'an ‘entropy’ and “quotes” and "boundary" at 0″.29',
    r"\textbf{Aims.} One\par Two\\Three": "Aims. One Two Three",
    r"see \unknown{thing} there": "see unknown thing there",
}
UNTOUCHED = [
    "$5 and $10",
    "100% of the cost",
    "C# and F# and C++",
    "snake_case_name and __init__",
    "costs $2.19 per call, $30 billion in all",
    "run it with --flag",
    'an ordinary sentence; with don\'t and "quotes"',
    "x_1 and h_t",
]


@pytest.mark.parametrize(("source", "expected"), FORMULAS.items())
def test_a_formula_reads_as_it_means(source: str, expected: str) -> None:
    assert readable(source) == expected


@pytest.mark.parametrize(("source", "expected"), PROSE.items())
def test_markup_is_removed_from_prose(source: str, expected: str) -> None:
    assert readable(source) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_is_not_tex_stays(text: str) -> None:
    assert readable(text) == text


def test_money_before_a_formula_does_not_swallow_it() -> None:
    text = readable("it costs $10 for $N$ agents and $20 for $M$")

    assert text == "it costs $10 for N agents and $20 for M"


def test_an_unknown_command_is_counted() -> None:
    assert render(r"$\foo + \alpha$")[1] == 1


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([*list("\\{}$^_~&%`'\"-ab1 ()[]"), "\\frac", "\\sqrt", "\\mbox", "\\begin"]),
        max_size=200,
    ).map("".join)
)
def test_no_backslash_is_ever_left(text: str) -> None:
    plain = readable(text)

    assert "\\" not in plain
    assert "\n" not in plain


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_at_all_can_be_read(text: str) -> None:
    assert "\\" not in readable(text)


@settings(deadline=None)
@given(st.text(alphabet="abc xyz,.;:()012", max_size=200))
def test_plain_words_come_back_as_they_are(text: str) -> None:
    assert readable(text) == " ".join(text.split())


@pytest.mark.parametrize(
    "bomb", ["{", "}", "$", "\\frac", "\\sqrt{", "^{", "x_{a^", "\\left(", "\\mbox{$", "[", "\\cite["]
)
def test_work_grows_no_faster_than_the_text(bomb: str) -> None:
    """Eight times the text: eight times the work, where 64 times would be the square of it."""
    assert costs_at_most(40, lambda: render(bomb * 8000), lambda: render(bomb * 1000), least=0.002)


def test_thousands_of_real_papers_leak_no_backslash(shared: Path) -> None:
    with lzma.open(shared / "data" / "corpus.jsonl.xz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, 0, 60_000, 12)]

    leaked = [
        row["id"] for row in rows if "\\" in "".join(map(readable, [row["title"], row["abstract"], *row["authors"]]))
    ]

    assert len(rows) == 5000
    assert leaked == []


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            "massive (>8 M_sun) and metal-poor (6% Z_{sun}) at 5 L_Sun/yr",
            "massive (>8 M⊙) and metal-poor (6% Z⊙) at 5 L⊙/yr",
        ),
        ("file_sun, R_sunset and xM_sun", "file_sun, R_sunset and xM_sun"),
        ("It is *not* a matter of *test-time privacy*.", "It is not a matter of test-time privacy."),
        ("A* search, 2*3*4, * and *, and **bold**", "A* search, 2*3*4, * and *, and **bold**"),
    ],
)
def test_solar_units_and_emphasis_of_plain_text_are_shown_as_they_are_meant(written: str, expected: str) -> None:
    assert readable(written) == expected
