"""Runs, editions and what was sent before."""
