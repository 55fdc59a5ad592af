"""XML from outside: parsed without entities, document types or anything that reaches further. Pure."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from digest.errors import BadInput

MOST_BYTES = 64 * 1024 * 1024


def root(data: bytes) -> Element:
    """The root of a document. Raises BadInput where it is too large, malformed (with the position) or a bomb."""
    if len(data) > MOST_BYTES:
        raise BadInput(f"a document of {len(data)} bytes is over the limit of {MOST_BYTES}")
    try:
        return fromstring(data, forbid_dtd=True)
    except ParseError as error:
        line, column = error.position
        raise BadInput(f"malformed XML at line {line}, column {column + 1}") from error
    except DefusedXmlException as error:
        raise BadInput("this XML declares entities; the sources' own has none") from error
    except (ValueError, LookupError) as error:
        raise BadInput(f"this XML says a character set that can't be read ({error})") from error


def text(element: Element, path: str, names: dict[str, str]) -> str:
    """The text at that path in one line, '' for none."""
    return " ".join((element.findtext(path, "", names) or "").split())
