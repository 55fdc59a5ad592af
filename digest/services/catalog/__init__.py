"""Announcements, epochs of word counts, day indexes, trending, novelty, and how pages present papers."""
