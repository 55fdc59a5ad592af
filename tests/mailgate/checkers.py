"""The checkers. Each takes mails and returns findings, one line each; Missing where it is not installed here."""

from __future__ import annotations

import json
import os
import re
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dkim

from tests.mailgate.mails import DOMAIN, SELECTOR, Mail
from tests.patience import PATIENCE

RECEIVED = (
    b"Received: from mail.papers.example (mail.papers.example [192.0.43.8])\r\n"
    b"\tby mx.reader.example with ESMTPS id 4XYZ; Fri, 21 Nov 2025 07:00:01 +0000\r\n"
)


class Missing(Exception):
    """A checker is not installed; its text says which and how to get it."""


@contextmanager
def written(mails: Sequence[Mail], content_of: Callable[[Mail], bytes], ending: str) -> Iterator[list[Path]]:
    """Write the mails to files, named for reports."""
    with tempfile.TemporaryDirectory(prefix="mailgate-") as folder:
        paths = []
        for mail in mails:
            path = Path(folder) / f"{mail.name}.{ending}"
            path.write_bytes(content_of(mail))
            paths.append(path)
        yield paths


def tool(name: str, remedy: str) -> str:
    """The path of a program, also among the system's. Raises Missing."""
    executable = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if executable is None:
        raise Missing(f"{name} ({remedy})")
    return executable


def maillint(mails: Sequence[Mail], shared: Path | None) -> list[str]:
    """Lint of the raw bytes: headers, encodings, links, leftovers."""
    linter = shared / "tools" / "maillint.py" if shared else None
    if linter is None or not linter.is_file():
        raise Missing("maillint (it lies beside the shared data)")
    findings = []
    for kind in ("digest", "transactional"):
        mails_of_kind = [mail for mail in mails if mail.transactional == (kind == "transactional")]
        with written(mails_of_kind, lambda mail: mail.raw, "eml") as paths:
            result = subprocess.run(
                [sys.executable, str(linter), "--kind", kind, *map(str, paths)],
                capture_output=True,
                text=True,
                check=False,
            )
        if result.returncode:
            findings += [line for line in result.stdout.splitlines() if line.strip()]
    return findings


def dkimpy(mails: Sequence[Mail], record: str) -> list[str]:
    """The signature as another implementation verifies it, key from the record we publish."""

    def answer(_name: bytes, timeout: int = 5) -> bytes:
        return record.encode()

    return [
        f"{mail.name}: the signature does not verify" for mail in mails if not dkim.verify(mail.raw, dnsfunc=answer)
    ]


def opendkim(mails: Sequence[Mail], record: str) -> list[str]:
    """The same by OpenDKIM, which reads the key from a file instead of DNS."""
    program = tool("opendkim", "Debian: opendkim")
    findings = []
    with tempfile.TemporaryDirectory(prefix="mailgate-") as folder:
        keys, config = Path(folder) / "keys", Path(folder) / "opendkim.conf"
        keys.write_text(f"{SELECTOR}._domainkey.{DOMAIN} {record}\n", encoding="ascii")
        config.write_text(f"TestPublicKeys {keys}\nMode v\nSyslog no\n", encoding="ascii")
        with written(mails, lambda mail: mail.raw, "eml") as paths:
            for path in paths:
                result = subprocess.run([program, "-x", config, "-t", path, "-vv"], capture_output=True, check=False)
                if b"dkim=pass" not in result.stdout:
                    findings.append(f"{path.stem}: {result.stdout.decode(errors='replace')[:200]}")
    return findings


def spamassassin(mails: Sequence[Mail]) -> list[str]:
    """Local tests alone: at most 0 points. The sample gets the Received header that a delivered mail has."""
    program = tool("spamassassin", "Debian: spamassassin")
    with written(mails, lambda mail: RECEIVED + mail.raw, "eml") as paths:
        result = subprocess.run([program, "-L", "-t", *map(str, paths)], capture_output=True, check=False)
    # one report a mail, in their order; it begins with this header, which no body of ours can hold
    reports = re.split(r"^X-Spam-Checker-Version: ", result.stdout.decode(errors="replace"), flags=re.MULTILINE)[1:]
    if len(reports) != len(mails):
        return [f"{len(reports)} reports on {len(mails)} mails: {result.stderr.decode(errors='replace')[:200]}"]
    return [finding for mail, report in zip(mails, reports, strict=True) for finding in _points(mail.name, report)]


