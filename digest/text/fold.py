"""Folding: what writing does to a word without changing it is taken away. `fold` of a folded text changes nothing.

Case, accents, ligatures, full-width and superscript forms go; ß is ss, ø is o, æ is ae; a lone β is the word beta.
"""

from __future__ import annotations

import re
import unicodedata

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "ο": "omicron", "π": "pi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip
# Letters that Unicode does not decompose, and the marks that stand for an apostrophe.
LETTERS = str.maketrans(
    {
        "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i", "ŋ": "ng",
        "ŧ": "t", "ĸ": "k", "ƒ": "f", "’": "'", "‘": "'", "ʼ": "'", "′": "'", "ʹ": "'",
    }
)  # fmt: skip
_LONE_GREEK = re.compile(r"(?<![α-ω])[α-ω](?![α-ω])")


def fold(text: str) -> str:
    """The text in lower case, without accents, ligatures and invisible marks; a lone Greek letter becomes a word."""
    if text.isascii():
        return text.lower()
    # Twice: folding case can bring forth marks and letters that the first pass could not see.
    return _spell_greek(_strip(_strip(text)))


def _strip(text: str) -> str:
    kept = "".join(c for c in unicodedata.normalize("NFKD", text) if not _invisible(c))
    return unicodedata.normalize("NFC", kept.casefold().translate(LETTERS))


def _invisible(character: str) -> bool:
    """Combining marks (accents), and format characters: soft hyphens, joiners, changes of direction."""
    return unicodedata.combining(character) != 0 or unicodedata.category(character) == "Cf"


def _spell_greek(text: str) -> str:
    """β becomes the word beta; Greek words keep their letters."""
    return _LONE_GREEK.sub(lambda found: f" {GREEK.get(found[0], found[0])} ", text)
