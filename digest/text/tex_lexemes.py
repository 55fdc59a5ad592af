"""Splits TeX into lexemes: commands, braces, dollars, runs of plain text."""

from __future__ import annotations

import re
from itertools import accumulate

from digest.text.tex_dollars import formula_spans

_LEXEME = re.compile(
    r"\\[A-Za-z]+\*?|\\.|\\\Z|[${}^_~&]|\s+|``|''|---?"
    r"|[^\\${}^_~&\s`'-]+(?: [^\\${}^_~&\s`'-]+)*|.",
    re.DOTALL,
)


class TexLexemes:
    """A text's lexemes and the current position. `math`: 1 between dollars, else 0."""

    def __init__(self, text: str) -> None:
        self.lexemes: list[str] = _LEXEME.findall(text)
        self.switches, self.stray_dollars = formula_spans(text)
        self.starts = list(accumulate(map(len, self.lexemes), initial=0))  # every character is in a lexeme
        self.position = 0
        self.math = 0

    def peek(self) -> str:
        """The next lexeme, '' at the end."""
        return self.lexemes[self.position] if self.position < len(self.lexemes) else ""

    def skip_blanks(self) -> None:
        """Skip blanks that TeX ignores here."""
        while self.peek().isspace():
            self.position += 1

    def take(self, length: int) -> str:
        """Take `length` characters of the next lexeme; the rest of it is read later."""
        lexeme = self.lexemes[self.position]
        if len(lexeme) <= length:
            self.position += 1
        else:
            self.lexemes[self.position] = lexeme[length:]
            self.starts[self.position] += length
        return lexeme[:length]

    def optional_argument(self) -> str | None:
        """An optional argument in square brackets as source, None where there is none."""
        if not self.peek().startswith("["):
            return None
        text = ""
        for ahead in range(self.position, min(self.position + 12, len(self.lexemes))):
            text += self.lexemes[ahead]
            end = text.find("]")
            if end >= 0:
                self.position = ahead
                self.take(len(self.lexemes[ahead]) - (len(text) - end - 1))
                return text[1:end]
        return None

    def source_argument(self, keep: str = "") -> str:
        """An argument as source (keys, addresses), without TeX's special characters except those in `keep`."""
        if self.peek() != "{":
            return ""
        self.position += 1
        start, level = self.position, 1
        while self.position < len(self.lexemes) and level:
            level += {"{": 1, "}": -1}.get(self.lexemes[self.position], 0)
            self.position += 1
        source = "".join(self.lexemes[start : self.position])
        return "".join([character for character in source if character not in "\\{}$" or character in keep])
