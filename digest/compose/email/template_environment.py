"""Templates of mails: read from the package, their styles inlined once, compiled once."""

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


CUT = "\x02"  # where a page may be cut, so that what all mails of a kind say is a piece of its own
_SENTENCE = re.compile(r'\{\{ _\("([^"]*)"\) \}\}')
for _one in (_html, _text):
    _one.add_extension("jinja2.ext.i18n")
    _one.filters["wrap"] = wrap


def _read(path: str, folder: str = "email") -> str:
    """The source of one file below `templates/email` or another of its folders."""
    return resources.files("templates").joinpath(folder, *path.split("/")).read_text(encoding="utf-8")


@lru_cache(maxsize=64)
def html(name: str) -> Template:
    """The HTML part of a mail. Where it has a piece, `{{ paper.piece }}` stands in its place."""
    before, piece, after = _parted(name)
    return _compiled(_html, before + "{{ paper.piece }}" + after if piece else before)


@lru_cache(maxsize=64)
def piece(name: str) -> Template:
    """What a mail repeats, as a template of its own, so that it can be shared between mails."""
    return _compiled(_html, _parted(name)[1])


@lru_cache(maxsize=64)
def _parted(name: str) -> tuple[str, str, str]:
    """The page's source before, within and after `<!-- piece -->`. Layout and footer are put in first.

    Styles go into the template, not into each mail, and an inliner has to see the whole document; so loops must stand
    where HTML allows text.
    """
    source = _read("layout.html").replace("<!-- body -->", _read(f"{name}/body.html"))
    source = _inliner.inline(source.replace("<!-- footer -->", _read("footer.html"))).replace("<!-- cut -->", CUT)
    before, _, rest = source.partition("<!-- piece -->")
    inside, _, after = rest.partition("<!-- /piece -->")
    return before, inside, after


def _compiled(environment: Environment, source: str) -> Template:
    """The template with its globals in a plain dictionary: Jinja's own is slow to copy, and copied for every mail."""
    said = catalogue()
    environment.install_gettext_translations(said, newstyle=True)  # type: ignore[attr-defined]
    made = environment.from_string(_SENTENCE.sub(lambda found: _bound(environment, said.gettext(found[1])), source))
    made.globals = dict(made.globals)
    return made


@lru_cache(maxsize=64)
def text(name: str, part: str = "body") -> Template:
    """The text part, or the subject, of a mail."""
    return _compiled(_text, _read(f"{name}/{part}.txt").replace("<!-- footer -->", _read("footer.txt")))


def _bound(environment: Environment, sentence: str) -> str:
    """A sentence without values, put into the source: it need not be looked up for every mail."""
    if "{" in sentence:
        raise ValueError(f"a catalogue's sentence holds a brace: {sentence!r}")
    return str(escape(sentence)) if environment.autoescape else sentence


@lru_cache(maxsize=8)
def fragment(name: str) -> Template:
    """A piece of HTML for a feed, which has no page around it and no style."""
    return _compiled(_html, _read(f"{name}.html", "feed"))
