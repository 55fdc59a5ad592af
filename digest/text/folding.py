"""Folding: removes differences of writing that do not change a word. Folding is idempotent.

Case, accents, ligatures, full-width, superscript and subscript forms are removed; ß is ss, ø is o, æ is ae. Up to three
Greek letters in a row are symbols and read by their names (β is beta, ΔΣ is delta sigma); longer runs are Greek words.
Hyphens are separated in `tokens.py`.
"""

from __future__ import annotations

import re
import unicodedata

from digest.text.plain_text import bound_marks

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "ο": "omicron", "π": "pi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "ϝ": "digamma",
}  # fmt: skip
# Other symbols that are read by their names; Hebrew letters (in set theory) only single ones.
HEBREW = {"א": "aleph", "ב": "beth", "ג": "gimel", "ד": "daleth"}
# Letters that Unicode does not decompose, and variants of the apostrophe.
FOLDED_LETTERS = str.maketrans(
    {
        "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i", "ȷ": "j",
        "ŋ": "ng", "ŧ": "t", "ĸ": "k", "ƒ": "f", "ƛ": "λ", "ɑ": "α", "ɛ": "ε", "ɩ": "ι", "℘": "p",
        "’": "'", "‘": "'", "ʼ": "'", "′": "'", "ʹ": "'",
    }
)  # fmt: skip
_ASCII_LETTERS = str.maketrans(
    {
        **GREEK,
        **{letter.upper(): name.capitalize() for letter, name in GREEK.items()},
        "ς": "sigma", "ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ł": "l", "Ł": "L",
        "đ": "d", "Đ": "D", "ð": "d", "þ": "th", "ı": "i", "→": "->", "≤": "<=", "≥": ">=", "±": "+-", "∞": "infinity",
        "–": "-", "—": "-", "−": "-", "‐": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "×": "x", "·": ".", "…": "...",
        "∼": "~", "≈": "~", "′": "'",
    }
)  # fmt: skip
_SYMBOL_NAMES = GREEK | HEBREW | {"∞": "infinity"}
_SYMBOLS = re.compile(r"(?<![α-ωϝ])[α-ωϝ]{1,3}(?![α-ωϝ])|∞|(?<![א-ת])[א-ד](?![א-ת])")
_SYMBOL_RUN = re.compile(r"[^\x00-\x7f\w\s]+")


def fold_text(text: str) -> str:
    """The text in lower case, without accents, ligatures and invisible marks; Greek symbols become words."""
    if text.isascii():
        return text.lower()
    # Twice, because case folding can produce new marks and letters.
    return _SYMBOLS.sub(_spell_out, _strip_marks(_strip_marks(bound_marks(text))))


def ascii_form(text: str) -> str:
    """The text in ASCII: `Naïve ΛCDM, x²` is `Naive LambdaCDM, x2`. The text itself where letters have no such form."""
    if text.isascii():
        return text
    letters = unicodedata.normalize("NFKD", text).translate(_ASCII_LETTERS)
    plain = "".join([character for character in letters if not unicodedata.combining(character)])
    return plain if plain.isascii() else text


def _strip_marks(text: str) -> str:
    stripped = _SYMBOL_RUN.sub(_without_marks, unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", stripped.casefold().translate(FOLDED_LETTERS))


def _without_marks(match: re.Match[str]) -> str:
    """The matched run without combining marks (accents) and format characters (soft hyphens, joiners)."""
    return "".join(
        [
            character
            for character in match[0]
            if not unicodedata.combining(character) and unicodedata.category(character) != "Cf"
        ]
    )


def _spell_out(match: re.Match[str]) -> str:
    """β becomes the word beta."""
    return f" {' '.join([_SYMBOL_NAMES[character] for character in match[0]])} "
