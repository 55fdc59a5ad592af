"""Formulas of MathML, superscripts and subscripts as plain text in one line. Pure.

Digits and signs in superscripts and subscripts become Unicode's (`CO₂`, `10⁻³`); other letters stay in the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, TreeBuilder

from digest.text.tex_pieces import to_script
from digest.text.tex_tables import SUBSCRIPT, SUPERSCRIPT

ANNOTATIONS = frozenset({"annotation", "annotation-xml"})  # MathML's copies of a formula in other notations
SCRIPT_TABLES = {"sup": SUPERSCRIPT, "sub": SUBSCRIPT}
MAX_DEPTH = 60  # elements in each other; deeper formulas are read without their structure
_SCRIPTED = {"msup": "p", "msub": "b", "msubsup": "bp", "mmultiscripts": "bp", "munderover": "bp"}


def local_name(element: Element) -> str:
    """The tag without namespace; '' for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def script_text(text: str, kind: str) -> str:
    """The text in superscript (`sup`) or subscript (`sub`) characters where it is a number, a sign or one letter."""
    stripped = text.strip()
    if len(stripped) == 1 or (stripped and not any(character.isalpha() for character in stripped)):
        signs = to_script(stripped, SCRIPT_TABLES[kind])
        return stripped if signs is None else signs
    return text


def formula_text(element: Element) -> str:
    """A formula of MathML in one line. White space between its elements has no meaning."""
    name = local_name(element)
    if name in ANNOTATIONS:
        return ""
    if name == "mtext":
        return "".join(element.itertext())
    if not len(element):
        return " ".join((element.text or "").split())
    return _joined(name, [formula_text(child) for child in element])


def _joined(name: str, parts: Sequence[str]) -> str:
    """The parts of an element of MathML, joined as its name says."""
    if name in _SCRIPTED and len(parts) > 1:
        return _with_scripts(parts, _SCRIPTED[name])
    if name == "mfrac" and len(parts) == 2:
        return "/".join(map(_bracketed, parts))
    joined = "".join(parts)
    return f"√{_bracketed(joined)}" if name == "msqrt" else joined


def _with_scripts(parts: Sequence[str], kinds: str) -> str:
    """A base with its subscript (`b`) and superscript (`p`)."""
    base, *scripts = parts
    for text, kind in zip(scripts, kinds, strict=False):
        signs = to_script(text, SCRIPT_TABLES["sub" if kind == "b" else "sup"]) if text else ""
        base += f"{'_' if kind == 'b' else '^'}{_bracketed(text)}" if signs is None else signs
    return base


def _bracketed(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"


class FormulaBuilder:
    """Builds the tree of a formula from its tags and texts, and finds out whether they are well-formed."""

    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._open: list[str] = []
        self._is_damaged = False

    def start(self, name: str, *, is_empty: bool) -> None:
        """Start an element; `is_empty`: it ends at once."""
        if len(self._open) >= MAX_DEPTH:
            self._is_damaged = True
            return
        self._builder.start(name, {})
        if is_empty:
            self._builder.end(name)
        else:
            self._open.append(name)

    def end(self, name: str) -> None:
        """End an element."""
        if not self._open or self._open.pop() != name:
            self._is_damaged = True
            return
        self._builder.end(name)

    def add_text(self, text: str) -> None:
        """Text between tags."""
        if self._open:
            self._builder.data(text)

    def finish(self) -> str | None:
        """The formula in one line; None where its elements do not close in order or lie too deep in each other."""
        if self._is_damaged or self._open:
            return None
        return formula_text(self._builder.close())
