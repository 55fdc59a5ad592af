"""Trending."""
