"""Bounce reports and suppressions."""
