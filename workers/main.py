"""The console script and composition root: gives the core its queue and the seeds, adds the process commands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from digest import logs
from digest.cli import output
from digest.cli.app import build
from digest.cli.outside import Dependencies
from workers import healthcheck as healthchecks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from digest.interfaces import Enqueue
    from digest.papers import ParsedDocument

Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Default: DIGEST_PORT, else 8000.")]


def run() -> None:
    """Run the command line."""
    app()


def _seeds(files: Sequence[Path], today: date) -> Sequence[tuple[str, ParsedDocument]]:
    from seeds import loader

    return loader.load(files, today=today)


def _enqueue() -> Enqueue:
    """The workers' queue where there is one to reach, else one that wakes nobody: the next sweep finds the work."""
    from digest import settings
    from digest.interfaces import NoQueue

    if not settings.get().redis_url:
        return NoQueue()
    from workers.tasks import enqueue

    return enqueue()


def _must_be_ready(*names: str) -> None:
    """Check the settings and the database's schema before a process starts. Raises Misconfigured."""
    from digest import settings
    from digest.db.core import schema_migration
    from digest.services.admin import configuration

    configuration.require_valid()
    settings.get().require(*names)
    schema_migration.require_newest()


def _must_be_ready_asked_apart(*names: str) -> None:
    """`_must_be_ready` in a child: the supervisor lives as long as the service and needs no database libraries."""
    import multiprocessing

    child = multiprocessing.get_context("fork").Process(target=_exit_unless_ready, args=names)
    child.start()
    child.join()
    if child.exitcode:
        raise typer.Exit(child.exitcode)


def _exit_unless_ready(*names: str) -> None:
    try:
        output.report_errors(_must_be_ready)(*names)
    except typer.Exit as ended:
        sys.exit(ended.exit_code)


app = build(Dependencies(enqueue=_enqueue, seeds=_seeds))


@app.command()
@output.report_errors
def up(port: Port = None) -> None:
    """All processes on this machine, supervised."""
    from digest import settings
    from workers import listening, supervisor

    chosen = settings.get()
    _must_be_ready_asked_apart("secret_key", "mail_from", "smtp_url")
    listening.require_free_port(chosen.host, port or chosen.port)
    logs.configure(level=chosen.log_level)
    sys.exit(supervisor.up(port=port or chosen.port))


@app.command()
@output.report_errors
def worker(
    queues: Annotated[
        str | None,
        typer.Option(help="What to serve, as in delivery=2,selection=4,ingestion+background. Default: all queues."),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Processes for each queue that --queues gives no number.")
    ] = None,
) -> None:
    """A worker: chooses papers, delivers, asks sources. Each queue has processes of its own."""
    from digest import settings
    from workers import pools
    from workers.queues import read_pools

    wanted = read_pools(queues, processes=concurrency)
    _must_be_ready("secret_key", "mail_from", "smtp_url", "redis_url")
    logs.configure(level=settings.get().log_level)
    sys.exit(pools.serve(wanted))


@app.command()
@output.report_errors
def scheduler() -> None:
    """One scheduler process: plans what is due, frees what hangs."""
    from digest import settings
    from workers import scheduler as clockwork

    _must_be_ready("redis_url")
    logs.configure(level=settings.get().log_level)
    clockwork.run()


@app.command()
@output.report_errors
def web(port: Port = None, host: Annotated[str | None, typer.Option(help="Default: DIGEST_HOST.")] = None) -> None:
    """One web process: pages and API."""
    from digest import settings
    from digest.services.security import admin_login
    from digest.web.app import build as pages
    from digest.web.http import server
    from digest.web.wiring import page_services
    from workers.listening import require_free_port

    chosen = settings.get()
    _must_be_ready("secret_key", "mail_from")
    require_free_port(host or chosen.host, port or chosen.port)
    logs.configure(level=chosen.log_level)
    admin_login.end_removed()
    application = pages(_enqueue(), page_services())
    application.state.warm_up.start()
    server.serve(application, host=host or chosen.host, port=port or chosen.port, connections=chosen.web_connections)


@app.command()
@output.report_errors
def healthcheck(
    process: Annotated[healthchecks.Process, typer.Argument(help="Which of this machine's (or container's).")],
    queue: Annotated[
        list[str] | None, typer.Option(help="Only those who serve this queue. Default: whatever this machine serves.")
    ] = None,
) -> None:
    """Exit 0 only if that process of this machine got something done lately; for containers and monitors."""
    typer.echo(healthchecks.examine(process, queue or ()))


@app.command()
@output.report_errors
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Stop when the mails are there; exit 0 only if all are.")
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65534, help="The service's; the mailbox has the next one.")] = 8000,
) -> None:
    """Everything on this machine, with the seed papers, demo readers and a mailbox to look into."""
    from workers import demo as demonstration

    demonstration.run_demo(once=once, port=port, make_enqueue=_enqueue)


if __name__ == "__main__":
    run()
