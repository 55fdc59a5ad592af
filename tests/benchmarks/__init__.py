"""Measurements: each prints a table, and some make a file that the package ships."""
