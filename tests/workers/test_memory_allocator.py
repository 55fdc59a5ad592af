"""Freed memory returns to the system, also where small blocks live on between the freed ones."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Blocks of 200 kB with small ones between them, after the freeing of one of 30 MB. Prints what stays resident, in kB.
PROGRAM = """
import ctypes, re, sys
from workers import memory_allocator
if sys.argv[1] == "returned":
    memory_allocator.return_freed_memory()
library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])

library.free(library.malloc(30 << 20))
before = resident()
large, small = [], []
for _ in range(300):
    large.append(library.malloc(200_000))
    ctypes.memset(large[-1], 1, 200_000)
    small.append(library.malloc(600))
for block in large:
    library.free(block)
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs glibc")
def test_freed_blocks_leave_the_process_while_small_ones_between_them_live_on() -> None:
    assert _resident_growth("returned") < 10_000 < _resident_growth("kept")


def _resident_growth(mode: str) -> int:
    """kB that stay resident after 60 MB were freed."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM, mode], capture_output=True, text=True, check=True)
    return int(ended.stdout)
