"""`digest demo`: the whole service on this machine with the seed papers, demo subscribers and a mailbox."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from digest import settings
from digest.cli import output
from digest.db.core import engine, schema_migration
from digest.mail.mime import dkim
from digest.queues import Enqueue
from digest.redis import PrivateRedis, running_instance
from workers.demo import mail_server
from workers.port_check import require_free_port
from workers.stop_signal import StopSignal
from workers.supervisor import Supervisor, service_commands

DOMAIN = "digest.example"
ADMIN = f"admin@{DOMAIN}"
_START_TIMEOUT_SECONDS = 60.0


def run_demo(*, once: bool, port: int, make_enqueue: Callable[[], Enqueue]) -> None:
    """Start everything, play two days and print a summary. Keeps running until interrupted, unless `once`.

    Raises DemoFailed if an expected mail is missing.
    """
    started_at = time.monotonic()
    folder = Path(os.environ.get("DIGEST_DATA_DIR", "data")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    running_instance.require_none(folder, file_name=running_instance.DEMO_FILE)
    mailbox = mail_server.Maildir(folder / "mailbox")
    mailbox.clear()
    log_file = folder / "demo.log"
    log_file.unlink(missing_ok=True)
    with _running_servers(folder, mailbox, port), _running_processes(port, log_file):
        from workers.demo import scenario  # while the processes start

        enqueue = make_enqueue()
        _wait_ready(port, enqueue, log_file)
        output.print_line(
            f"web, worker, scheduler, Redis and a mail server are running; log: {output.plain_text(str(log_file))}"
        )
        scenario.DemoScenario(f"http://127.0.0.1:{port}", mailbox, enqueue).run()
        output.print_line("")
        scenario.print_summary()
        count, mailbox_path = sum(1 for _ in mailbox.received()), output.plain_text(str(mailbox.folder))
        output.print_line(f"\nall {count} mails are in {mailbox_path}, after {time.monotonic() - started_at:.0f} s")
        if not once:
            _serve_until_interrupted(mailbox, port)


@contextmanager
def _running_servers(folder: Path, mailbox: mail_server.Maildir, port: int) -> Iterator[None]:
    """Run a private Redis and the mail server, with settings that point to them; record the demo."""
    for needed_port in (port, port + 1):
        require_free_port("127.0.0.1", needed_port)
    server = mail_server.serve(mailbox)
    try:
        with PrivateRedis() as redis, _recorded_instance(folder, port, redis.url):
            _configure_demo(folder, port, redis.url, server.port)
            yield
    finally:
        server.stop()


def _configure_demo(folder: Path, port: int, redis_url: str, smtp_port: int) -> None:
    """Set the demo's settings and create an empty database. The secret key is new each time."""
    for stale_file in folder.glob("demo.db*"):
        stale_file.unlink()
    key = folder / "demo-dkim.pem"
    if not key.exists():
        key.write_bytes(dkim.generate_key()[0])
        key.chmod(0o600)
    values = {
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'demo.db'}",
        "REDIS_URL": redis_url,
        "SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "BASE_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "MAIL_FROM": f"Papers Inbox <papers@{DOMAIN}>",
        "BOUNCE_ADDRESS": f"bounces@{DOMAIN}",
        "POSTAL_ADDRESS": "Papers Inbox (a demonstration), 1 Example Street, Exampletown",
        "DKIM_DOMAIN": DOMAIN,
        "DKIM_SELECTOR": "demo",
        "DKIM_KEY_FILE": str(key),
        "ADMIN_EMAILS": ADMIN,
        "PORT": str(port),
        "SOURCES": "",  # its papers are the seeds
        "PEOPLE_LOOKUP": "off",  # it connects to this machine alone
    }
    os.environ.update({f"DIGEST_{name}": value for name, value in values.items()})
    settings.clear_cache()
    engine.dispose_engines()
    schema_migration.upgrade()


def _recorded_instance(folder: Path, port: int, redis_url: str) -> AbstractContextManager[None]:
    """Record the demo in a file of its own, so that no command takes it for the installation with that DATA_DIR."""
    return running_instance.recorded_instance(
        folder, port=port, redis_url=redis_url, file_name=running_instance.DEMO_FILE
    )


@contextmanager
def _running_processes(port: int, log_file: Path) -> Iterator[None]:
    """Run worker, scheduler and web under supervision until the block ends; `log` gets their output."""
    supervisor = Supervisor(service_commands(port), output=log_file)
    watch = threading.Thread(target=supervisor.watch, name="supervisor")
    watch.start()
    try:
        yield
    finally:
        supervisor.stop()
        watch.join()
        supervisor.shut_down()


def _wait_ready(port: int, enqueue: Enqueue, log_file: Path) -> None:
    import httpx

    from workers.demo.scenario import DemoFailed

    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:  # a client takes as long to make as to ask often
        while time.monotonic() < deadline:
            try:
                if client.get("/healthz").is_success and enqueue.alive():
                    return
            except httpx.TransportError:
                pass  # not up yet
            time.sleep(0.1)
    raise DemoFailed(f"the service did not start within {_START_TIMEOUT_SECONDS:.0f} s; see {log_file}")


def _serve_until_interrupted(mailbox: mail_server.Maildir, port: int) -> None:
    """Serve the pages of the mailbox until Ctrl-C."""
    from workers.demo import mailbox_pages  # imports FastAPI, which `once` does not need

    mailbox_server = mailbox_pages.serve(mailbox_pages.build_mailbox_app(mailbox, f"http://127.0.0.1:{port}"), port + 1)
    output.print_line(f"\n[accent]http://127.0.0.1:{port}[/accent]  the service: subscribe, see what is trending")
    output.print_line(f"[accent]http://127.0.0.1:{port + 1}[/accent]  the mailbox: all mails that it sent")
    output.print_line(
        f"[accent]http://127.0.0.1:{port}/admin[/accent]  the administrator's page: ask for a sign-in link as"
    )
    output.print_line(f"  {ADMIN}, and open it from the mailbox")
    output.print_line("stop it with Ctrl-C")
    with StopSignal() as stop:
        stop.install()
        stop.wait()
    mailbox_server.should_exit = True
