"""Bibliographies that people bring: files of reference managers, pasted identifiers, Zotero, ORCID."""
