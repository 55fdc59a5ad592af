"""Editions: assembling them, the welcome, web view, feeds, and why a paper came."""
