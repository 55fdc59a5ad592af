"""A private, strict Postfix in a folder and on a port of its own: files every mail into a Maildir. Needs root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.sink import answering, free_port, program
from tests.patience import wait_for

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file_prefixes = {folder}
maillog_file = {folder}/log/maillog
myhostname = mail.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
disable_dns_lookups = yes
virtual_mailbox_domains = regexp:{folder}/etc/all
virtual_mailbox_maps = regexp:{folder}/etc/boxes
virtual_mailbox_base = {folder}/boxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_recipient_restrictions = permit_mynetworks, reject
strict_7bit_headers = yes
strict_mime_encoding_domain = yes
strict_rfc821_envelopes = yes
smtpd_forbid_bare_newline = reject
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
anvil_status_update_time = 3600s
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Use as a context manager. `boxes` holds the mails, each in `new/`, whatever its recipient."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="postfix-"))
        self.port = free_port()

    @staticmethod
    def possible() -> bool:
        """True where this machine can run one."""
        return os.geteuid() == 0 and program("postfix") is not None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def mails(self) -> Iterator[bytes]:
        """The mails filed so far."""
        for path in sorted((self._folder / "boxes" / "all" / "new").glob("*")):
            yield path.read_bytes()

    def wait(self, count: int) -> None:
        """Wait until that many mails are filed."""
        filed = self._folder / "boxes" / "all" / "new"
        wait_for(lambda: len(list(filed.glob("*"))) >= count, state=lambda: f"; filed: {len(list(filed.glob('*')))}")

    def log(self) -> str:
        """Its log so far."""
        path = self._folder / "log" / "maillog"
        return path.read_text() if path.exists() else ""

    def __enter__(self) -> Postfix:
        self._folder.chmod(0o755)
        nobody_user = pwd.getpwnam("nobody")
        for name in ("etc", "queue", "data", "boxes", "log"):
            (self._folder / name).mkdir()
        shutil.chown(self._folder / "data", "postfix")
        os.chown(self._folder / "boxes", nobody_user.pw_uid, nobody_user.pw_gid)
        values = {"folder": self._folder, "port": self.port, "uid": nobody_user.pw_uid, "gid": nobody_user.pw_gid}
        etc = self._folder / "etc"
        (etc / "main.cf").write_text(_MAIN.format(**values))
        (etc / "master.cf").write_text(_MASTER.format(**values))
        (etc / "all").write_text("/./ ok\n")
        (etc / "boxes").write_text("/./ all/\n")
        self._control("start")
        answering(self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._control("stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _control(self, word: str) -> None:
        command = [program("postfix") or "postfix", "-c", str(self._folder / "etc"), word]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(f"postfix {word}: {result.stderr} {self.log()}")
