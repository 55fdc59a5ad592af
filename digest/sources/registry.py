"""All sources of papers. To add one, write its file and list its entry here (CONTRIBUTING.md, "Adding a source")."""

from __future__ import annotations

from digest import settings
from digest.errors import BadInput
from digest.papers.outlets import ARXIV, outlet_key
from digest.settings import TextSetting
from digest.sources import (
    arxiv,
    arxiv_api,
    arxiv_api_lookup,
    arxiv_feed,
    arxiv_oai,
    biorxiv,
    biorxiv_lookup,
    crossref,
    crossref_lookup,
    feed_source,
    huggingface,
    openalex,
    openalex_lookup,
    openalex_people,
    pubmed,
    pubmed_lookup,
    semantic_scholar,
    summary_endpoint,
)
from digest.sources.source import AnnouncementCalendar, PaperLookup, Source

# Of several summaries of a paper a mail shows that of the first source in this order.
SOURCES: dict[str, Source] = {
    entry.name: entry
    for entry in (
        arxiv_feed.SOURCE,
        arxiv_api.SOURCE,
        arxiv_oai.SOURCE,
        huggingface.SOURCE,
        biorxiv.BIORXIV,
        biorxiv.MEDRXIV,
        pubmed.SOURCE,
        semantic_scholar.SOURCE,
        openalex.SOURCE,
    )
}
LOOKUPS: tuple[PaperLookup, ...] = (  # in this order: a source's own papers, then those of all publishers in batches
    arxiv_api_lookup.LOOKUP,
    biorxiv_lookup.LOOKUP,
    pubmed_lookup.LOOKUP,
    openalex_lookup.LOOKUP,
    crossref_lookup.LOOKUP,
)
find_people, can_find_people = openalex_people.find_people, openalex_people.is_enabled
ANNOUNCEMENTS: AnnouncementCalendar = arxiv.ANNOUNCEMENTS  # the announcements that runs wait for and mails mention
DEFAULT = "default"


def all_sources() -> dict[str, Source]:
    """The built-in sources and the feeds that administrators added, by name."""
    return SOURCES | {entry.name: entry for entry in feed_source.feed_entries() if entry.name not in SOURCES}


def source_named(name: str) -> Source:
    """The source of that name. Raises BadInput."""
    source = SOURCES.get(name) or all_sources().get(name)
    if source is None:
        raise BadInput(f"source {name!r} is unknown; one of {', '.join(all_sources())}", field="source")
    return source


def enabled_sources() -> list[Source]:
    """The sources that the setting SOURCES names, in its order, and every feed, also those that are paused.

    `default` stands for the built-in sources that are enabled by default.
    """
    names: list[str] = []
    for name in settings.get().sources:
        names += [s.name for s in SOURCES.values() if s.enabled_by_default] if name == DEFAULT else [name]
    built_in = [SOURCES[name] for name in dict.fromkeys(names) if name in SOURCES]
    return [*built_in, *(entry for entry in feed_source.feed_entries() if entry.name not in SOURCES)]


def source_settings() -> list[TextSetting]:
    """The settings that the sources, Crossref and the endpoint for summaries declare."""
    declared = [setting for source in SOURCES.values() for setting in source.settings]
    return list(dict.fromkeys([*declared, *summary_endpoint.SETTINGS, *crossref.SETTINGS]))


def fallback_figures() -> list[str]:
    """Names of the sources whose author figures count only where no other source has any."""
    return [source.name for source in SOURCES.values() if source.fallback_figures]


def summary_origins() -> dict[str, str]:
    """What people call the sources that give one-line summaries, by their names; the preferred first."""
    return {source.name: source.summary_origin for source in SOURCES.values() if source.summary_origin}


def stored_outlet(source: str) -> str:
    """The outlet to store with the papers of a built-in source; '' for none, and for arXiv, which ids tell.

    Feeds say their outlets with each paper.
    """
    outlet = SOURCES[source].outlet if source in SOURCES else ""
    return "" if outlet == ARXIV else outlet


def enabled_outlets() -> dict[str, str]:
    """Names of the outlets that the enabled sources carry, by key."""
    return {outlet_key(source.outlet): source.outlet for source in enabled_sources() if outlet_key(source.outlet)}


def built_in_outlets() -> list[str]:
    """Names of the outlets that the built-in sources carry."""
    return [source.outlet for source in SOURCES.values() if source.outlet]


def all_outlets() -> dict[str, str]:
    """Names of the outlets of all sources, by key."""
    return {outlet_key(source.outlet): source.outlet for source in all_sources().values() if outlet_key(source.outlet)}
