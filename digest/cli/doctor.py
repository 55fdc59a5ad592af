"""`digest doctor`: check the installation."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli import exit_codes, output
from digest.cli.cli_dependencies import Dependencies
from digest.services.admin import doctor


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the command."""

    @app.command("doctor")
    @output.report_errors
    def check(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
        """Check the installation: settings, database, mail and workers. Also its readiness for bulk mail."""
        findings = doctor.run_checks()
        if json:
            output.emit_json([finding.to_json() for finding in findings])
        else:
            _print_findings(findings)
        if any(finding.level == doctor.ERROR for finding in findings):
            raise typer.Exit(exit_codes.EXIT_FAILED)


def _print_findings(findings: list[doctor.DoctorFinding]) -> None:
    styles = {doctor.OK: "good", doctor.WARNING: "rising", doctor.ERROR: "bad"}
    rows = [
        (output.styled_cell(f.level, styles[f.level]), f.name, f.text + (f"\n→ {f.cure}" if f.cure else ""))
        for f in findings
    ]
    output.print_table(["", "what", "finding"], rows, separate_rows=False)
    error_count = sum(f.level == doctor.ERROR for f in findings)
    warning_count = sum(f.level == doctor.WARNING for f in findings)
    counts = f"{output.count_of(error_count, 'error')}, {output.count_of(warning_count, 'warning')}"
    output.print_line(f"\n{output.count_of(len(findings), 'check')}: {counts}")
