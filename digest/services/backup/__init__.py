"""Backup, restore and move: the whole installation as one file, back again, or into another database."""
