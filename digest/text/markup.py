"""Plain text of titles and abstracts that come as HTML, JATS or MathML. Pure; linear time.

Only tags that these languages have are markup: `p<q and r>s` stays as it is. Formulas keep the TeX that comes with
them, else they are written from their MathML; numbers and signs in superscripts and subscripts become Unicode's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from xml.etree.ElementTree import Element

from digest.text.mathml import ANNOTATIONS, SCRIPT_TABLES, FormulaBuilder, formula_text, local_name, script_text
from digest.text.plain_text import one_line

MAX_MARKUP = 500_000  # characters; the rest of a text is ignored
MAX_SCRIPT_DEPTH = 4  # superscripts and subscripts in each other; deeper ones stay in the line

_BLOCK_NAMES = (
    "address article blockquote br dd disp-formula div dl dt figure footer h1 h2 h3 h4 h5 h6 header hr label li list"
    " list-item main ol p pre sec section table tbody td th thead title tr ul"
)
_INLINE_NAMES = (
    "a abbr b bdi bdo big center cite code del dfn em ext-link font fn i img inline-formula ins italic bold kbd mark"
    " monospace named-content nobr q roman s samp sans-serif sc small span strike strong styled-content sub sup tt u"
    " underline overline var wbr xref abstract alternatives tex-math html head body title math button nav aside"
    " figcaption script style iframe object svg video audio noscript form input graphic inline-graphic uri email"
)
_MATHML_NAMES = (
    "math annotation annotation-xml maction maligngroup malignmark menclose merror mfenced mfrac mglyph mi mlabeledtr"
    " mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable"
    " mtd mtext mtr munder munderover none semantics"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_NAMES = _BLOCKS | frozenset(f"{_INLINE_NAMES} {_MATHML_NAMES}".split())
_SKIPPED = frozenset({"script", "style", "iframe", "object", "svg", "noscript", "head"}) | ANNOTATIONS
_HEADINGS = frozenset({"title", "h1", "h2", "h3", "h4", "h5", "h6"})
# A `<` inside a tag ends it: the time stays linear whatever is not closed.
_TOKEN = re.compile(
    r"<!--(?:(?!<!--)[\s\S]){0,5000}?-->"
    r"|<!\[CDATA\[(?P<cdata>(?:(?!<!\[CDATA\[)[\s\S])*?)\]\]>"
    r"|<(?P<end>/?)(?P<name>(?:[A-Za-z]{1,9}:)?[A-Za-z][A-Za-z0-9-]{0,20})"
    r"(?P<attributes>\s{1,20}[\w:.-]{1,40}\s{0,20}=(?:[^<>\"']|\"[^\"<]{0,2000}\"|'[^'<]{0,2000}')*+)?\s{0,20}/?>"
)
_ALTTEXT = re.compile(r"""\balttext\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_TEX_BODY = re.compile(r"\\begin\{document\}(.{0,5000}?)\\end\{document\}", re.DOTALL)
_GLUE = "\ufdd0"  # a noncharacter: where a formula or a term in italics begins or ends; spaces are often lost there
_GLUED = re.compile(rf"(?<=[^\W\d_]{{2}}){_GLUE}(?=[A-Z$]|[^\W\d_]{{2}})|(?<=[\w$]){_GLUE}(?=[^\W\d_]{{2}})")
_BEFORE_MARK = re.compile(r" +(?=[,.;:)\]])")


def text_of_markup(markup: str) -> str:
    """The text in one line. Headings end with a colon; a leading heading `Abstract` is left out.

    Markup that was escaped twice is read as markup, too.
    """
    text = _read(markup[:MAX_MARKUP].replace(_GLUE, ""))
    if "&" in text or _has_tags(text):
        text = _read(text)
    return _BEFORE_MARK.sub("", one_line(text))


def text_of_element(element: Element | None) -> str:
    """The text of a parsed element in one line, '' for no element."""
    return "" if element is None else one_line(_inner_text(element))


def _inner_text(element: Element) -> str:
    """The text of an element with its children's."""
    parts = [element.text or ""]
    for child in element:
        parts += [_child_text(child), child.tail or ""]
    return "".join(parts)


def _child_text(element: Element) -> str:
    name = local_name(element)
    if name in ANNOTATIONS:
        return ""
    if name == "math":
        return formula_text(element)
    return script_text(_inner_text(element), name) if name in SCRIPT_TABLES else _inner_text(element)


def _has_tags(text: str) -> bool:
    return any(_local_name(match["name"]) in _NAMES for match in _TOKEN.finditer(text) if match["name"])


def _local_name(tag: str) -> str:
    return tag.rpartition(":")[2].lower()


