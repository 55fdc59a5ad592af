"""The reference matcher: slow and simple. The engine must give the same results."""
