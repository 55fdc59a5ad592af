"""The engine's machine code (numba)."""
