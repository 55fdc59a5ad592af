"""The composition root: connects the core to the task queue, and adds the process commands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from digest import logs
from digest.cli import output
from digest.cli.app import build_app
from digest.cli.cli_dependencies import Dependencies
from workers import healthcheck as healthchecks
from workers import memory_allocator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from digest.papers import ParsedDocument
    from digest.queues import Enqueue

Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, metavar="PORT", help="Port to listen on. Default: DIGEST_PORT, else 8000."),
]


def _load_seeds(files: Sequence[Path], today: date) -> Sequence[tuple[str, ParsedDocument]]:
    from seeds import loader

    return loader.load(files, today=today)


def _create_enqueue() -> Enqueue:
    """A client of the task queue, in the configured Redis or that of a `digest up` with the same DATA_DIR.

    Without Redis one that does nothing, because the next sweep finds the work.
    """
    from digest import settings
    from digest.queues import NoQueue
    from digest.redis import running_instance

    configuration = settings.get()
    instance = running_instance.find_instance(configuration.data_dir)
    url = configuration.redis_url or (instance.redis_url if instance else "")
    if not url:
        return NoQueue()
    from workers.enqueue import enqueue

    return enqueue(url)


def _require_ready(*names: str) -> None:
    """Check the settings and the database's schema before a process starts. Raises Misconfigured."""
    from digest import settings
    from digest.db.core import schema_migration
    from digest.services.admin import configuration

    configuration.require_valid()
    settings.get().require(*names)
    schema_migration.require_newest()
    schema_migration.require_usable_file()


app = build_app(Dependencies(enqueue=_create_enqueue, seeds=_load_seeds))


@app.command()
@output.report_errors
def up(port: Port = None) -> None:
    """Run web, worker and scheduler on this machine. Also a private Redis, unless DIGEST_REDIS_URL is set."""
    from digest import settings
    from digest.redis import find_server, running_instance
    from workers import port_check, supervisor

    configuration = settings.get()
    service = supervisor.ServiceSettings(
        port=port or configuration.port,
        data_dir=configuration.data_dir,
        redis_url=configuration.redis_url,
        log_level=configuration.log_level,
    )
    running_instance.require_none(service.data_dir)
    _require_ready("secret_key", "mail_from", "smtp_url")
    port_check.require_free_port(configuration.host, service.port)
    if not service.redis_url:
        find_server()
    _print_addresses(configuration.host, service.port)
    supervisor.replace_process(service)


def _print_addresses(host: str, port: int) -> None:
    """Print where the pages are and how to stop; only on a terminal, because elsewhere all output is JSON."""
    if not sys.stdout.isatty():
        return
    name = healthchecks.LOOPBACK_OF_WILDCARD.get(host, host)
    address = f"http://{f'[{name}]' if ':' in name else name}:{port}"
    output.print_line(f"[accent]{address}[/accent]  the service: subscribe, see what is trending")
    output.print_line(f"[accent]{address}/admin[/accent]  the administrator's page")
    output.print_line("stop with Ctrl-C")


@app.command()
@output.report_errors
def worker(
    queues: Annotated[
        str | None,
        typer.Option(
            metavar="QUEUES", help="Queues to serve, such as delivery=2,selection=4,ingestion+background. Default: all."
        ),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processes for each queue without a number in --queues.")
    ] = None,
) -> None:
    """Run a worker: select papers, send mail, fetch from sources."""
    from digest import settings
    from digest.queues import DELIVERY
    from workers.task_queues import parse_pools, queues_of_pools

    requested_pools = parse_pools(queues, processes=concurrency)
    sends_mail = DELIVERY in queues_of_pools(requested_pools)
    memory_allocator.return_freed_memory()
    _require_ready(*(("secret_key", "mail_from", "smtp_url") if sends_mail else ()), "redis_url")
    from workers import pools

    logs.configure(level=settings.get().log_level)
    sys.exit(pools.serve(requested_pools))


@app.command()
@output.report_errors
def scheduler() -> None:
    """Run a scheduler: enqueue due work, recover stuck work."""
    from digest import settings

    memory_allocator.return_freed_memory()
    _require_ready("redis_url", "secret_key")  # the key for the hashes of addresses that retention deletes
    from workers import scheduler as scheduler_process

    logs.configure(level=settings.get().log_level)
    scheduler_process.run()


@app.command()
@output.report_errors
def web(
    port: Port = None,
    host: Annotated[
        str | None, typer.Option(metavar="HOST", help="Address to listen on. Default: DIGEST_HOST.")
    ] = None,
) -> None:
    """Run a web process with the pages and the API."""
    from digest import settings
    from workers.port_check import require_free_port

    configuration = settings.get()
    memory_allocator.return_freed_memory()
    _require_ready("secret_key", "mail_from")
    require_free_port(host or configuration.host, port or configuration.port)
    from digest.services.security import admin_login  # the application takes two seconds to load
    from digest.web.app import build as build_web_app
    from digest.web.http import scheduler_watch, server
    from digest.web.wiring import page_services

    logs.configure(level=configuration.log_level)
    admin_login.end_sessions_of_removed()
    application = build_web_app(_create_enqueue(), page_services())
    scheduler_watch.start_watch(application.state.enqueue)
    application.state.warm_up.start_and_refresh()
    server.serve(
        application,
        host=host or configuration.host,
        port=port or configuration.port,
        connections=configuration.web_connections,
    )


@app.command()
@output.report_errors
def healthcheck(
    process: Annotated[
        healthchecks.Process,
        typer.Argument(metavar="web|worker|scheduler", help="A process of this machine or container."),
    ],
    queue: Annotated[
        list[str] | None,
        typer.Option(metavar="QUEUE", help="A queue to check; may be repeated. Default: all that are served here."),
    ] = None,
) -> None:
    """Check that a process makes progress. The exit code is 0 only then; for containers and monitoring."""
    typer.echo(healthchecks.check_process(process, queue or ()))


@app.command()
@output.report_errors
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Stop after the mails; the exit code is 0 only if all have arrived.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=1, max=65534, metavar="PORT", help="Port of the service; the mailbox uses the next one.")
    ] = 8000,
) -> None:
    """Run a demo of the whole service on this machine. With seed papers, demo subscribers and a mailbox."""
    from workers import demo as demo_service

    demo_service.run_demo(once=once, port=port, make_enqueue=_create_enqueue)
