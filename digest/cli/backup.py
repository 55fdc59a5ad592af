"""`digest backup`, `digest restore`, `digest move`: an installation as one file, back again, in another database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest import settings
from digest.cli import output
from digest.cli.cli_dependencies import Dependencies
from digest.services.backup import create_backup, move_database, restore_backup
from digest.services.backup.archive import Manifest


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the commands."""
    _add_backup(app)
    _add_restore(app)
    _add_move(app)


def _add_backup(app: typer.Typer) -> None:
    @app.command()
    @output.report_errors
    def backup(
        to: Annotated[
            Path | None, typer.Option(metavar="DIR", help="The folder. Default: backups in DIGEST_DATA_DIR.")
        ] = None,
        keep: Annotated[
            int | None, typer.Option(min=1, metavar="N", help="Delete all but the N newest backups there.")
        ] = None,
        json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Write database, .env and keys to one file and verify it. The service may run meanwhile."""
        result = create_backup.create_backup(to or settings.get().data_dir / "backups", keep=keep)
        size = result.file.stat().st_size
        if json:
            removed_files = [str(file) for file in result.removed_files]
            output.emit_json({"file": str(result.file), "bytes": size, "verified": True, "removed": removed_files})
            return
        output.print_line(f"written and verified: {result.file} ({size / 1e6:.1f} MB; {_content(result.manifest)})")
        for file in result.removed_files:
            output.print_line(f"removed: {file}")
        if result.manifest.has_signing_key:
            output.print_line("keep it secret and on another machine: it holds addresses and keys")
        else:
            output.print_line(
                "keep it secret and on another machine. DIGEST_SECRET_KEY is not in it, because it is not in .env: "
                "keep it elsewhere, or links in mails already sent stop working after a restore"
            )


def _add_restore(app: typer.Typer) -> None:
    @app.command()
    @output.report_errors
    def restore(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `digest backup` wrote.")],
    ) -> None:
        """Restore a backup into an empty database. Existing settings and keys are kept."""
        with output.print_progress("restoring"):
            result = restore_backup.restore_backup(file)
        for note in result.notes:
            output.print_line(note)
        manifest = result.manifest
        output.print_line(f"restored: the state of {manifest.created_at:%Y-%m-%d %H:%M} UTC ({_content(manifest)})")
        output.print_line(
            "next: `digest run --dry-run` shows who would be mailed for the second time; fetch what is missing with "
            "`digest ingest`, then `digest admin reconcile --mail-log FILE` settles it, before the service starts"
        )


def _add_move(app: typer.Typer) -> None:
    @app.command()
    @output.report_errors
    def move(
        to: Annotated[str, typer.Option(metavar="URL", help="An empty database: postgresql://… or sqlite:///…")],
    ) -> None:
        """Copy everything to another database and compare it. The present one is not changed."""
        with output.print_progress("copying and comparing"):
            tables = move_database.move_database(to)
        filled = [table for table in tables if table.rows]
        output.print_table(
            ["table", "rows", "SHA-256"],
            [(table.name, table.rows, table.checksum[:16]) for table in filled],
            right_aligned=["rows"],
        )
        rows = sum(table.rows for table in filled)
        output.print_line(
            f"\n{output.count_of(rows, 'row')} of {output.count_of(len(filled), 'table')}: equal in both databases"
        )
        output.print_line("next: set DIGEST_DATABASE_URL to the new address, then start the service")


def _content(manifest: Manifest) -> str:
    names = {"subscriber": "subscriber", "paper": "paper", "delivery": "mail"}
    return ", ".join(output.count_of(manifest.rows_of(table), name) for table, name in names.items())
