"""What search results are narrowed by, as it is stored with each paper of the index."""

from __future__ import annotations

from dataclasses import dataclass

_FIELDS, _VALUES = "|", " "


@dataclass(frozen=True, slots=True)
class PaperFacets:
    """A paper's categories and sources, and whether its code is known. As a text: `cs.LG cs.AI|arxiv|1`."""

    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    has_code: bool = False

    def __str__(self) -> str:
        """The stored form; `parse` is the inverse."""
        categories, sources = (_VALUES.join(map(_one_word, names)) for names in (self.categories, self.sources))
        return _FIELDS.join((categories, sources, "1" if self.has_code else ""))

    @classmethod
    def parse(cls, text: str) -> PaperFacets:
        """The facets of a stored text."""
        categories, sources, code = text.split(_FIELDS)
        return cls(tuple(categories.split()), tuple(sources.split()), has_code=bool(code))


def _one_word(name: str) -> str:
    return "".join(name.replace(_FIELDS, " ").split())
