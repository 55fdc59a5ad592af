"""IMAP servers on loopback: a small one that speaks the commands that are needed, and a private Dovecot."""

from __future__ import annotations

import base64
import os
import re
import shutil
import socketserver
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.benchmarks.sink import answering, free_port, program

USER, PASSWORD = "bounces@digest.example", "pässword"


class BounceServer(Protocol):
    """A server with an empty INBOX of `USER`."""

    port: int

    def deliver(self, raw: bytes) -> None:
        """Put a message into the INBOX."""

    def folder(self, name: str) -> list[tuple[bytes, set[str]]]:
        """The messages of a folder with their flags, without those that are marked as deleted."""


@dataclass(slots=True)
class StoredMessage:
    """One message of the small server."""

    raw: bytes
    flags: set[str] = field(default_factory=set)


class SmallImapServer:
    """Use as a context manager. `capabilities`: what it announces; `keywords`: whether it keeps other flags."""

    def __init__(self, capabilities: str = "IMAP4rev1 AUTH=PLAIN MOVE UIDPLUS", *, keywords: bool = True) -> None:
        self.capabilities, self.keywords = capabilities, keywords
        self.uid_form = "before"  # the text of a message, "behind" or "missing"
        self.folders: dict[str, dict[int, StoredMessage]] = {"INBOX": {}}
        self.next_uid, self.validity, self.fetched_bytes = 1, 1, 0
        self.drop_after: str = ""  # a command after which the connection is cut
        self.port = 0

    def deliver(self, raw: bytes) -> None:
        self.folders["INBOX"][self.next_uid] = StoredMessage(raw)
        self.next_uid += 1

    def renumber(self) -> None:
        """Give all messages other UIDs and change UIDVALIDITY, as after a restored mailbox."""
        messages = list(self.folders["INBOX"].values())
        self.validity += 1
        self.folders["INBOX"] = {len(messages) - n: message for n, message in enumerate(messages)}

    def folder(self, name: str) -> list[tuple[bytes, set[str]]]:
        messages = self.folders.get(name, {}).values()
        return [(message.raw, message.flags) for message in messages if "\\Deleted" not in message.flags]

    def __enter__(self) -> SmallImapServer:
        owner = self

        class Bound(_Session):
            server_state = owner

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Bound)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Session(socketserver.StreamRequestHandler):
    server_state: SmallImapServer

    def handle(self) -> None:
        self._send_line(f"* OK [CAPABILITY {self.server_state.capabilities}] ready")
        while line := self.rfile.readline().decode():
            tag, _, rest = line.strip().partition(" ")
            name, _, arguments = rest.partition(" ")
            if name.upper() == "UID":
                name, _, arguments = arguments.partition(" ")
            self._answer(tag, name.upper(), arguments)
            if name.upper() in {"LOGOUT", self.server_state.drop_after}:
                return

    def _send_line(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def _answer(self, tag: str, name: str, arguments: str) -> None:
        method = getattr(self, f"_do_{name.lower()}", None)
        problem = method(arguments) if method else "BAD unknown command"
        self._send_line(f"{tag} {problem or 'OK done'}")

    def _do_capability(self, _: str) -> None:
        self._send_line(f"* CAPABILITY {self.server_state.capabilities}")

    def _do_authenticate(self, _: str) -> str:
        self._send_line("+ ")
        credentials = base64.b64decode(self.rfile.readline()).decode().split("\0")[1:]
        return "" if credentials == [USER, PASSWORD] else "NO [AUTHENTICATIONFAILED] wrong"

    def _do_login(self, arguments: str) -> str:
        return "" if arguments.replace('"', "").split(" ") == [USER, "ascii"] else "NO [AUTHENTICATIONFAILED] wrong"

    def _do_logout(self, _: str) -> None:
        self._send_line("* BYE")

    def _do_create(self, arguments: str) -> str:
        name = arguments.strip('"')
        if name in self.server_state.folders:
            return "NO [ALREADYEXISTS] there"
        self.server_state.folders[name] = {}
        return ""

    def _do_select(self, arguments: str) -> str:
        if arguments.strip('"') not in self.server_state.folders:
            return "NO [NONEXISTENT] no such folder"
        self._selected = self.server_state.folders[arguments.strip('"')]
        self._send_line(f"* {len(self._selected)} EXISTS")
        others = " \\*" if self.server_state.keywords else ""
        self._send_line(f"* OK [PERMANENTFLAGS (\\Seen \\Deleted{others})] flags")
        self._send_line(f"* OK [UIDVALIDITY {self.server_state.validity}] UIDs")
        return ""

    def _do_search(self, arguments: str) -> None:
        unwanted = {"\\Deleted"} | set(re.findall(r"UNKEYWORD (\S+)", arguments))
        uids = [str(uid) for uid, message in self._selected.items() if not message.flags & unwanted]
        self._send_line(f"* SEARCH {' '.join(uids)}")

    def _uids(self, text: str) -> list[int]:
        return [uid for uid in map(int, text.split(",")) if uid in self._selected]

    def _do_fetch(self, arguments: str) -> None:
        uids, _, items = arguments.partition(" ")
        limit = int(re.findall(r"<0\.(\d+)>", items)[0])
        for number, uid in enumerate(self._uids(uids), start=1):
            part = self._selected[uid].raw[:limit]
            self.server_state.fetched_bytes += len(part)
            form = self.server_state.uid_form
            before, behind = f"UID {uid} " if form == "before" else "", f" UID {uid}" if form == "behind" else ""
            head = f"* {number} FETCH ({before}BODY[]<0> {{{len(part)}}}\r\n"
            self.wfile.write(head.encode() + part + f"{behind})\r\n".encode())

    def _do_store(self, arguments: str) -> None:
        uids, _, change = arguments.partition(" ")
        for uid in self._uids(uids):
            self._selected[uid].flags |= set(re.findall(r"\(([^)]*)\)", change)[0].split())

    def _do_copy(self, arguments: str) -> str:
        uids, _, name = arguments.partition(" ")
        target = self.server_state.folders.get(name.strip('"'))
        if target is None:
            return "NO [TRYCREATE] no such folder"
        for uid in self._uids(uids):
            target[uid] = StoredMessage(self._selected[uid].raw)
        return ""

    def _do_move(self, arguments: str) -> str:
        problem = self._do_copy(arguments)
        for uid in () if problem else self._uids(arguments.partition(" ")[0]):
            del self._selected[uid]
        return problem

    def _do_expunge(self, arguments: str) -> None:
        for uid in self._uids(arguments):
            if "\\Deleted" in self._selected[uid].flags:
                del self._selected[uid]


_DOVECOT = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
instance_name = test-{port}
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{folder}/mail
first_valid_uid = 1
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class Dovecot:
    """A private Dovecot in a folder and on a port of its own. Use as a context manager."""

    def __init__(self) -> None:
        self._folder, self._delivered = Path(tempfile.mkdtemp(prefix="dovecot-")), 0
        self.port = free_port()

    @staticmethod
    def possible() -> bool:
        """True where this machine can run one."""
        return program("dovecot") is not None and os.geteuid() == 0

    def deliver(self, raw: bytes) -> None:
        self._delivered += 1
        file = self._folder / "mail" / "new" / f"{self._delivered:06}.test"
        file.write_bytes(raw)
        shutil.chown(file, "nobody", "nogroup")

    def folder(self, name: str) -> list[tuple[bytes, set[str]]]:
        place = self._folder / "mail" / ("" if name == "INBOX" else f".{name}")
        letters = {"S": "\\Seen", "T": "\\Deleted"}
        keywords = place / "dovecot-keywords"
        for line in keywords.read_text().splitlines() if keywords.exists() else ():
            number, _, keyword = line.partition(" ")
            letters[chr(ord("a") + int(number))] = keyword
        messages = []
        for part in ("new", "cur"):
            for file in sorted((place / part).glob("*")) if (place / part).is_dir() else ():
                flags = {letters[letter] for letter in file.name.partition(":2,")[2] if letter in letters}
                messages.append((file.read_bytes(), flags))
        return [message for message in messages if "\\Deleted" not in message[1]]

    def __enter__(self) -> Dovecot:
        self._folder.chmod(0o755)
        for name in ("run", "state", "home", "mail", "mail/new", "mail/cur", "mail/tmp"):
            (self._folder / name).mkdir()
            shutil.chown(self._folder / name, "nobody", "nogroup")
        nobody = (self._folder / "mail").stat()
        values = {"uid": nobody.st_uid, "gid": nobody.st_gid, "user": "nobody", "group": "nogroup"}
        values |= {"folder": self._folder, "port": self.port, "password": PASSWORD}
        (self._folder / "dovecot.conf").write_text(_DOVECOT.format(**values))
        command = [program("dovecot") or "dovecot", "-F", "-c", str(self._folder / "dovecot.conf")]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        answering(self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)
