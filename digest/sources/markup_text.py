"""Plain text of an element with markup inside: italics, superscripts, subscripts and MathML. Pure.

Digits and signs in superscripts and subscripts become Unicode's (`CO₂`, `10⁻³`); other letters stay in the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from digest.text.plain_text import one_line
from digest.text.tex_pieces import to_script
from digest.text.tex_tables import SUBSCRIPT, SUPERSCRIPT

_TABLES = {"sup": SUPERSCRIPT, "sub": SUBSCRIPT}
_LEFT_OUT = frozenset({"annotation", "annotation-xml"})  # MathML's copies of a formula in other notations
_SCRIPTED = {"msup": "p", "msub": "b", "msubsup": "bp", "mmultiscripts": "bp", "munderover": "bp"}


def markup_text(element: Element | None) -> str:
    """The text in one line, '' for no element."""
    return "" if element is None else one_line(_inner(element))


def _inner(element: Element) -> str:
    """The text of an element with its children's."""
    parts = [element.text or ""]
    for child in element:
        parts += [_text(child), child.tail or ""]
    return "".join(parts)


def _text(element: Element) -> str:
    name = local_name(element)
    if name in _LEFT_OUT:
        return ""
    if name == "math":
        return _formula(element)
    return _script(_inner(element), name) if name in _TABLES else _inner(element)


def local_name(element: Element) -> str:
    """The tag without namespace; '' for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _script(text: str, kind: str) -> str:
    """The text in superscript or subscript characters where it is a number, a sign or one letter."""
    bare = text.strip()
    if len(bare) == 1 or (bare and not any(character.isalpha() for character in bare)):
        signs = to_script(bare, _TABLES[kind])
        return bare if signs is None else signs
    return text


def _formula(element: Element) -> str:
    """A formula of MathML in one line. White space between its elements has no meaning."""
    name = local_name(element)
    if name in _LEFT_OUT:
        return ""
    if name == "mtext":
        return _inner(element)
    if not len(element):
        return " ".join((element.text or "").split())
    return _joined(name, [_formula(child) for child in element])


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
        signs = to_script(text, _TABLES["sub" if kind == "b" else "sup"]) if text else ""
        base += f"{'_' if kind == 'b' else '^'}{_bracketed(text)}" if signs is None else signs
    return base


def _bracketed(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"
