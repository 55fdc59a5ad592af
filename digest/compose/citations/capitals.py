"""Which words of a title need braces in BibTeX, because its styles would set them in lower case."""

# ruff: noqa: SIM905 (a table of words reads better than a list of strings)

from __future__ import annotations

import re
from itertools import pairwise

from digest.text.folding import fold_text

# names that are capitalised in running text, also where all words of a title are
_PROPER_NAMES = frozenset(
    """
    abelian african american arabic asian banach bayes bayesian bellman bernoulli bessel boltzmann bose brownian cantor
    cartesian cauchy cayley chebyshev chinese coulomb dirac dirichlet einstein english euclidean euler european fermi
    feynman fisher fourier french galois gauss gaussian german gibbs godel green hamilton hamiltonian hausdorff hermite
    hessian higgs hilbert hopfield indian ising jacobi jacobian japanese kalman kolmogorov koopman lagrange lagrangian
    langevin laplace laplacian lie lipschitz lyapunov majorana markov markovian maxwell milky moore nash navier newton
    newtonian noether pareto pauli perron poincare poisson riemann riemannian russian rydberg schrodinger schwarzschild
    shannon shapley sobolev spanish stokes thompson turing tikhonov wasserstein weyl wiener yang
    """.split()
)
_EDGE = re.compile(r"^([^\w$]*)(.*?)([^\w$]*)$", re.DOTALL)
_PARTS = re.compile(r"[-‐‑–/]")
_MIN_LONG_WORD = 4


class TitleCapitals:
    """The capitals of one title. In a title in sentence case, every capital inside a sentence is a name's."""

    def __init__(self, title: str) -> None:
        words = title.split()
        self._all_capitals = len(words) > 1 and title == title.upper()
        inner = [
            word
            for before, word in pairwise(words)
            if not _ends_sentence(before) and len(word) >= _MIN_LONG_WORD and word[0].isalpha() and not _is_mixed(word)
        ]
        capitals = sum(word[0].isupper() for word in inner)
        self._is_sentence_case = bool(inner) and 2 * capitals < len(inner)
        self._starts_sentence = True

    def protect(self, text: str) -> list[tuple[str, bool]]:
        """The next part of the title in pieces, each with True if it needs braces. White space is kept."""
        pieces: list[tuple[str, bool]] = []
        for token in re.split(r"(\s+)", text):
            if not token or token.isspace():
                pieces += [(token, False)] if token else []
                continue
            match = _EDGE.match(token)
            before, core, after = match.groups() if match else ("", token, "")
            pieces += [(before, False), (core, self._needs_braces(core)), (after, False)]
            self._starts_sentence = _ends_sentence(token)
        return [piece for piece in pieces if piece[0]]

    def pass_formula(self) -> None:
        """A formula stands here, so what follows is inside a sentence."""
        self._starts_sentence = False

    def _needs_braces(self, word: str) -> bool:
        if self._all_capitals or word == word.lower():
            return False
        parts = [part for part in _PARTS.split(word) if part]
        if any(_is_mixed(part) for part in parts) or any(len(part) == 1 and part.isupper() for part in parts[:-1]):
            return True
        if any(re.sub(r"['’]s?$", "", fold_text(part)) in _PROPER_NAMES for part in parts if part[0].isupper()):
            return True
        return self._is_sentence_case and not self._starts_sentence and word[0].isupper()


def _is_mixed(word: str) -> bool:
    """True for a capital after the first character: DPZero, LLMs, 3D."""
    return any(character.isupper() for character in word[1:])


def _ends_sentence(word: str) -> bool:
    return word.endswith((":", ".", "?", "!", "—", "–"))
