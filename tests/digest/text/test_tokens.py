"""The same words, however they are written."""

from __future__ import annotations

import json
import lzma
import re
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.text.folding import fold_text
from digest.text.tokens import tokens, words
from digest.text.word_tables import CLOSED_COMPOUNDS

CAPITAL = re.compile(r"(?<!\\)\\(Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega)(?![A-Za-z])")
LATIN = st.text(st.characters(max_codepoint=0x24F, categories=("L", "Nd", "Zs", "Pd")), max_size=60)
PLAIN = st.text("abcdesmult 3d-", max_size=60)


def stems(text: str) -> list[str]:
    return [token.stem for token in tokens(text)]


@given(st.text())
def test_folding_a_folded_text_changes_nothing(text: str) -> None:
    folded_once = fold_text(text)

    assert fold_text(folded_once) == folded_once


@given(st.text())
def test_any_text_has_tokens_that_can_be_found(text: str) -> None:
    assert all(token.word and token.stem for token in tokens(text))


@given(LATIN)
def test_case_does_not_matter(text: str) -> None:
    assert tokens(text.upper()) == tokens(text)


@given(PLAIN)
def test_a_hyphen_is_a_space(text: str) -> None:
    assert tokens(text.replace("-", " ")) == tokens(text)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Poincaré", "POINCARE"),
        ("Straße", "strasse"),
        ("ﬁne-tuned", "fine tuned"),
        ("Łukasiewicz", "lukasiewicz"),
        ("NF-κB", "NF kappa B"),
        ("x²", "x2"),
        ("soft\u00adhyphen", "softhyphen"),
        ("LLMs and GPUs", "LLM and GPU"),
        ("matrices, spectra", "matrix, spectrum"),
        ("generalisation", "generalization"),
        ("GPT-4o", "GPT4o"),
        ("ResNet-50", "ResNet50"),
        ("back-propagation", "backpropagation"),
        ("self-supervised", "self supervised"),
        ("nonlinear", "non-linear"),
        ("multimodality", "multi-modality"),
        ("pseudolabels", "pseudo labels"),
        ("Bayes's rule", "Bayes rule"),
    ],
)
def test_two_ways_to_write_the_same_are_the_same(text: str, other: str) -> None:
    assert stems(text) == stems(other)


@pytest.mark.parametrize(
    ("text", "other"),
    [("AIDS", "aid"), ("GAN", "gang"), ("GPS", "GP"), ("SARS", "SAR"), ("transformer", "transformation"), ("C++", "C")],
)
def test_two_words_that_look_alike_stay_two(text: str, other: str) -> None:
    assert stems(text) != stems(other)


@pytest.mark.parametrize(
    ("tex", "plain"),
    [
        (r"$\ell_2$-norm", "l2 norm"),
        (r"\emph{coarse} grids", "coarse grids"),
        (r"{\bf bold} Erd\H{o}s, G\"odel, \'{e}t\'e", "bold Erdos, Godel, ete"),
        (r"$k$-means", "k-means"),
        (r"$\alpha$-stable", "alpha stable"),
        (r"$O(n \log n)$", "O(n log n)"),
        (r"$\mathcal{O}(T)$", "O(T)"),
        ("mathcal{O}(T)", "O(T)"),
        (r"A $C^*$-algebra", "A C*-algebra"),
        (r"M{\o}ller~scattering", "Moller scattering"),
    ],
)
def test_tex_reads_as_what_it_shows(tex: str, plain: str) -> None:
    assert stems(tex) == stems(plain)


