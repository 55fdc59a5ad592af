"""The TeX parser: from lexemes to pieces. Braces form a tree of bounded depth, so the time is linear."""

from __future__ import annotations

import re

from digest.text.tex_commands import MAX_DEPTH, TexCommands
from digest.text.tex_pieces import TexPiece, apply_infix, error_bounds, is_atom, join, scripted

_LIGATURES = frozenset(["~", "&", "``", "''", "--", "---"])
_TIED_BEHIND = frozenset(".,;:)]}'’”*%…=<>≤≥≈≃±∼")
_LOOSE = frozenset([" ", "(", "/", "[", "=", "<", ">", "+", "≈"])
_VARIABLE = re.compile(r"(?:[^\W\d_]|[^\w\d][^\W\d_])")
_NO_VARIABLES = frozenset([" a", " A", " I", "a", "A", "I"])


class TexParser(TexCommands):
    """Parses lexemes in order; every method leaves the position after what it has parsed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.open_quotes = 0  # open quotations
        self.formula: list[TexPiece] = []  # the list of pieces that contains the formula, and where it begins
        self.formula_start = 0

    def group(self, depth: int) -> list[TexPiece]:
        """Pieces up to the brace that closes this group, or to the end."""
        pieces: list[TexPiece] = []
        while self.position < len(self.lexemes):
            lexeme = self.lexemes[self.position]
            if lexeme == "}" and depth:
                self.position += 1
                break
            self.piece(pieces, depth)
        return apply_infix(pieces) if depth and self.infixes else pieces

    def piece(self, pieces: list[TexPiece], depth: int) -> None:
        """Parse one lexeme with its arguments and append its pieces."""
        lexeme, start = self.lexemes[self.position], self.starts[self.position]
        self.position += 1
        if lexeme[0].isalnum():  # most lexemes are plain words
            pieces.append(TexPiece(lexeme))
        elif lexeme[0] == "\\":
            self.command(lexeme[1:], pieces, depth)
        elif lexeme == "{":
            self.braces(pieces, depth)
        elif lexeme in {"^", "_"}:
            self.script(lexeme, pieces, depth)
        elif lexeme[0] == "$":
            if start in self.switches:
                self.switch(pieces)
            elif start not in self.stray_dollars:
                pieces.append(TexPiece(lexeme))
        elif lexeme.isspace():
            pieces.append(TexPiece(" ", "space"))
        elif lexeme != "}":
            self.prose(lexeme, pieces)

    def prose(self, lexeme: str, pieces: list[TexPiece]) -> None:
        """Plain characters and TeX's ligatures."""
        if lexeme not in _LIGATURES:
            pieces.append(TexPiece(lexeme.replace("'", "′") if self.math else lexeme))
        elif lexeme == "~":
            self.tie(pieces)
        elif lexeme == "&" and (self.math or self.cell_separators):
            self.cell(lexeme, pieces)
        elif lexeme[0] == "-":
            pieces.append(TexPiece(self.dash(lexeme, pieces)))
        elif lexeme == "&":
            pieces.append(TexPiece(lexeme))
        else:
            pieces.append(TexPiece("″" if self.math and lexeme == "''" else self.quote(lexeme, pieces)))

    def switch(self, pieces: list[TexPiece]) -> None:
        r"""Begin or end a formula; a whole formula may be a fraction: `$a \over b$`."""
        self.math ^= 1
        if self.math:
            self.formula, self.formula_start = pieces, len(pieces)
        elif self.infixes and self.formula is pieces:
            pieces[self.formula_start :] = apply_infix(pieces[self.formula_start :])

    def quote(self, lexeme: str, pieces: list[TexPiece]) -> str:
        """An opening or closing quotation mark; `''` after a number are seconds of arc, before a word it opens."""
        before = pieces[-1].text[-1:] if pieces else " "
        if lexeme == "``" or (before in {" ", "("} and self.peek()[:1].isalnum()):
            self.open_quotes += 1
            return "“"
        if self.open_quotes:
            self.open_quotes -= 1
            return "”"
        if before.isdigit():
            return "″"
        return lexeme if self.peek()[:1].isalnum() else '"'  # the other half of `"boundary''`

    def dash(self, lexeme: str, pieces: list[TexPiece]) -> str:
        """A dash between words or numbers; `--flag`, and `x--y` in a formula, stay."""
        before = pieces[-1].text[-1:] if pieces else " "
        after = self.peek()[:1]
        if (before == " " and not after.isspace()) or (self.math and not (before.isdigit() and after.isdigit())):
            return lexeme
        return "–" if lexeme == "--" else "—"

    def tie(self, pieces: list[TexPiece]) -> None:
        """`~` is a space between words; after a space, or between a variable and a number, it means 'about'."""
        before, after = pieces[-1].text[-2:] if pieces else " ", self.peek()
        if after[:1] == " ":
            beyond = self.lexemes[self.position + 1][:1] if self.position + 1 < len(self.lexemes) else " "
            sign = "∼" if before[-1:] == " " and (beyond.isdigit() or not (self.math or beyond in "~ ")) else " "
        elif after[:1].isdigit():
            variable = _VARIABLE.fullmatch(before) and before not in _NO_VARIABLES
            sign = "∼" if variable else " " if before[-1:].isalnum() or before[-1:] in _TIED_BEHIND else "~"
        elif before[-1:] in _LOOSE and not self.math and after[:1] not in {"", "~", "\\"}:
            initial = after[:1].isupper() and len(pieces) > 1 and pieces[-2].text.endswith(".")  # J. ~M. Keynes
            sign = " " if initial else "~"
        else:
            sign = " "
        pieces.append(TexPiece(sign, "space" if sign == " " else "plain"))

    def braces(self, pieces: list[TexPiece], depth: int) -> None:
        """A group in braces is one piece, so that a script after it applies to all of it."""
        if depth >= MAX_DEPTH:
            return
        inner = self.group(depth + 1)
        if inner:
            is_single = len(inner) == 1 and inner[0].kind != "plain"
            pieces.append(TexPiece(join(inner), inner[0].kind if is_single else "group"))

    def argument(self, depth: int) -> list[TexPiece]:
        """An argument: a group in braces, a command with its own arguments, or one character."""
        self.skip_blanks()
        lexeme = self.peek()
        pieces: list[TexPiece] = []
        if lexeme in {"", "}", "$"} or depth >= MAX_DEPTH:
            return pieces
        if lexeme == "{":
            self.position += 1
            return self.group(depth + 1)
        if lexeme[0] == "\\":
            self.piece(pieces, depth + 1)
            return pieces
        self.take(1)
        return [TexPiece(lexeme[0])]

    def script(self, lexeme: str, pieces: list[TexPiece], depth: int) -> None:
        """A superscript or subscript; in prose only where braces or digits show that it is TeX."""
        following = self.peek()
        if not self.math and not self.is_script(lexeme, following, pieces):
            pieces.append(TexPiece(lexeme))
            return
        if pieces and pieces[-1].kind in {"fraction", "root", "group"} and not is_atom(pieces[-1].text):
            pieces[-1] = TexPiece(f"({pieces[-1].text})")
        digits = re.match(r"[-+]?\d+", following) if not self.math else None
        text = self.take(digits.end()) if digits else join(self.argument(depth)).strip()
        if not text:
            return
        piece = scripted(lexeme, text)
        bounds = error_bounds(pieces[-1], piece) if pieces and pieces[-1].script else None
        if bounds:
            pieces[-1] = bounds
        else:
            pieces.append(piece)

    def is_script(self, lexeme: str, following: str, pieces: list[TexPiece]) -> bool:
        """True where `^` or `_` in prose is TeX: before a brace, or as in `x^2`."""
        if following == "{" or (following[:1] == "\\" and following[1:2].isalpha()):
            return True
        before = pieces[-1].text[-1:] if pieces else ""
        if lexeme == "_" or not (before.isalnum() or before in {")", "]"}):
            return False
        return following[:1].isdigit() or bool(re.match(r"[A-Za-z*](?![A-Za-z])", following))
