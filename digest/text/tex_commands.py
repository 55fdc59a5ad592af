"""Converts TeX's commands by the tables."""

from __future__ import annotations

import re
import unicodedata

from digest.text import tex_tables as tables
from digest.text.tex_lexemes import TexLexemes
from digest.text.tex_pieces import TexPiece, accent, character, fraction, join, line, scripted, to_script

_SIGN_MARKS = frozenset("\"'`^~=.")
# one letter with its subscripts and superscripts: the accent of `\widehat{w_p}` belongs to w. The alternatives begin
# with different characters, so matching takes linear time.
_INDEXED = re.compile(rf"[^\W\d_](?:[{''.join(sorted(tables.SCRIPTED))}′*†⊙∞]|[_^](?:\w|\([^()]*\)))+")
MAX_DEPTH = 40  # deeper braces are ignored


class TexCommands(TexLexemes):
    """Parses commands with their arguments. `unknown` counts those in no table."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.unknown = 0
        self.infixes = 0
        self.cell_separators: list[str] = []  # cell separators of the open matrices

    def argument(self, depth: int) -> list[TexPiece]:
        """The next argument of a command; implemented by the parser of groups."""
        raise NotImplementedError

    def command(self, name: str, pieces: list[TexPiece], depth: int) -> None:
        """Convert one command, by the table that has it."""
        name = name if len(name) == 1 else name.rstrip("*")
        if name in tables.MARKS and not (name in tables.TEXT_MARKS and self.math and name.isalpha()):
            self.mark(name, pieces, depth)
        elif name == "\\" and self.cell_separators:
            self.cell(name, pieces)
        elif name in tables.SPACES or name in tables.BREAKS:
            pieces.append(TexPiece(" ", "space"))
        elif name in tables.ESCAPED:
            pieces.append(TexPiece(tables.ESCAPED[name]))
        elif name in {"(", ")", "[", "]"}:
            self.math = int(name in "([")
            if name in "[]":
                pieces.append(TexPiece(" ", "space"))
        elif name in tables.RELATIONS:
            self.relation(tables.RELATIONS[name], pieces)
        elif name in tables.ASTRONOMY and self.before_number():
            self.relation(tables.ASTRONOMY[name], pieces)
        elif name in tables.LETTERS:
            if name in tables.NATIONAL:
                self.skip_blanks()  # the blank ended the name: `\\AA ngström`
            self.letter(tables.LETTERS[name], pieces)
        elif name in tables.SILENT:
            self.skip_switch(name)
        else:
            self.structure(name, pieces, depth)

    def relation(self, sign: str, pieces: list[TexPiece]) -> None:
        r"""A relation between operands; at the end of a formula (`$\sim$5`, `5$\times$`) it is joined to one."""
        ends_formula = self.math and self.peek() == "$"
        is_alone = ends_formula and (
            not pieces or pieces[-1].kind == "space" or (sign == "×" and pieces[-1].text[-1:].isdigit())
        )
        pieces.append(TexPiece(sign, "unary" if is_alone else "relation"))

    def before_number(self) -> bool:
        """True where a number is next, ignoring blanks and dollars."""
        ahead = "".join(self.lexemes[self.position : self.position + 3]).lstrip(" ~$")
        return ahead[:1].isdigit()

    def letter(self, sign: str, pieces: list[TexPiece]) -> None:
        """A letter or symbol; in mathematics the blank after its name only ends the name."""
        if self.math:
            self.skip_blanks()
        pieces.append(TexPiece(sign, "word" if len(sign) > 2 else "plain"))

    def skip_switch(self, name: str) -> None:
        """Skip a switch. `left` and `right` may be followed by a dot, which means no bracket."""
        self.skip_blanks()
        if name in {"left", "right", "middle"} and self.peek().startswith("."):
            self.take(1)

    def structure(self, name: str, pieces: list[TexPiece], depth: int) -> None:
        """Commands with arguments, and unknown names."""
        if name in tables.FUNCTIONS:
            pieces.append(TexPiece(name, "word"))
        elif name in tables.INFIX:
            self.infixes += 1
            pieces.append(TexPiece(name, "infix"))
        elif name in tables.FRACTIONS or name in {"binom", "tbinom", "dbinom"}:
            self.fraction(pieces, depth, name)
        elif name == "sqrt":
            self.root(pieces, depth)
        elif name in tables.FENCES:
            pieces.append(TexPiece(tables.FENCES[name].replace(" ", join(self.argument(depth)).strip())))
        elif name in tables.ALPHABETS:
            letters = tables.ALPHABETS[name]
            text = "".join(letters.get(letter, letter) for letter in join(self.argument(depth)))
            pieces.append(TexPiece(text))
        elif name in tables.PLAIN_FONTS:
            self.font(name, pieces, depth)
        elif name in {"begin", "end"}:
            self.environment(name, pieces, depth)
        else:
            self.reference_or_text(name, pieces, depth)

    def reference_or_text(self, name: str, pieces: list[TexPiece], depth: int) -> None:
        """References, links, and commands without text; an unknown command is shown as its name."""
        if name in tables.REFERENCES or name in tables.LABELS:
            while self.optional_argument() is not None:
                pass
            key = self.source_argument()
            pieces.append(TexPiece(f"[{key if name in tables.REFERENCES or key.isdigit() else '…'}]"))
        elif name in tables.ADDRESSES:
            pieces.append(TexPiece(self.source_argument()))
        elif name in {"SI", "qty", "si", "unit", "ion"}:
            self.quantity(name, pieces, depth)
        elif name in tables.DROPPED:
            self.source_argument()
        elif name in {"href", "textcolor", "colorbox", "overset", "underset", "stackrel", "raisebox"}:
            self.two_arguments(name, pieces, depth)
        elif name == "footnote":
            pieces.append(TexPiece(f" ({join(self.argument(depth))})"))
        elif name in {"tag", "pmod"}:
            pieces.append(TexPiece(f" ({'mod ' * (name == 'pmod')}{join(self.argument(depth))})"))
        elif name == "item":
            pieces.append(TexPiece(" • "))
        elif name == "unicode":
            pieces.append(TexPiece(character(self.source_argument())))
        elif len(name) == 1 and not name.isalpha():
            pieces.append(TexPiece(name))
        elif name:
            self.unknown += 1
            pieces.append(TexPiece(name, "word"))

    def quantity(self, name: str, pieces: list[TexPiece], depth: int) -> None:
        r"""`\SI{5}{\kilo\metre}` is 5 km, `\ion{H}{ii}` H ii."""
        number = "" if name in {"si", "unit"} else join(self.argument(depth)).strip()
        if name == "ion":
            unit = join(self.argument(depth)).strip()
        else:
            names = self.source_argument(keep="\\").split("\\")
            unit = names[0] + "".join(tables.UNITS.get(unit_name.strip(), unit_name) for unit_name in names[1:])
        pieces.append(TexPiece(f"{number} {unit}".strip(), "word"))

    def two_arguments(self, name: str, pieces: list[TexPiece], depth: int) -> None:
        """Commands with two arguments: the second is shown, and the first where it has a meaning."""
        if name in {"href", "textcolor", "colorbox", "raisebox"}:
            self.source_argument()
            pieces += self.argument(depth)
            return
        first, second = join(self.argument(depth)), self.argument(depth)
        above, below = (first, "") if name != "underset" else ("", first)
        pieces += second
        if above:
            pieces.append(scripted("^", above))
        elif below:
            pieces.append(scripted("_", below))

    def font(self, name: str, pieces: list[TexPiece], depth: int) -> None:
        """A change of font: the argument itself, parsed as prose for text commands."""
        script = {"textsuperscript": "^", "textsubscript": "_"}.get(name)
        math, prose = self.math, name[:4] == "text" or name in {"mbox", "hbox", "emph"}
        self.math = 0 if prose else math
        inner = self.argument(depth)
        self.math = math
        text = join(inner)
        if script:
            pieces.append(scripted(script, text))
        elif name in {"operatorname", "mathop"} or (name == "mathrm" and text.isalpha() and len(text) > 2):
            pieces.append(TexPiece(text, "word"))
        elif text:
            pieces.append(TexPiece(text, "plain"))

    def mark(self, name: str, pieces: list[TexPiece], depth: int) -> None:
        """An accent on a letter; over several letters its name, or a line above each."""
        mark = tables.MARKS[name]
        following = self.peek()
        if name in _SIGN_MARKS and not (following[:1].isalpha() or following[:1] in {"{", "\\"}):
            pieces.append(TexPiece(name if name in {'"', "'", "`"} else ""))
            return
        text = join(self.argument(depth)).strip()
        if not text or len(text) == 1 or unicodedata.combining(text[1]):
            pieces.append(accent(name, text, mark))
        elif name in {"overline", "underline", "overrightarrow"}:
            pieces.append(TexPiece(line(text, mark)))
        elif name in tables.TEXT_MARKS or name == "not" or _INDEXED.fullmatch(text):
            pieces.append(TexPiece(tables.with_mark(text[0], mark) + text[1:]))
        elif len(text) <= 3 and text.isalpha():
            pieces.append(TexPiece("".join(tables.with_mark(letter, mark) for letter in text)))
        else:
            pieces.append(TexPiece(f"{tables.NAMED_MARKS.get(mark, name)}({text})"))

    def fraction(self, pieces: list[TexPiece], depth: int, name: str) -> None:
        """A fraction or a binomial with its two arguments."""
        upper = join(self.argument(depth))
        pieces.append(fraction(name, upper, join(self.argument(depth))))

    def root(self, pieces: list[TexPiece], depth: int) -> None:
        """`√x`, `√(ab)`, `∛x`."""
        degree = self.optional_argument()
        radicand = join(self.argument(depth)).strip()
        radicand = radicand if re.fullmatch(r"\w|\d+", radicand) else f"({radicand})"
        sign = {None: "√", "2": "√", "3": "∛", "4": "∜"}.get(degree)
        if sign is None:
            sign = to_script(degree or "", tables.SUPERSCRIPT) or f"{degree}-"
            sign += "√"
        pieces.append(TexPiece(sign + radicand, "fraction" if sign[0] not in "√∛∜" else "root"))

    def environment(self, name: str, pieces: list[TexPiece], depth: int) -> None:
        """The start or end of an environment: a blank for a displayed formula, a bracket for a matrix."""
        kind = self.source_argument().rstrip("*")
        if kind in {"array", "tabular"} and name == "begin":
            self.optional_argument()
            self.source_argument()
        if kind in tables.MATRICES:
            if name == "begin":
                self.cell_separators.append("" if kind in {"array", "cases", "dcases"} else ",")
            elif self.cell_separators:
                self.cell_separators.pop()
            pieces.append(TexPiece(tables.MATRICES[kind][name == "end"]))
        elif kind in tables.MATH_ENVIRONMENTS:
            self.math = int(name == "begin")
            pieces.append(TexPiece(" ", "space"))
        else:
            pieces.append(TexPiece(" ", "space"))

    def cell(self, separator: str, pieces: list[TexPiece]) -> None:
        r"""The end of a matrix's cell (`&`) or row (`\\`): a comma or a semicolon; elsewhere a blank."""
        while pieces and (pieces[-1].kind == "space" or not pieces[-1].text):
            pieces.pop()
        self.skip_blanks()
        last = pieces[-1].text[-1:] if pieces else ""
        sign = (
            ""
            if not self.cell_separators or not last or last in "([{|‖,;."
            else self.cell_separators[-1]
            if separator == "&"
            else ";"
        )
        pieces += [TexPiece(sign), TexPiece(" ", "space")]
