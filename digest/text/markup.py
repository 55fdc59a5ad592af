"""Plain text of titles and abstracts that come as HTML, JATS or MathML. Pure; linear time.

Only tags that these languages have are markup: `p<q and r>s` stays as it is. Formulas keep the TeX that comes with
them, else the text of their MathML.
"""

from __future__ import annotations

import re
from html import unescape

from digest.text.plain_text import one_line

MAX_MARKUP = 500_000  # characters; the rest of a text is ignored

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
_SKIPPED = frozenset({"script", "style", "iframe", "object", "svg", "noscript", "annotation", "annotation-xml", "head"})
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
    """Collects text outside skipped elements; formulas with TeX keep the TeX only."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._skipped: list[str] = []
        self._heading_starts: list[int] = []
        self._has_tex = False

    def start(self, tag: str, attributes: str, *, is_empty: bool) -> None:
        """Start an element."""
        name = _local_name(tag)
        if is_empty:
            if name in _BLOCKS and not self._skipped:
                self._parts.append(" ")
            return
        if name in _SKIPPED or (self._skipped and name == self._skipped[0]):
            self._skipped.append(name)
        if self._skipped:
            return
        if name == "math":
            self._parts.append(_GLUE)
            if self._skips_formula(attributes):
                self._skipped.append(name)
        elif tag == "jats:italic":
            self._parts.append(_GLUE)
        elif name == "alternatives":
            self._has_tex = False
        self._start_block(name)

    def end(self, tag: str) -> None:
        """End an element."""
        name = _local_name(tag)
        if self._skipped:
            if name in self._skipped:
                del self._skipped[self._skipped.index(name) :]
            if name != "math" or self._skipped:
                return
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

    def text(self) -> str:
        """What was collected."""
        return _GLUED.sub(" ", "".join(self._parts)).replace(_GLUE, "")

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
