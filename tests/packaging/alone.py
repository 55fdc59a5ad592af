"""Run a command without network but the loopback; only the named folders are writable.

As root: `unshare --net --mount python alone.py FOLDER… -- COMMAND…`. Exit code 77 where the machine forbids it.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

FORBIDDEN = 77
KERNELS_OWN = ("/proc", "/sys", "/dev")
_READ_FLAGS, _WRITE_FLAGS, _UP = 0x8913, 0x8914, 0x1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP (linux/sockios.h, if.h)


def main(arguments: list[str]) -> None:
    """Isolate this process, then become the command."""
    separator = arguments.index("--")
    try:
        bring_up("lo")
        shut(arguments[:separator])
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"can't be shut off: {error}", file=sys.stderr)
        sys.exit(FORBIDDEN)
    os.execvp(arguments[separator + 1], arguments[separator + 1 :])


def bring_up(name: str) -> None:
    """A fresh network namespace has a loopback that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control, _READ_FLAGS, struct.pack("16sH14x", name.encode(), 0))
        flags = struct.unpack("16sH14x", answer)[1]
        fcntl.ioctl(control, _WRITE_FLAGS, struct.pack("16sH14x", name.encode(), flags | _UP))


def shut(writable: list[str]) -> None:
    """Every mounted file system but the kernel's own becomes read-only, save the folders named."""
    for folder in writable:
        mount("--bind", folder, folder)
    mounted = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    for place in sorted(mounted - set(writable)):
        if not place.startswith(KERNELS_OWN):
            mount("-o", "remount,bind,ro", place)


def mount(*arguments: str) -> None:
    """Mount, or raise CalledProcessError."""
    subprocess.run(["mount", *arguments], check=True, capture_output=True)  # its hints are not the command's


if __name__ == "__main__":
    main(sys.argv[1:])
