"""Runs, editions and the papers sent before."""
