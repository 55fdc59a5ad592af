"""Editions: assembling them, the welcome, previews, web view, feeds, and why a paper came."""
