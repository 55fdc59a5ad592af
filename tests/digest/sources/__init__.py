"""Parsers and fetchers of the sources, against saved answers and a local server."""
