"""Tells the DOIs of preprints from those of published papers, by the prefixes that preprint servers use. Pure."""

from __future__ import annotations

import re

# Of openRxiv's two servers, under the present and the former prefix: perhaps the date, then a number. The former prefix
# is that of a publisher of journals, too.
RXIV_DOI = re.compile(r"10\.(?:1101|64898)/(?:(\d{4})\.(0[1-9]|1[0-2])\.(0[1-9]|[12]\d|3[01])\.)?(\d+)(?:v\d{1,3})?")
_OTHER_SERVERS = re.compile(
    r"10\.(?:48550/arxiv\.|21203/rs\.|20944/preprints|26434/|2139/ssrn\.|36227/techrxiv\.|22541/|1002/essoar\."
    r"|2196/preprints\.|5194/egusphere-|32942/|31(?:219|222|223|224|225|226|228|230|231|232|233|234|235|730)/"
    r"|33767/|35542/|51224/)",
    re.IGNORECASE,
)
_VERSION = re.compile(r"(?<=[\w)])[/._-]?v\d{1,3}$|(?<=/essoar\.\d{8})\.\d{1,2}$", re.IGNORECASE)


def is_preprint_doi(doi: str) -> bool:
    """True for the DOI of a preprint; False for any other and in doubt."""
    return RXIV_DOI.fullmatch(doi) is not None or _OTHER_SERVERS.match(doi) is not None


def without_version(doi: str) -> str:
    """The DOI of a preprint without the version at its end; any other DOI unchanged."""
    return _VERSION.sub("", doi) if is_preprint_doi(doi) else doi


def preprint_registrant(doi: str) -> str:
    """The server that gave a preprint this DOI, by the DOI's beginning. The prefixes of openRxiv are one."""
    return "rxiv" if RXIV_DOI.fullmatch(doi) else doi.partition("/")[0]
