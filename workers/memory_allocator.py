"""Settings of the C library's allocator that keep a long-lived process from holding on to memory that it has freed."""

from __future__ import annotations

import ctypes
import sys

# Parameters of mallopt(3), glibc.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
ARENAS = 2
LARGE_BLOCK_BYTES = 128 * 1024


def return_freed_memory() -> None:
    """Make the process return freed memory to the system; call it before any thread is started.

    By default glibc gives each thread an arena of its own, and after the first large block is freed it takes blocks of
    up to 32 MB from the heap, where one small block behind them keeps all of them. Here threads share `ARENAS` arenas,
    and blocks of `LARGE_BLOCK_BYTES` and more are always mappings of their own. Elsewhere than on glibc it does
    nothing.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return
    library.mallopt(_M_ARENA_MAX, ARENAS)
    library.mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
    library.mallopt(_M_TRIM_THRESHOLD, LARGE_BLOCK_BYTES)
