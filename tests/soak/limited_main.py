"""A sender process that may write no file longer than so many bytes: what a full disk does to a database."""

from __future__ import annotations

import resource
import signal
import sys

from tests.digest.mail.sender_main import main

if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
    main()