def _points(name: str, report: str) -> list[str]:
    """The findings of one report; none at 0 points or less."""
    score = re.search(r"^X-Spam-Status: .*?score=(-?[\d.]+)", report, re.DOTALL | re.MULTILINE)
    if score is None:
        return [f"{name}: no score"]
    rules = re.findall(r"^\s*(-?\d+\.\d)\s+([A-Z0-9_]+)", report, re.MULTILINE)
    charged_rules = ", ".join(f"{rule} {points}" for points, rule in rules if float(points) > 0)
    return [f"{name}: {score[1]} points: {charged_rules}"] if float(score[1]) > 0 else []


def vnu(mails: Sequence[Mail]) -> list[str]:
    """The W3C's checker of HTML: no error."""
    java = tool("java", "Debian: default-jre-headless")
    jar = Path(os.environ.get("VNU_JAR", "build/tools/node_modules/vnu-jar/build/dist/vnu.jar"))
    if not jar.is_file():
        raise Missing("vnu (make gate-tools, or VNU_JAR)")
    with written(mails, lambda mail: mail.rendered.html.encode(), "html") as paths:
        command = [java, "-Xss8m", "-jar", str(jar), "--errors-only", "--format", "json", *map(str, paths)]
        result = subprocess.run(command, capture_output=True, check=False)
    findings = json.loads(result.stderr or b'{"messages": []}')["messages"]
    return [
        f"{Path(finding.get('url', '')).stem}: {finding['message']} (line {finding.get('lastLine')})"
        for finding in findings
    ]


def postfix(mails: Sequence[Mail]) -> list[str]:
    """A private Postfix with its strictest settings accepts every mail."""
    program = tool("postfix", "Debian: postfix")
    if os.geteuid() != 0:
        raise Missing("postfix (its master runs as root only)")
    findings = []
    with tempfile.TemporaryDirectory(prefix="mailgate-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        port = _configure_postfix(folder)
        subprocess.run([program, "-c", str(folder), "start"], capture_output=True, check=True)
        try:
            for mail in mails:
                answer = _hand_over(mail, port)
                if answer:
                    findings.append(f"{mail.name}: {answer}")
        finally:
            subprocess.run([program, "-c", str(folder), "stop"], capture_output=True, check=False)
    return findings


def _hand_over(mail: Mail, port: int) -> str:
    """'' where the server accepted the mail, else its reply."""
    for attempt in range(50):
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as server:
                refused = server.sendmail(f"bounce@{DOMAIN}", ["ada.byron@reader.example"], mail.raw)
                return str(refused) if refused else ""
        except ConnectionRefusedError:
            if attempt == 49:
                raise
            time.sleep(0.1)
        except smtplib.SMTPException as error:
            return str(error)
    return "no answer"


def _configure_postfix(folder: Path) -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    for part in ("queue", "data"):
        (folder / part).mkdir()
    shutil.chown(folder / "data", "postfix")
    main = {
        "compatibility_level": "3.6", "queue_directory": folder / "queue", "data_directory": folder / "data",
        "maillog_file": folder / "log", "maillog_file_prefixes": "/var", "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4", "mydestination": "", "mynetworks": "127.0.0.0/8", "myhostname": "mx.reader.example",
        "default_transport": "discard:", "relay_transport": "discard:", "local_transport": "discard:",
        "strict_mime_encoding_domain": "yes", "strict_7bit_headers": "yes", "strict_rfc821_envelopes": "yes",
        "smtpd_forbid_bare_newline": "reject", "smtpd_helo_required": "yes", "message_size_limit": "1000000",
        "smtpd_recipient_restrictions": "permit_mynetworks, reject", "alias_maps": "", "alias_database": "",
    }  # fmt: skip
    (folder / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in main.items()), encoding="ascii")
    services = [
        f"127.0.0.1:{port} inet n - n - - smtpd", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr",
        "rewrite unix - - n - - trivial-rewrite", "discard unix - - n - - discard", "error unix - - n - - error",
        "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce",
        "anvil unix - - n - 1 anvil", "postlog unix-dgram n - n - 1 postlogd", "proxymap unix - - n - - proxymap",
        "tlsmgr unix - - n 1000? 1 tlsmgr", "retry unix - - n - - error", "showq unix n - n - - showq",
    ]  # fmt: skip
    (folder / "master.cf").write_text("\n".join(services) + "\n", encoding="ascii")
    return port
