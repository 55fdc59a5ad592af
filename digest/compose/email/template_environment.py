"""Mail templates: read from the package, styles inlined and compiled once."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources

import css_inline
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import escape

from digest.compose.text.text_wrapping import wrap
from digest.i18n import catalogue

_html = Environment(
    autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
)
_text = Environment(
    autoescape=False,  # noqa: S701 - plain text has nothing to escape
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_link_tags=False)


# No text holds a control character.
PAPER_MARK = "\x01"  # a paper's place in a page
PAGE_CUT = "\x02"  # where a page is split, so that parts common to all mails of a kind are shared strings
_SENTENCE = re.compile(r'\{\{ _\("([^"]*)"\) \}\}')
for _environment in (_html, _text):
    _environment.add_extension("jinja2.ext.i18n")
    _environment.filters["wrap"] = wrap


def _read_template(path: str, folder: str = "email") -> str:
    """The source of one file below `templates/email` or another of its folders."""
    return resources.files("templates").joinpath(folder, *path.split("/")).read_text(encoding="utf-8")


@lru_cache(maxsize=64)
def html_template(name: str) -> Template:
    """The HTML part of a mail, with PAPER_MARK for the repeated piece, if it has one."""
    before, piece, after = _split_source(name)
    return _compile(_html, before + PAPER_MARK + after if piece else before)


@lru_cache(maxsize=64)
def piece_template(name: str) -> Template:
    """The repeated piece of a mail (one paper) as a template of its own, so that mails share its output."""
    return _compile(_html, _split_source(name)[1])


@lru_cache(maxsize=64)
def _split_source(name: str) -> tuple[str, str, str]:
    """The page's source before, within and after `<!-- piece -->`, with layout and footer included.

    Styles are inlined into the template, not into each mail; the inliner parses the whole document, so loops must
    stand where HTML allows text.
    """
    source = _read_template("layout.html").replace("<!-- body -->", _read_template(f"{name}/body.html"))
    source = _inliner.inline(source.replace("<!-- footer -->", _read_template("footer.html"))).replace(
        "<!-- cut -->", PAGE_CUT
    )
    before, _, remainder = source.partition("<!-- piece -->")
    inside, _, after = remainder.partition("<!-- /piece -->")
    return before, inside, after


def _compile(environment: Environment, source: str) -> Template:
    """Compile a template; its globals become a plain dict, as Jinja's own type is slow to copy for every mail."""
    translations = catalogue()
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    template = environment.from_string(
        _SENTENCE.sub(lambda match: _inline_sentence(environment, translations.gettext(match[1])), source)
    )
    template.globals = dict(template.globals)
    return template


@lru_cache(maxsize=64)
def text_template(name: str, part: str = "body") -> Template:
    """The text part, or the subject, of a mail."""
    return _compile(
        _text, _read_template(f"{name}/{part}.txt").replace("<!-- footer -->", _read_template("footer.txt"))
    )


def _inline_sentence(environment: Environment, sentence: str) -> str:
    """A translated sentence without values, put into the source so that no mail has to look it up."""
    if "{" in sentence:
        raise ValueError(f"a catalogue's sentence holds a brace: {sentence!r}")
    return str(escape(sentence)) if environment.autoescape else sentence


@lru_cache(maxsize=8)
def fragment_template(name: str) -> Template:
    """An HTML fragment for a feed, without page and styles."""
    return _compile(_html, _read_template(f"{name}.html", "feed"))