SAME = [
    [
        r"$\Lambda$CDM",
        "ΛCDM",
        "Lambda CDM",
        "LambdaCDM",
        "Lambda-CDM",
        r"{\Lambda}CDM",
        r"$\Lambda$-CDM",
        r"$\Lambda{\rm CDM}$",
        r"$\Lambda\mathrm{CDM}$",
        r"\Lambda CDM",
        "𝚲CDM",
        r"$\Lambda$ CDM",
    ],
    [
        "CO2",
        "CO₂",
        "CO_2",
        "CO$_2$",
        "CO$_{2}$",
        r"CO$_{\rm 2}$",
        r"$\mathrm{CO}_2$",
        r"${\rm CO_2}$",
        r"CO\textsubscript{2}",
        r"$\text{CO}_{2}$",
        r"\ce{CO2}",
    ],
    ["H2O", "H$_2$O", "H₂O", r"$\mathrm{H_2O}$", "H_2O", "H_{2}O"],
    ["SO(10)", "$SO(10)$", r"$\mathrm{SO}(10)$", "SO $(10)$"],
    ["13C", "$^{13}$C", "¹³C", r"$^{13}\mathrm{C}$", "^{13}C"],
    ["Sr2RuO4", "Sr$_2$RuO$_4$", "Sr₂RuO₄", "Sr_2RuO_4", r"$\mathrm{Sr_2RuO_4}$"],
    ["Λ_b", r"$\Lambda_b$", "Lambda_b", "Lambda b", "Λb", r"$\Lambda_{b}$", r"$\Lambda_\mathrm{b}$"],
    [r"$\alpha$-synuclein", "alpha-synuclein", "α-synuclein", "alpha synuclein", "alphasynuclein", "𝛼-synuclein"],
    [r"$\mu$SR", "μSR", "µSR", "muSR", "mu-SR"],
    [r"$\beta$-decay", "β decay", "beta-decay"],
    [r"Ly$\alpha$", "Lyα", "Ly-alpha", "Lyalpha", r"Ly-$\alpha$"],
    [r"\textsc{Foo}", "Foo", "{\\sc Foo}"],
    [r"L\"{o}wdin", "Löwdin", "Lowdin", r"L{\"o}wdin", r"L\"owdin", "Lo\u0308wdin"],
    [r"\'Etale", "Étale", "etale", r"\'{E}tale"],
    [r"$\mathrm{Li}_2$", "Li2", "Li_2", "Li₂"],
    ["𝓗", "ℋ", "H", r"$\mathcal{H}$", r"$\mathscr H$"],
    ["Ω", "Ω", "Omega", r"$\Omega$"],
    ["Å", "Å", "A", r"\AA"],
    ["σ", "ς", "Σ", "sigma", r"$\varsigma$"],
    [r"$\aleph_0$", "ℵ₀", "aleph_0", "aleph 0"],
    [r"$\hbar$", "ℏ", "ħ"],
    [r"\ss", "ß", "ss"],
    [r"M{\o}ller", r"M\o ller", "Møller", "Moller"],
    [r"$\ell^2$", "ℓ²", "l2", "ℓ^2"],
    [r"Nguy\~{\^e}n", "Nguyễn", "Nguyen"],
    [r"h\h{a}i", "hải", "hai"],
    [r"\d{a}o", "ạo", "ao"],
    [r"\k{a}", " ą", "a"],
    [r"\r{a}", "å"],
    [r"\u{g}", "ğ"],
    [r"\v{s}", "š", r"\v s"],
    [r"\H{o}", "ő"],
    [r"\b{a}", "a"],
    [r"\t{oo}", "oo"],
    [r"\c{c}", "ç", r"\c c"],
    [r"$\alpha\beta$ T", "αβ T", "alpha beta T"],
    [r"$\Delta\Sigma$", "ΔΣ", "delta-sigma"],
    [r"$H_\infty$", "H∞", "H-infinity", r"$\mathcal{H}_{\infty}$", "H infinity", "H_∞"],
    [r"Cu$_x$Bi$_2$Se$_3$", "CuxBi2Se3", r"Cu$_{x}$Bi$_{2}$Se$_{3}$", r"${\rm Cu}_x{\rm Bi}_2{\rm Se}_3$", "CuₓBi₂Se₃"],
    [r"$f_{\rm NL}$", "fNL", "f_NL", r"$f_\mathrm{NL}$", r"$f_{NL}$"],
    [r"$\varepsilon$-greedy", "ε-greedy", "ϵ-greedy", r"$\epsilon$-greedy", "epsilon greedy", "varepsilon-greedy"],
    [r"$J/\psi$", "J/ψ", "J/psi"],
    [r"$B_s^0$", "Bs0", "B_s^0"],
    [r"$\sigma_8$", "σ8", "σ₈", "sigma8", "sigma_8"],
    [r"$\phi^4$ theory", "φ⁴ theory", "ϕ^4 theory", "phi^4 theory", "phi4 theory"],
    [r"MoS$_2$", "MoS2", "MoS₂", "MoS_2"],
    [r"$\gamma$-ray", "γ-ray", "gamma ray", r"gammaray", "γ ray"],
    [r"H$\alpha$", "Hα", "H-alpha", "Halpha", "H alpha"],
    [r"Fe$^{3+}$", "Fe3+", "Fe³⁺"],
    [r"$\mathbb{R}^n$", "ℝⁿ", "Rn", "R^n"],
    [r"$p$-adic", "p-adic"],
    [r"$\mathcal{N}=4$", "N=4", "𝒩=4"],
    [r"AdS$_5\times S^5$", "AdS5 x S5".replace(" x ", "×")],
    [r"$\tau$-tilting", "τ-tilting", "tau tilting"],
    [r"$\LaTeX$", r"\LaTeX{}", "LaTeX"],
    [r"\lcdm", "ΛCDM"],
    [r"10$\mu$m", "10μm", "10 mu m"],
]


