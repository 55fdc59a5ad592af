"""The reference matcher: slow and obvious. The engine must give the same answers."""
