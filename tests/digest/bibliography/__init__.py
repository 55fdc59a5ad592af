"""Bibliographies."""
