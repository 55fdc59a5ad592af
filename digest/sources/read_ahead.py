"""Parses large files in a child process while the previous papers are stored.

Results, order and errors are the same as without. The child ends with its parent, even after kill -9: both sides
see the end of their pipe.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from struct import Struct
from threading import Thread
from types import TracebackType
from typing import Any

from digest.errors import BadInput, Transient
from digest.papers import ParsedDocument, to_storable, with_keys
from digest.sources import compressed_files, jsonl

MIN_BYTES = 8 * 1024 * 1024  # about 6,000 papers; starting a process takes as long as storing 1,000
_COMPRESSION_RATIOS = {".gz": 4, ".xz": 5}
_WITH_KEYS, _PLAIN = b"k", b"p"
_LENGTH_PREFIX = Struct(">Q")  # number of bytes that follow

FilePart = tuple[str, ParsedDocument]


def read_files(files: Sequence[Path]) -> Iterator[FilePart]:
    """Parse JSON Lines files; parts with their file's name. Raises BadInput."""
    for path in files:
        for parsed in jsonl.parse(compressed_files.read_lines(path)):
            yield path.name, parsed


class ReadAhead:
    """Like `read_files`, one part ahead for large files on more than one processor.

    Also computes the keys of new papers in the child; `mostly_new` says whether they are likely to be needed.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.files, self.mostly_new = files, True
        self._process: subprocess.Popen[bytes] | None = None
        self._received: SimpleQueue[bytes | None] = SimpleQueue()
        self._listener: Thread | None = None

    def __enter__(self) -> ReadAhead:
        """Return self; the child starts with the first iteration."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child process, if there is one."""
        if (process := self._process) is None or self._listener is None:
            return
        process.kill()
        process.wait()
        self._listener.join()
        for pipe in filter(None, (process.stdin, process.stdout)):
            pipe.close()

    def __iter__(self) -> Iterator[FilePart]:
        """The parsed parts. Raises BadInput, and Transient where the child dies."""
        if processor_count() < 2 or sum(map(_size, self.files)) < MIN_BYTES:
            yield from read_files(self.files)
            return
        command = [sys.executable, "-P", "-m", __name__, *map(str, self.files)]
        self._process = subprocess.Popen(  # noqa: S603 - a fixed command
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        self._listener = Thread(target=_receive_parts, args=(self._process, self._received), daemon=True)
        self._listener.start()
        self._request_part(self._process)
        document = _load_part(self._received.get())
        while document is not None:
            self._request_part(self._process)
            yield document
            document = None  # free the part before the next one takes memory
            document = _load_part(self._received.get())

    def _request_part(self, process: subprocess.Popen[bytes]) -> None:
        """Request another part. A dead child shows when its answer is read."""
        assert process.stdin
        with suppress(BrokenPipeError):
            os.write(process.stdin.fileno(), _WITH_KEYS if self.mostly_new else _PLAIN)


def processor_count() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _size(path: Path) -> int:
    """Estimated decompressed bytes; 0 for an unreadable file."""
    try:
        return path.stat().st_size * _COMPRESSION_RATIOS.get(path.suffix, 1)
    except OSError:
        return 0


def _receive_parts(process: subprocess.Popen[bytes], received: SimpleQueue[bytes | None]) -> None:
    """Receive parts as soon as they are sent: a full pipe would stop the child."""
    assert process.stdout
    while len(prefix := process.stdout.read(_LENGTH_PREFIX.size)) == _LENGTH_PREFIX.size:
        (size,) = _LENGTH_PREFIX.unpack(prefix)
        message = process.stdout.read(size)
        if len(message) < size:
            break
        received.put(message)
    received.put(None)


def _load_part(message: bytes | None) -> FilePart | None:
    """The next part, None at the end. Raises the child's error, Transient where the child died."""
    if message is None:
        raise Transient("reading the file was interrupted; what was stored stays: start again")
    part: FilePart | BadInput | None = pickle.loads(message)  # noqa: S301 - written by our child process
    if isinstance(part, BadInput):
        raise part
    return part


def serve_parsed(files: Sequence[Path]) -> None:
    """The child's main loop: send a part for each request, None at the end."""
    requests: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_receive_requests, args=(requests,), daemon=True).start()
    try:
        for name, parsed in read_files(files):
            _send((name, with_keys(parsed) if requests.get() == _WITH_KEYS else to_storable(parsed)))
            del parsed  # before the next one takes memory
        _send(None)
    except BadInput as error:
        _send(error)


def _receive_requests(requests: SimpleQueue[bytes]) -> None:
    """Receive requests; exit as soon as the parent is gone."""
    while request := os.read(sys.stdin.fileno(), 1):
        requests.put(request)
    os._exit(0)


def _send(message: Any) -> None:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    sys.stdout.buffer.write(_LENGTH_PREFIX.pack(len(data)) + data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        serve_parsed([Path(name) for name in sys.argv[1:]])
