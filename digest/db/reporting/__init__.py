"""Counts for the administrator's pages."""
