"""The TeX parser: from lexemes to pieces. Braces form a tree of bounded depth, so the time is linear."""

from __future__ import annotations

import re

from digest.text.tex_commands import MAX_DEPTH, Commands
from digest.text.tex_pieces import Piece, atom, divided, errors, join, scripted

_LIGATURES = frozenset(["~", "&", "``", "''", "--", "---"])
_TIED_BEHIND = frozenset(".,;:)]}'’”*%…=<>≤≥≈≃±∼")
_LOOSE = frozenset([" ", "(", "/", "[", "=", "<", ">", "+", "≈"])
_VARIABLE = re.compile(r"(?:[^\W\d_]|[^\w\d][^\W\d_])")
_NO_VARIABLES = frozenset([" a", " A", " I", "a", "A", "I"])


class TexReader(Commands):
    """Parses lexemes in order; every method leaves the position after what it has parsed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.quoted = 0  # open quotations
        self.formula: list[Piece] = []  # the list of pieces that contains the formula, and where it begins
        self.begin = 0

    def group(self, depth: int) -> list[Piece]:
        """Pieces up to the brace that closes this group, or to the end."""
        pieces: list[Piece] = []
        while self.at < len(self.lexemes):
            lexeme = self.lexemes[self.at]
            if lexeme == "}" and depth:
                self.at += 1
                break
            self.piece(pieces, depth)
        return divided(pieces) if depth and self.infixes else pieces

    def piece(self, pieces: list[Piece], depth: int) -> None:
        """Parse one lexeme with its arguments and append its pieces."""
        lexeme, start = self.lexemes[self.at], self.starts[self.at]
        self.at += 1
        if lexeme[0].isalnum():  # most lexemes are plain words
            pieces.append(Piece(lexeme))
        elif lexeme[0] == "\\":
            self.command(lexeme[1:], pieces, depth)
        elif lexeme == "{":
            self.braces(pieces, depth)
        elif lexeme in {"^", "_"}:
            self.script(lexeme, pieces, depth)
        elif lexeme[0] == "$":
            if start in self.switches:
                self.switch(pieces)
            elif start not in self.litter:
                pieces.append(Piece(lexeme))
        elif lexeme.isspace():
            pieces.append(Piece(" ", "space"))
        elif lexeme != "}":
            self.prose(lexeme, pieces)

    def prose(self, lexeme: str, pieces: list[Piece]) -> None:
        """Plain characters and TeX's ligatures."""
        if lexeme not in _LIGATURES:
            pieces.append(Piece(lexeme.replace("'", "′") if self.math else lexeme))
        elif lexeme == "~":
            self.tie(pieces)
        elif lexeme == "&" and (self.math or self.matrices):
            self.cell(lexeme, pieces)
        elif lexeme[0] == "-":
            pieces.append(Piece(self.dash(lexeme, pieces)))
        elif lexeme == "&":
            pieces.append(Piece(lexeme))
        else:
            pieces.append(Piece("″" if self.math and lexeme == "''" else self.quote(lexeme, pieces)))

    def switch(self, pieces: list[Piece]) -> None:
        r"""Begin or end a formula; a whole formula may be a fraction: `$a \over b$`."""
        self.math ^= 1
        if self.math:
            self.formula, self.begin = pieces, len(pieces)
        elif self.infixes and self.formula is pieces:
            pieces[self.begin :] = divided(pieces[self.begin :])

    def quote(self, lexeme: str, pieces: list[Piece]) -> str:
        """An opening or closing quotation mark; `''` after a number are seconds of arc, before a word it opens."""
        before = pieces[-1].text[-1:] if pieces else " "
        if lexeme == "``" or (before in {" ", "("} and self.peek()[:1].isalnum()):
            self.quoted += 1
            return "“"
        if self.quoted:
            self.quoted -= 1
            return "”"
        if before.isdigit():
            return "″"
        return lexeme if self.peek()[:1].isalnum() else '"'  # the other half of `"boundary''`

    def dash(self, lexeme: str, pieces: list[Piece]) -> str:
        """A dash between words or numbers; `--flag`, and `x--y` in a formula, stay."""
        before = pieces[-1].text[-1:] if pieces else " "
        after = self.peek()[:1]
        if (before == " " and not after.isspace()) or (self.math and not (before.isdigit() and after.isdigit())):
            return lexeme
        return "–" if lexeme == "--" else "—"

    def tie(self, pieces: list[Piece]) -> None:
        """`~` is a space between words; after a space, or between a variable and a number, it means 'about'."""
        before, after = pieces[-1].text[-2:] if pieces else " ", self.peek()
        if after[:1] == " ":
            beyond = self.lexemes[self.at + 1][:1] if self.at + 1 < len(self.lexemes) else " "
            sign = "∼" if before[-1:] == " " and (beyond.isdigit() or not (self.math or beyond in "~ ")) else " "
        elif after[:1].isdigit():
            variable = _VARIABLE.fullmatch(before) and before not in _NO_VARIABLES
            sign = "∼" if variable else " " if before[-1:].isalnum() or before[-1:] in _TIED_BEHIND else "~"
        elif before[-1:] in _LOOSE and not self.math and after[:1] not in {"", "~", "\\"}:
            initial = after[:1].isupper() and len(pieces) > 1 and pieces[-2].text.endswith(".")  # J. ~M. Keynes
            sign = " " if initial else "~"
        else:
            sign = " "
        pieces.append(Piece(sign, "space" if sign == " " else "plain"))

    def braces(self, pieces: list[Piece], depth: int) -> None:
        """A group in braces is one piece, so that a script after it applies to all of it."""
        if depth >= MAX_DEPTH:
            return
        inner = self.group(depth + 1)
        if inner:
            alone = len(inner) == 1 and inner[0].kind != "plain"
            pieces.append(Piece(join(inner), inner[0].kind if alone else "group"))

    def argument(self, depth: int) -> list[Piece]:
        """An argument: a group in braces, a command with its own arguments, or one character."""
        self.skip_blanks()
        lexeme = self.peek()
        pieces: list[Piece] = []
        if lexeme in {"", "}", "$"} or depth >= MAX_DEPTH:
            return pieces
        if lexeme == "{":
            self.at += 1
            return self.group(depth + 1)
        if lexeme[0] == "\\":
            self.piece(pieces, depth + 1)
            return pieces
        self.take(1)
        return [Piece(lexeme[0])]

    def script(self, lexeme: str, pieces: list[Piece], depth: int) -> None:
        """A superscript or subscript; in prose only where braces or digits show that it is TeX."""
        following = self.peek()
        if not self.math and not self.meant(lexeme, following, pieces):
            pieces.append(Piece(lexeme))
            return
        if pieces and pieces[-1].kind in {"fraction", "root", "group"} and not atom(pieces[-1].text):
            pieces[-1] = Piece(f"({pieces[-1].text})")
        digits = re.match(r"[-+]?\d+", following) if not self.math else None
        text = self.take(digits.end()) if digits else join(self.argument(depth)).strip()
        if not text:
            return
        piece = scripted(lexeme, text)
        both = errors(pieces[-1], piece) if pieces and pieces[-1].script else None
        if both:
            pieces[-1] = both
        else:
            pieces.append(piece)

    def meant(self, lexeme: str, following: str, pieces: list[Piece]) -> bool:
        """True where `^` or `_` in prose is TeX: before a brace, or as in `x^2`."""
        if following == "{" or (following[:1] == "\\" and following[1:2].isalpha()):
            return True
        before = pieces[-1].text[-1:] if pieces else ""
        if lexeme == "_" or not (before.isalnum() or before in {")", "]"}):
            return False
        return following[:1].isdigit() or bool(re.match(r"[A-Za-z*](?![A-Za-z])", following))