def _read(markup: str) -> str:
    if "<" not in markup and "&" not in markup:
        return markup
    collector = _TextCollector()
    position = 0
    for token in _TOKEN.finditer(markup):
        name = token["name"]
        if name is not None and _local_name(name) not in _NAMES:
            continue
        collector.add_text(unescape(markup[position : token.start()]))
        position = token.end()
        if token["cdata"] is not None:
            collector.add_text(token["cdata"])
        elif name is not None and token["end"]:
            collector.end(name.lower())
        elif name is not None:
            collector.start(name.lower(), token["attributes"] or "", is_empty=token[0].endswith("/>"))
    collector.add_text(unescape(markup[position:]))
    return collector.text()


class _TextCollector:
    """Collects text outside skipped elements; formulas with TeX keep the TeX only.

    `_formula`: the MathML being read, and where in `_parts` its text begins, which is used if it is damaged.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._skipped: list[str] = []
        self._heading_starts: list[int] = []
        self._script_starts: list[tuple[str, int]] = []
        self._formula: tuple[FormulaBuilder, int] | None = None
        self._has_tex = False

    def start(self, tag: str, attributes: str, *, is_empty: bool) -> None:
        """Start an element."""
        name = _local_name(tag)
        if is_empty:
            if not self._skipped:
                self._add_empty(name)
            return
        if name in _SKIPPED or (self._skipped and name == self._skipped[0]):
            self._skipped.append(name)
        if self._skipped:
            return
        if name == "math":
            self._parts.append(_GLUE)
            if self._skips_formula(attributes):
                self._skipped.append(name)
                return
            self._formula = (FormulaBuilder(), len(self._parts))
        elif tag == "jats:italic":
            self._parts.append(_GLUE)
        elif name == "alternatives":
            self._has_tex = False
        if self._formula:
            self._formula[0].start(name, is_empty=False)
        elif name in SCRIPT_TABLES and len(self._script_starts) < MAX_SCRIPT_DEPTH:
            self._script_starts.append((name, len(self._parts)))
        self._start_block(name)

    def end(self, tag: str) -> None:
        """End an element."""
        name = _local_name(tag)
        if self._skipped:
            if name in self._skipped:
                del self._skipped[self._skipped.index(name) :]
            if name != "math" or self._skipped:
                return
        self._end_formula_part(name)
        if self._script_starts and self._script_starts[-1][0] == name:
            self._replace_from(self._script_starts.pop()[1], lambda text: script_text(text, name))
        if name == "math" or tag == "jats:italic":
            self._parts.append(_GLUE)
        if name in {"alternatives", "tex-math"}:
            self._has_tex = name == "tex-math"
        if name in _HEADINGS and self._heading_starts:
            self._end_heading(self._heading_starts.pop())
        if name in _BLOCKS:
            self._parts.append(" ")

    def add_text(self, text: str) -> None:
        """Text between tags."""
        if text and not self._skipped:
            body = _TEX_BODY.search(text) if "\\begin{document}" in text else None
            self._parts.append(body[1].strip().replace("$$", "$") if body else text)
            if self._formula:
                self._formula[0].add_text(text)

    def text(self) -> str:
        """What was collected."""
        return _GLUED.sub(" ", "".join(self._parts)).replace(_GLUE, "")

    def _add_empty(self, name: str) -> None:
        if name in _BLOCKS:
            self._parts.append(" ")
        if self._formula:
            self._formula[0].start(name, is_empty=True)

    def _end_formula_part(self, name: str) -> None:
        """End an element of the formula; where the formula ends, replace its text."""
        if self._formula is None:
            return
        builder, start = self._formula
        builder.end(name)
        if name == "math":
            self._formula = None
            text = builder.finish()
            if text is not None:
                self._parts[start:] = [text]

    def _replace_from(self, start: int, convert: Callable[[str], str]) -> None:
        self._parts[start:] = [convert("".join(self._parts[start:]))]

    def _start_block(self, name: str) -> None:
        if name in _BLOCKS:
            self._parts.append(" ")
        if name in _HEADINGS:
            self._heading_starts.append(len(self._parts))

    def _skips_formula(self, attributes: str) -> bool:
        """True where the formula's TeX is known; TeX in an attribute is collected."""
        match = _ALTTEXT.search(attributes)
        alternative = unescape(match[1] or match[2] or "") if match else ""
        if self._has_tex:
            return True
        if "$" in alternative:
            self._parts.append(alternative)
            return True
        return False

    def _end_heading(self, start: int) -> None:
        heading = one_line("".join(self._parts[start:]))
        is_abstract = heading.rstrip(".: ").lower() in {"abstract", "summary", "graphical abstract"}
        if is_abstract or not heading:
            self._parts[start:] = [" "]
        elif heading[-1] not in ".:?!":
            self._parts.append(": ")
