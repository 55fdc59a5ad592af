"""Converts TeX's commands by the tables."""

from __future__ import annotations

import re
import unicodedata

from digest.text import tex_tables as tables
from digest.text.tex_lexemes import Lexemes
from digest.text.tex_pieces import Piece, accent, character, fraction, join, line, raised, scripted

_SIGN_MARKS = frozenset("\"'`^~=.")
# one letter with its subscripts and superscripts: the accent of `\widehat{w_p}` belongs to w. The alternatives begin
# with different characters, so matching takes linear time.
_INDEXED = re.compile(rf"[^\W\d_](?:[{''.join(sorted(tables.SCRIPTED))}′*†⊙∞]|[_^](?:\w|\([^()]*\)))+")
MAX_DEPTH = 40  # deeper braces are ignored


class Commands(Lexemes):
    """Parses commands with their arguments. `unknown` counts those in no table."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.unknown = 0
        self.infixes = 0
        self.matrices: list[str] = []  # cell separators of the open matrices

    def argument(self, depth: int) -> list[Piece]:
        """The next argument of a command; implemented by the parser of groups."""
        raise NotImplementedError

    def command(self, name: str, pieces: list[Piece], depth: int) -> None:
        """Convert one command, by the table that has it."""
        name = name if len(name) == 1 else name.rstrip("*")
        if name in tables.MARKS and not (name in tables.TEXT_MARKS and self.math and name.isalpha()):
            self.mark(name, pieces, depth)
        elif name == "\\" and self.matrices:
            self.cell(name, pieces)
        elif name in tables.SPACES or name in tables.BREAKS:
            pieces.append(Piece(" ", "space"))
        elif name in tables.ESCAPED:
            pieces.append(Piece(tables.ESCAPED[name]))
        elif name in {"(", ")", "[", "]"}:
            self.math = int(name in "([")
            if name in "[]":
                pieces.append(Piece(" ", "space"))
        elif name in tables.RELATIONS:
            self.relation(tables.RELATIONS[name], pieces)
        elif name in tables.ASTRONOMY and self.before_number():
            self.relation(tables.ASTRONOMY[name], pieces)
        elif name in tables.LETTERS:
            if name in tables.NATIONAL:
                self.skip_blanks()  # the blank ended the name: `\\AA ngström`
            self.letter(tables.LETTERS[name], pieces)
        elif name in tables.SILENT:
            self.silent(name)
        else:
            self.structure(name, pieces, depth)

    def relation(self, sign: str, pieces: list[Piece]) -> None:
        r"""A relation between operands; at the end of a formula (`$\sim$5`, `5$\times$`) it is joined to one."""
        ends = self.math and self.peek() == "$"
        alone = ends and (not pieces or pieces[-1].kind == "space" or (sign == "×" and pieces[-1].text[-1:].isdigit()))
        pieces.append(Piece(sign, "unary" if alone else "relation"))

    def before_number(self) -> bool:
        """True where a number is next, ignoring blanks and dollars."""
        ahead = "".join(self.lexemes[self.at : self.at + 3]).lstrip(" ~$")
        return ahead[:1].isdigit()

    def letter(self, sign: str, pieces: list[Piece]) -> None:
        """A letter or symbol; in mathematics the blank after its name only ends the name."""
        if self.math:
            self.skip_blanks()
        pieces.append(Piece(sign, "word" if len(sign) > 2 else "plain"))

    def silent(self, name: str) -> None:
        """Skip a switch. `left` and `right` may be followed by a dot, which means no bracket."""
        self.skip_blanks()
        if name in {"left", "right", "middle"} and self.peek().startswith("."):
            self.take(1)

    def structure(self, name: str, pieces: list[Piece], depth: int) -> None:
        """Commands with arguments, and unknown names."""
        if name in tables.FUNCTIONS:
            pieces.append(Piece(name, "word"))
        elif name in tables.INFIX:
            self.infixes += 1
            pieces.append(Piece(name, "infix"))
        elif name in tables.FRACTIONS or name in {"binom", "tbinom", "dbinom"}:
            self.fraction(pieces, depth, name)
        elif name == "sqrt":
            self.root(pieces, depth)
        elif name in tables.FENCES:
            pieces.append(Piece(tables.FENCES[name].replace(" ", join(self.argument(depth)).strip())))
        elif name in tables.ALPHABETS:
            letters = tables.ALPHABETS[name]
            text = "".join(letters.get(letter, letter) for letter in join(self.argument(depth)))
            pieces.append(Piece(text))
        elif name in tables.PLAIN_FONTS:
            self.font(name, pieces, depth)
        elif name in {"begin", "end"}:
            self.environment(name, pieces, depth)
        else:
            self.outward(name, pieces, depth)

    def outward(self, name: str, pieces: list[Piece], depth: int) -> None:
        """References, links, and commands without text; an unknown command is shown as its name."""
        if name in tables.REFERENCES or name in tables.LABELS:
            while self.optional() is not None:
                pass
            key = self.source()
            pieces.append(Piece(f"[{key if name in tables.REFERENCES or key.isdigit() else '…'}]"))
        elif name in tables.ADDRESSES:
            pieces.append(Piece(self.source()))
        elif name in {"SI", "qty", "si", "unit", "ion"}:
            self.quantity(name, pieces, depth)
        elif name in tables.DROPPED:
            self.source()
        elif name in {"href", "textcolor", "colorbox", "overset", "underset", "stackrel", "raisebox"}:
            self.two(name, pieces, depth)
        elif name == "footnote":
            pieces.append(Piece(f" ({join(self.argument(depth))})"))
        elif name in {"tag", "pmod"}:
            pieces.append(Piece(f" ({'mod ' * (name == 'pmod')}{join(self.argument(depth))})"))
        elif name == "item":
            pieces.append(Piece(" • "))
        elif name == "unicode":
            pieces.append(Piece(character(self.source())))
        elif len(name) == 1 and not name.isalpha():
            pieces.append(Piece(name))
        elif name:
            self.unknown += 1
            pieces.append(Piece(name, "word"))

    def quantity(self, name: str, pieces: list[Piece], depth: int) -> None:
        r"""`\SI{5}{\kilo\metre}` is 5 km, `\ion{H}{ii}` H ii."""
        number = "" if name in {"si", "unit"} else join(self.argument(depth)).strip()
        if name == "ion":
            unit = join(self.argument(depth)).strip()
        else:
            names = self.source(kept="\\").split("\\")
            unit = names[0] + "".join(tables.UNITS.get(one.strip(), one) for one in names[1:])
        pieces.append(Piece(f"{number} {unit}".strip(), "word"))

    def two(self, name: str, pieces: list[Piece], depth: int) -> None:
        """Commands with two arguments: the second is shown, and the first where it has a meaning."""
        if name in {"href", "textcolor", "colorbox", "raisebox"}:
            self.source()
            pieces += self.argument(depth)
            return
        first, second = join(self.argument(depth)), self.argument(depth)
        over, under = (first, "") if name != "underset" else ("", first)
        pieces += second
        if over:
            pieces.append(scripted("^", over))
        elif under:
            pieces.append(scripted("_", under))

    def font(self, name: str, pieces: list[Piece], depth: int) -> None:
        """A change of font: the argument itself, parsed as prose for text commands."""
        raised = {"textsuperscript": "^", "textsubscript": "_"}.get(name)
        math, prose = self.math, name[:4] == "text" or name in {"mbox", "hbox", "emph"}
        self.math = 0 if prose else math
        inner = self.argument(depth)
        self.math = math
        text = join(inner)
        if raised:
            pieces.append(scripted(raised, text))
        elif name in {"operatorname", "mathop"} or (name == "mathrm" and text.isalpha() and len(text) > 2):
            pieces.append(Piece(text, "word"))
        elif text:
            pieces.append(Piece(text, "plain"))

    def mark(self, name: str, pieces: list[Piece], depth: int) -> None:
        """An accent on a letter; over several letters its name, or a line above each."""
        mark = tables.MARKS[name]
        following = self.peek()
        if name in _SIGN_MARKS and not (following[:1].isalpha() or following[:1] in {"{", "\\"}):
            pieces.append(Piece(name if name in {'"', "'", "`"} else ""))
            return
        text = join(self.argument(depth)).strip()
        if not text or len(text) == 1 or unicodedata.combining(text[1]):
            pieces.append(accent(name, text, mark))
        elif name in {"overline", "underline", "overrightarrow"}:
            pieces.append(Piece(line(text, mark)))
        elif name in tables.TEXT_MARKS or name == "not" or _INDEXED.fullmatch(text):
            pieces.append(Piece(tables.marked(text[0], mark) + text[1:]))
        elif len(text) <= 3 and text.isalpha():
            pieces.append(Piece("".join(tables.marked(letter, mark) for letter in text)))
        else:
            pieces.append(Piece(f"{tables.NAMED_MARKS.get(mark, name)}({text})"))

    def fraction(self, pieces: list[Piece], depth: int, name: str) -> None:
        """A fraction or a binomial with its two arguments."""
        upper = join(self.argument(depth))
        pieces.append(fraction(name, upper, join(self.argument(depth))))

    def root(self, pieces: list[Piece], depth: int) -> None:
        """`√x`, `√(ab)`, `∛x`."""
        degree = self.optional()
        radicand = join(self.argument(depth)).strip()
        radicand = radicand if re.fullmatch(r"\w|\d+", radicand) else f"({radicand})"
        sign = {None: "√", "2": "√", "3": "∛", "4": "∜"}.get(degree)
        if sign is None:
            sign = raised(degree or "", tables.SUPERSCRIPT) or f"{degree}-"
            sign += "√"
        pieces.append(Piece(sign + radicand, "fraction" if sign[0] not in "√∛∜" else "root"))

    def environment(self, name: str, pieces: list[Piece], depth: int) -> None:
        """The start or end of an environment: a blank for a displayed formula, a bracket for a matrix."""
        kind = self.source().rstrip("*")
        if kind in {"array", "tabular"} and name == "begin":
            self.optional()
            self.source()
        if kind in tables.MATRICES:
            if name == "begin":
                self.matrices.append("" if kind in {"array", "cases", "dcases"} else ",")
            elif self.matrices:
                self.matrices.pop()
            pieces.append(Piece(tables.MATRICES[kind][name == "end"]))
        elif kind in tables.MATH_ENVIRONMENTS:
            self.math = int(name == "begin")
            pieces.append(Piece(" ", "space"))
        else:
            pieces.append(Piece(" ", "space"))

    def cell(self, mark: str, pieces: list[Piece]) -> None:
        r"""The end of a matrix's cell (`&`) or row (`\\`): a comma or a semicolon; elsewhere a blank."""
        while pieces and (pieces[-1].kind == "space" or not pieces[-1].text):
            pieces.pop()
        self.skip_blanks()
        last = pieces[-1].text[-1:] if pieces else ""
        sign = "" if not self.matrices or not last or last in "([{|‖,;." else self.matrices[-1] if mark == "&" else ";"
        pieces += [Piece(sign), Piece(" ", "space")]