@pytest.mark.parametrize("spellings", SAME, ids=lambda spellings: spellings[0])
def test_a_letter_is_the_same_however_it_is_written(spellings: list[str]) -> None:
    assert {spelling: stems(spelling) for spelling in spellings} == dict.fromkeys(spellings, stems(spellings[0]))


def test_real_papers_with_greek_capitals_are_found_by_their_names(shared: Path) -> None:
    with lzma.open(shared / "data" / "corpus.jsonl.xz", "rt", encoding="utf-8") as lines:
        texts = [f"{row['title']}\n{row['abstract']}" for row in map(json.loads, islice(lines, 0, 60_000, 6))]
    holding = [(text, {name.lower() for name in CAPITAL.findall(text)}) for text in texts if CAPITAL.search(text)]

    assert len(holding) > 500
    assert [text for text, names in holding if not names <= set(words(text))] == []


SYMBOLS = {
    r"$\Omega_{\rm m}$h$^2$": "omega m h2",
    r"$\Omega_m h^2$": "omega m h2",
    r"$\Omega_mh^2$": "omega m h2",
    r"$\Omega_{\mathrm{b}}h^2$": "omega b h2",
    "Ω_{m}h²": "omega m h2",
    "Omega_{m}h^2": "omega m h2",
    r"$\alpha_{s}M$": "alpha s m",
    r"$\hat{\sigma}_{1}v$": "sigma 1 v",
    r"$\Lambda^0_b$K": "lambda 0b k",
    r"$\Lambda_b^0$K": "lambda b0 k",
    r"the $\gamma_k$s": "the gamma k s",
    r"$\Lambda_{\rm s}$CDM": "lambda scdm",
    "Λ_sCDM": "lambda scdm",
    r"$\ell_1\ell_2$-norm": "l1l2 norm",
    r"$\Omega_{\rm DE}$ and $\nu_e$-nucleus": "omega de and nu e nucleus",
    "Cu$_x$Bi$_2$Se$_3$": "cuxbi2se3",
    r"$\alpha$-Fe$_2$O$_3$": "alpha fe2o3",
    r"$\kappa$-(ET)$_2$Cu$_2$(CN)$_3$": "kappa et 2cu2 cn 3",
    "the api_{k}s": "the api ks",
}


@pytest.mark.parametrize(("tex", "read"), SYMBOLS.items())
def test_an_index_of_a_greek_letter_ends_its_word_and_one_in_a_formula_of_elements_does_not(
    tex: str, read: str
) -> None:
    assert " ".join(words(tex)) == read


@pytest.mark.parametrize("litter", ["$", "\\", "{}", "\\\\", "$$", "^_^", "\\begin{", "😀", "\u202e", "***"])
def test_leftovers_of_markup_are_no_words(litter: str) -> None:
    assert tokens(litter) == []


def test_snake_case_is_words_and_an_index_is_none() -> None:
    assert words("learning_rate of x_1") == ["learning", "rate", "of", "x1"]


def test_a_closed_compound_keeps_the_word_as_written() -> None:
    first, second = tokens("Multiagent")

    assert (first.word, first.whole, first.span, second.word) == ("multi", "multiagent", 2, "agent")


def test_no_compound_is_both_split_and_closed() -> None:
    assert all(len(tokens("".join(pair))) == 1 for pair in CLOSED_COMPOUNDS)


def test_a_text_of_five_megabytes_is_read_to_its_end() -> None:
    assert tokens("word " * 1_000_000 + "last")[-1].word == "last"
