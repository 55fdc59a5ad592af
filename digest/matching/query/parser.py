"""The parser of queries: from typed text to a syntax tree; every error has a position."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from digest.errors import N_, BadQuery
from digest.matching.profile_limits import MAX_QUERY, MIN_PREFIX_LENGTH
from digest.matching.query.syntax_tree import FIELDS, TEXT_FIELDS, And, AndNot, Node, Or, Query, Term, phrase_words
from digest.papers.subjects import suggested_subjects
from digest.text.person_names import parse_name
from digest.text.person_references import ID_SCHEMES, author_term
from digest.text.word_tables import STOP_WORDS

MAX_DEPTH = 40  # parentheses inside parentheses
OPERATORS = ("AND", "OR", "ANDNOT")
_FIELD_ALIASES = {
    "title": "ti:", "abstract": "abs:", "author": "au:", "authors": "au:", "category": "cat:", "comment": "co:",
    "institution": "inst:", "journal": "venue:", "code": "has:code",
}  # fmt: skip


def parse_query(text: str) -> Query:
    """The query of a topic as typed. Raises BadQuery."""
    _check_characters(text)
    text = re.sub("[“”„‟«»]", '"', text)
    if is_query(text):
        return Query(_Parser(text).parse_all())
    term = Term(" ".join(text.split()))
    _check_term(term, 0)
    return Query(term, plain=True)


def is_query(text: str) -> bool:
    """True where an operator, a quote or a field makes a text more than plain words."""
    if '"' in text or any(word in {*OPERATORS, "NOT"} for word in re.split(r"[\s()]+", text)):
        return True
    return any(match[1].lower() in FIELDS or match[1].lower() in _FIELD_ALIASES for match in _FIELD.finditer(text))


_FIELD = re.compile(r"(?<![^\s(])([A-Za-z]+):(?=[^\s/])")
_LEXEME = re.compile(r'\s*(?:(?P<field>[A-Za-z]+):(?=[^\s/])|(?P<quoted>"[^"]*"?)|(?P<mark>[()])|(?P<word>[^\s()"]+))')


class _Lexeme(NamedTuple):
    kind: str
    text: str
    position: int


class _Parser:
    """Recursive descent over lexemes; the depth of parentheses is bounded, so the stack is too."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lexemes = _lexemes(text)
        self.position = 0
        self.terms: list[tuple[Term, int]] = []  # with their positions; checked when the structure is right

    def parse_all(self) -> Node:
        """Parse the whole text as one query."""
        node = self.query(0)
        next_lexeme = self.peek()
        if next_lexeme.text == ")":
            raise BadQuery(
                N_("a parenthesis closes that was never opened"),
                position=next_lexeme.position,
                expected=N_("nothing more"),
            )
        if next_lexeme.kind != "end":
            raise BadQuery(
                N_("%(what)s follows without an operator"),
                position=next_lexeme.position,
                expected=N_("AND, OR or ANDNOT"),
                what=_quoted_excerpt(next_lexeme.text),
            )
        for term, position in self.terms:
            _check_term(term, position)
        return node

    def query(self, depth: int) -> Node:
        """Groups joined by OR."""
        parts = [self.group(depth)]
        while self.accept("OR"):
            parts.append(self.group(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def group(self, depth: int) -> Node:
        """Items joined by AND and ANDNOT, from the left."""
        parts = [self.item(depth)]
        while True:
            if self.accept("ANDNOT"):
                keep = parts[0] if len(parts) == 1 else And(tuple(parts))
                parts = [AndNot(keep, self.item(depth))]
            elif self.accept("AND"):
                parts.append(self.item(depth))
            else:
                return parts[0] if len(parts) == 1 else And(tuple(parts))

    def item(self, depth: int) -> Node:
        """A parenthesis, or a term in its field."""
        lexeme = self.peek()
        if lexeme == ("mark", "(", lexeme.position):
            if depth >= MAX_DEPTH:
                raise BadQuery(
                    N_("too many parentheses"),
                    position=lexeme.position,
                    expected=N_("at most %(most)s inside others"),
                    most=MAX_DEPTH,
                )
            self.position += 1
            node = self.query(depth + 1)
            self.expect_close(lexeme.position)
            return node
        return self.term()

    def expect_close(self, start: int) -> None:
        """Step over the parenthesis that closes the one at `start`."""
        if self.peek().text != ")":
            raise BadQuery(
                N_("the parenthesis at %(where)s is open"),
                position=self.peek().position,
                expected=N_("AND, OR or )"),
                where=start + 1,
            )
        self.position += 1

    def term(self) -> Term:
        """An optional field, then a quoted phrase or a run of words."""
        field, position = "", self.peek().position
        if self.peek().kind == "field":
            field = _field_name(self.peek())
            self.position += 1
        lexeme = self.peek()
        if lexeme.kind == "quoted":
            self.position += 1
            term = Term(" ".join(lexeme.text.strip('"').split()), field)
        else:
            term = Term(" ".join([*self.id_scheme(field), *self.bare_words()]), field)
        if field == "au":
            term = Term(author_term(term.text.replace(": ", ":")), field)
        if not term.text and lexeme.kind != "quoted":
            raise _missing_term_error(lexeme)
        self.terms.append((term, lexeme.position if field else position))
        return term

    def id_scheme(self, field: str) -> list[str]:
        """The scheme of an author's id, such as `orcid:`, which looks like a field."""
        lexeme = self.peek()
        if field != "au" or lexeme.kind != "field" or lexeme.text.lower() not in ID_SCHEMES:
            return []
        self.position += 1
        return [f"{lexeme.text}:"]

    def bare_words(self) -> list[str]:
        """Bare words up to the next operator, parenthesis, quote or field: they form a phrase."""
        words: list[str] = []
        while self.peek().kind == "word":
            words.append(self.peek().text)
            self.position += 1
        return words

    def accept(self, operator: str) -> bool:
        """Step over that operator if it is next. Returns whether it was."""
        if (self.peek().kind, self.peek().text) != ("operator", operator):
            return False
        self.position += 1
        return True

    def peek(self) -> _Lexeme:
        """The next lexeme."""
        return self.lexemes[self.position]


def _lexemes(text: str) -> list[_Lexeme]:
    lexemes: list[_Lexeme] = []
    for piece in _LEXEME.finditer(text):
        kind = str(piece.lastgroup)
        value, position = piece[kind], piece.start(kind)
        if kind == "quoted" and (len(value) == 1 or not value.endswith('"')):
            raise BadQuery(N_("a quote is open"), position=position, expected=N_('a closing "'))
        if kind == "word" and value in {*OPERATORS, "NOT"}:
            if value == "NOT":
                lexemes, value = _merge_and_not(lexemes, position)
            kind = "operator"
        lexemes.append(_Lexeme(kind, value, position))
    return [*lexemes, _Lexeme("end", "", len(text))]


def _merge_and_not(lexemes: list[_Lexeme], position: int) -> tuple[list[_Lexeme], str]:
    """Merge AND NOT into ANDNOT. Raises BadQuery for NOT alone."""
    if lexemes and lexemes[-1].text == "AND":
        return lexemes[:-1], "ANDNOT"
    raise BadQuery(N_("NOT stands alone"), position=position, expected=N_("something to keep, then ANDNOT"))


def _field_name(lexeme: _Lexeme) -> str:
    field = lexeme.text.lower()
    if field in FIELDS:
        return field
    hint = _FIELD_ALIASES.get(field) or ", ".join(f"{name}:" for name in FIELDS)
    raise BadQuery(
        N_("the field %(what)s is unknown"), position=lexeme.position, expected=hint, what=_quoted_excerpt(lexeme.text)
    )


def _check_characters(text: str) -> None:
    if len(text) > MAX_QUERY:
        message = N_("the topic has %(n)s characters")
        raise BadQuery(message, position=MAX_QUERY, expected=N_("at most %(most)s"), n=len(text), most=MAX_QUERY)
    for position, character in enumerate(text):
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\t\n\r":
            raise BadQuery(N_("a control character"), position=position, expected=N_("text that can be printed"))


def _check_term(term: Term, position: int) -> None:
    """A term must be able to match something. Raises BadQuery."""
    _check_stars(term, position)
    if term.field == "has" and term.text.lower() != "code":
        raise BadQuery(
            N_("has:%(what)s is unknown"), position=position, expected=N_("has:code"), what=_quoted_excerpt(term.text)
        )
    if term.field == "cat" and not re.fullmatch(r"[A-Za-z-]+(\.([A-Za-z-]+|\*))?", term.text):
        raise unknown_category(term.text, position)
    if term.field == "au" and not parse_name(term.text.rstrip("*")).family:
        raise BadQuery(N_("a name is missing"), position=position, expected=N_("an author's name"))
    if term.field not in {"au", "cat", "has"}:
        term_words = phrase_words(term)
        if not term_words:
            raise BadQuery(N_("there is no word here"), position=position, expected=N_("at least one word"))
        if term.field in TEXT_FIELDS and not any(
            word.is_weighted or (len(word.text) == 1 and word.text not in STOP_WORDS) for word in term_words
        ):
            problem = (
                N_("this word is too common to search for")
                if len(term_words) == 1
                else N_("these words are too common to search for")
            )
            raise BadQuery(problem, position=position, expected=N_("one more telling word"))


def unknown_category(text: str, position: int) -> BadQuery:
    """The error for a text that is no category, which names those like it."""
    suggested = ", ".join(suggested_subjects(text))
    return BadQuery(
        N_("%(what)s is no category"),
        position=position,
        expected=suggested or N_("a name such as cs.LG or cs"),
        what=_quoted_excerpt(text),
    )


def _check_stars(term: Term, position: int) -> None:
    """A star must follow a letter or digit, at the end of a word. Raises BadQuery.

    How many letters stand before it is no matter of grammar: `profile_limit_checks` refuses short prefixes.
    """
    if term.field == "cat":
        return
    for piece in term.text.split():
        if "*" not in piece or re.search(r"(?<![^\W_])[A-Za-z]\*(?!\*)", piece):
            continue
        if not re.search(r"[^\W_]\*$", piece) or piece.count("*") > 1:
            where = position + max(0, term.text.find(piece)) + piece.index("*")
            expected = N_("%(least)s letters or more, then one *")
            raise BadQuery(N_("a star out of place"), position=where, expected=expected, least=MIN_PREFIX_LENGTH)


def _missing_term_error(lexeme: _Lexeme) -> BadQuery:
    expected = N_('a word, a "phrase", a field or a parenthesis')
    if lexeme.kind == "end":
        return BadQuery(N_("the query ends"), position=lexeme.position, expected=expected)
    text = _quoted_excerpt(lexeme.text)
    return BadQuery(N_("%(what)s stands where a word should"), position=lexeme.position, expected=expected, what=text)


def _quoted_excerpt(text: str) -> str:
    return repr(text if len(text) <= 20 else text[:19] + "…")
