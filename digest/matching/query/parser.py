"""The parser of queries: from typed text to a syntax tree; every error has a position."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from digest.errors import N_, BadQuery
from digest.matching.profile import MAX_QUERY
from digest.matching.query.syntax_tree import FIELDS, TEXT_FIELDS, And, AndNot, Node, Or, Query, Term, phrase_words
from digest.text.person_names import parse_name
from digest.text.word_tables import STOP_WORDS

MAX_DEPTH = 40  # parentheses inside parentheses
OPERATORS = ("AND", "OR", "ANDNOT")
_OTHER_NAMES = {
    "title": "ti:", "abstract": "abs:", "author": "au:", "authors": "au:", "category": "cat:", "comment": "co:",
    "institution": "inst:", "journal": "venue:", "code": "has:code",
}  # fmt: skip


def parse_query(text: str) -> Query:
    """The query of a topic as typed. Raises BadQuery."""
    _check_characters(text)
    text = re.sub("[“”„‟«»]", '"', text)
    if is_query(text):
        return Query(_Parser(text).whole())
    term = Term(" ".join(text.split()))
    _check(term, 0)
    return Query(term, plain=True)


def is_query(text: str) -> bool:
    """True where an operator, a quote or a field makes a text more than plain words."""
    if '"' in text or any(word in {*OPERATORS, "NOT"} for word in re.split(r"[\s()]+", text)):
        return True
    return any(found[1].lower() in FIELDS or found[1].lower() in _OTHER_NAMES for found in _FIELD.finditer(text))


_FIELD = re.compile(r"(?<![^\s(])([A-Za-z]+):(?=[^\s/])")
_LEXEME = re.compile(r'\s*(?:(?P<field>[A-Za-z]+):(?=[^\s/])|(?P<quoted>"[^"]*"?)|(?P<mark>[()])|(?P<word>[^\s()"]+))')


class _Lexeme(NamedTuple):
    kind: str
    text: str
    at: int


class _Parser:
    """Recursive descent over lexemes; the depth of parentheses is bounded, so the stack is too."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lexemes = _lexemes(text)
        self.here = 0

    def whole(self) -> Node:
        """Parse the whole text as one query."""
        node = self.query(0)
        left = self.peek()
        if left.text == ")":
            raise BadQuery(
                N_("a parenthesis closes that was never opened"), position=left.at, expected=N_("nothing more")
            )
        if left.kind != "end":
            raise BadQuery(
                N_("%(what)s follows without an operator"),
                position=left.at,
                expected=N_("AND, OR or ANDNOT"),
                what=_cut(left.text),
            )
        return node

    def query(self, depth: int) -> Node:
        """Groups joined by OR."""
        parts = [self.group(depth)]
        while self.take("OR"):
            parts.append(self.group(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def group(self, depth: int) -> Node:
        """Items joined by AND and ANDNOT, from the left."""
        parts = [self.item(depth)]
        while True:
            if self.take("ANDNOT"):
                keep = parts[0] if len(parts) == 1 else And(tuple(parts))
                parts = [AndNot(keep, self.item(depth))]
            elif self.take("AND"):
                parts.append(self.item(depth))
            else:
                return parts[0] if len(parts) == 1 else And(tuple(parts))

    def item(self, depth: int) -> Node:
        """A parenthesis, or a term in its field."""
        lexeme = self.peek()
        if lexeme == ("mark", "(", lexeme.at):
            if depth >= MAX_DEPTH:
                raise BadQuery(
                    N_("too many parentheses"),
                    position=lexeme.at,
                    expected=N_("at most %(most)s inside others"),
                    most=MAX_DEPTH,
                )
            self.here += 1
            node = self.query(depth + 1)
            self.close(lexeme.at)
            return node
        return self.term()

    def close(self, opened: int) -> None:
        """Step over the parenthesis that closes the one at `start`."""
        if self.peek().text != ")":
            raise BadQuery(
                N_("the parenthesis at %(where)s is open"),
                position=self.peek().at,
                expected=N_("AND, OR or )"),
                where=opened + 1,
            )
        self.here += 1

    def term(self) -> Term:
        """An optional field, then a quoted phrase or a run of words."""
        field, at = "", self.peek().at
        if self.peek().kind == "field":
            field = _field(self.peek())
            self.here += 1
        lexeme = self.peek()
        if lexeme.kind == "quoted":
            self.here += 1
            term = Term(" ".join(lexeme.text.strip('"').split()), field)
        else:
            term = Term(" ".join(self.run()), field)
        if not term.text and lexeme.kind != "quoted":
            raise _nothing(lexeme)
        _check(term, lexeme.at if field else at)
        return term

    def run(self) -> list[str]:
        """Bare words up to the next operator, parenthesis, quote or field: they form a phrase."""
        run: list[str] = []
        while self.peek().kind == "word":
            run.append(self.peek().text)
            self.here += 1
        return run

    def take(self, operator: str) -> bool:
        """Step over that operator if it is next. Returns whether it was."""
        if (self.peek().kind, self.peek().text) != ("operator", operator):
            return False
        self.here += 1
        return True

    def peek(self) -> _Lexeme:
        """The next lexeme."""
        return self.lexemes[self.here]


def _lexemes(text: str) -> list[_Lexeme]:
    found: list[_Lexeme] = []
    for piece in _LEXEME.finditer(text):
        kind = str(piece.lastgroup)
        value, at = piece[kind], piece.start(kind)
        if kind == "quoted" and (len(value) == 1 or not value.endswith('"')):
            raise BadQuery(N_("a quote is open"), position=at, expected=N_('a closing "'))
        if kind == "word" and value in {*OPERATORS, "NOT"}:
            if value == "NOT":
                found, value = _and_not(found, at)
            kind = "operator"
        found.append(_Lexeme(kind, value, at))
    return [*found, _Lexeme("end", "", len(text))]


def _and_not(before: list[_Lexeme], at: int) -> tuple[list[_Lexeme], str]:
    """Merge AND NOT into ANDNOT. Raises BadQuery for NOT alone."""
    if before and before[-1].text == "AND":
        return before[:-1], "ANDNOT"
    raise BadQuery(N_("NOT stands alone"), position=at, expected=N_("something to keep, then ANDNOT"))


def _field(lexeme: _Lexeme) -> str:
    field = lexeme.text.lower()
    if field in FIELDS:
        return field
    hint = _OTHER_NAMES.get(field) or ", ".join(f"{known}:" for known in FIELDS)
    raise BadQuery(N_("the field %(what)s is unknown"), position=lexeme.at, expected=hint, what=_cut(lexeme.text))


def _check_characters(text: str) -> None:
    if len(text) > MAX_QUERY:
        message = N_("the topic has %(n)s characters")
        raise BadQuery(message, position=MAX_QUERY, expected=N_("at most %(most)s"), n=len(text), most=MAX_QUERY)
    for at, character in enumerate(text):
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\t\n\r":
            raise BadQuery(N_("a control character"), position=at, expected=N_("text that can be printed"))


def _check(term: Term, at: int) -> None:
    """A term must be able to match something. Raises BadQuery."""
    _check_stars(term, at)
    if term.field == "has" and term.text.lower() != "code":
        raise BadQuery(N_("has:%(what)s is unknown"), position=at, expected=N_("has:code"), what=_cut(term.text))
    if term.field == "cat" and not re.fullmatch(r"[A-Za-z-]+(\.([A-Za-z-]+|\*))?", term.text):
        raise BadQuery(
            N_("%(what)s is no category"), position=at, expected=N_("a name such as cs.LG or cs"), what=_cut(term.text)
        )
    if term.field == "au" and not parse_name(term.text.rstrip("*")).family:
        raise BadQuery(N_("a name is missing"), position=at, expected=N_("an author's name"))
    if term.field not in {"au", "cat", "has"}:
        found = phrase_words(term)
        if not found:
            raise BadQuery(N_("there is no word here"), position=at, expected=N_("at least one word"))
        if term.field in TEXT_FIELDS and not any(
            word.weighs or (len(word.text) == 1 and word.text not in STOP_WORDS) for word in found
        ):
            raise BadQuery(
                N_("these words are too common to search for"), position=at, expected=N_("one more telling word")
            )


def _check_stars(term: Term, at: int) -> None:
    """A star must follow two letters or more, at the end of a word. Raises BadQuery."""
    if term.field == "cat":
        return
    for piece in term.text.split():
        if "*" not in piece or re.search(r"(?<![^\W_])[A-Za-z]\*(?!\*)", piece):
            continue
        if not re.search(r"[^\W_]{2}\*$", piece) or piece.count("*") > 1:
            where = at + max(0, term.text.find(piece)) + piece.index("*")
            raise BadQuery(N_("a star out of place"), position=where, expected=N_("two letters or more, then one *"))


def _nothing(lexeme: _Lexeme) -> BadQuery:
    wanted = N_('a word, a "phrase", a field or a parenthesis')
    if lexeme.kind == "end":
        return BadQuery(N_("the query ends"), position=lexeme.at, expected=wanted)
    what = _cut(lexeme.text)
    return BadQuery(N_("%(what)s stands where a word should"), position=lexeme.at, expected=wanted, what=what)


def _cut(text: str) -> str:
    return repr(text if len(text) <= 20 else text[:19] + "…")
