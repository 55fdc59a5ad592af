"""Templates of mails: read from the package, their styles inlined once, compiled once."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import css_inline
from jinja2 import Environment, StrictUndefined, Template

_html = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_text = Environment(
    autoescape=False,  # noqa: S701 - plain text has nothing to escape
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_link_tags=False)


def _read(path: str, folder: str = "email") -> str:
    """The source of one file below `templates/email` or another of its folders."""
    return resources.files("templates").joinpath(folder, *path.split("/")).read_text(encoding="utf-8")


@lru_cache(maxsize=64)
def html(name: str) -> Template:
    """The HTML part of a mail. Layout and footer are put in first: an inliner has to see the whole document.

    Styles go into the template, not into each mail; so its loops must stand where HTML allows text.
    """
    source = _read("layout.html").replace("<!-- body -->", _read(f"{name}/body.html"))
    source = source.replace("<!-- footer -->", _read("footer.html"))
    return _html.from_string(_inliner.inline(source))


@lru_cache(maxsize=64)
def text(name: str, part: str = "body") -> Template:
    """The text part, or the subject, of a mail."""
    return _text.from_string(_read(f"{name}/{part}.txt").replace("<!-- footer -->", _read("footer.txt")))


@lru_cache(maxsize=8)
def fragment(name: str) -> Template:
    """A piece of HTML for a feed, which has no page around it and no style."""
    return _html.from_string(_read(f"{name}.html", "feed"))
