"""The real thing in a real browser."""
