"""Restores half-stripped TeX: `mathcal{O}(d^{3/2})`, `varepsilon-optimal`. Only where it cannot be English."""

from __future__ import annotations

import re

_WORDS = (
    "mathcal|mathbb|mathbf|mathrm|mathfrak|mathsf|operatorname|text|textbf|widetilde|widehat|tilde|hat|bar|sqrt|frac"
)
_COMMAND = re.compile(rf"(?<![\\A-Za-z])({_WORDS})(?=\{{)|(?<![\\A-Za-z])(mathcal|mathbb|mathfrak)(?=\s[A-Z])")
_GREEK = re.compile(r"(?<!\\)(varepsilon|varphi|vartheta)(?![a-z]{3})")
_GREEK_WITH_SCRIPT = re.compile(
    r"(?<![\\A-Za-z])(alpha|beta|gamma|delta|epsilon|lambda|tau|sigma|omega|Omega|Theta)(?=\^\{|\^\d|_\{)"
)
_TILDE = re.compile(r"(?<![\\A-Za-z])(widetilde|tilde)\s?(?=(?:O|Omega|Theta|mathcal)\b)")
_LEFT_RIGHT = re.compile(r"(?<=[}A-Z])left\s?([(\[|])([^\n]{0,120}?)\s?right\s?([)\]|])")
# a fraction without its command and first brace: `T^{3{4}}`, `(d{m^{2}})`
_LOST_FRACTION = re.compile(r"(?<=[({^\[])([A-Za-z0-9])\{((?:[^{}]|\{[^{}]*\}){1,40})\}")

# `\begin{equation*}` of which only the braces are left
_ENVIRONMENT = re.compile(
    r"\{(?<!begin\{)(?<!end\{)(?<!begin\s\{)(?<!end\s\{)"  # after the brace, for speed
    r"(?:equation|align|eqnarray|gather|multline|aligned|itemize|enumerate)\*?\}"
)


def restore_stripped(text: str) -> str:
    """The text with lost backslashes restored; intact TeX and plain text are unchanged."""
    if "{" in text:
        text = _ENVIRONMENT.sub(" ", text)
    if "\\" in text:
        return text
    text = _LEFT_RIGHT.sub(r"\1\2\3", text) if "left" in text else text
    text = _GREEK.sub(r"\\\1{}", text) if "var" in text else text
    text = _TILDE.sub(r"\\\1 ", text) if "tilde" in text else text
    text = _GREEK_WITH_SCRIPT.sub(r"\\\1", text) if "{" in text or "^" in text else text
    text = _COMMAND.sub(lambda match: f"\\{match[0]}", text)
    return _LOST_FRACTION.sub(r"\\frac{\1}{\2}", text) if "{" in text else text
