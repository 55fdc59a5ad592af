"""`digest library`: read a library of papers. Nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from digest.bibliography.formats import require_size
from digest.cli import exit_codes, output
from digest.cli.cli_dependencies import Dependencies
from digest.errors import BadInput, SourceDown
from digest.services.preview.library_json import library_json
from digest.services.preview.library_topic_suggestions import LibraryReport
from digest.services.subscriptions import pending_example_lookup
from digest.services.subscriptions.library_resolution import (
    LibrarySource,
    ResolvedLibrary,
    read_libraries,
    require_usable,
)
from digest.text.plain_text import one_line

MAX_LISTED = 20  # problems that a preview lists; `library check` lists all


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Read a library of papers: a file, identifiers, Zotero or ORCID.",
        rich_markup_mode=None,
    )
    app.add_typer(group, name="library")

    @group.command()
    @output.report_errors
    def check(
        file: Annotated[
            Path | None, typer.Argument(metavar="FILE", help="BibTeX, RIS, PubMed, CSL-JSON, EndNote, …")
        ] = None,
        zotero: Annotated[str, typer.Option(metavar="URL", help="The address of a Zotero library.")] = "",
        zotero_key: Annotated[
            str,
            typer.Option(envvar="ZOTERO_KEY", metavar="KEY", help="A read-only key for it; better by the environment."),
        ] = "",
        orcid: Annotated[str, typer.Option(metavar="ORCID", help="An ORCID iD, for its public works.")] = "",
        json: Annotated[bool, typer.Option("--json", help="Print the entries and problems as JSON.")] = False,
    ) -> None:
        """Read a library, and list every entry that is damaged or unknown.

        Exit code 1 if entries are lost, or a source does not answer.
        """
        sources = [LibrarySource(file=read_file(file))] if file else []
        if zotero or zotero_key:
            sources.append(LibrarySource(zotero_library=zotero, zotero_key=zotero_key))
        sources += [LibrarySource(orcid_id=orcid)] if orcid else []
        library, failures = read_libraries(sources or [LibrarySource()])
        print_failures(failures)
        if failures and len(failures) == len(sources):
            raise typer.Exit(exit_codes.EXIT_FAILED)
        if json:
            output.emit_json(library_json(library) | {"papers": [asdict(example) for example in library.examples]})
        else:
            _print_counts(library)
            _print_problems(library, None)
        if library.lost or failures:
            raise typer.Exit(exit_codes.EXIT_FAILED)


def read_file(path: Path) -> bytes:
    """The bytes of a file. Raises BadInput for one that can't be read or is too large."""
    try:
        require_size(path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", field="file") from error


def resolve_options(
    identifiers: Sequence[str], file: Path | None, orcid: str
) -> tuple[ResolvedLibrary, tuple[SourceDown, ...]]:
    """The library of identifiers, a file and an ORCID iD; unknown papers are looked up at the sources at once.

    A source that fails is named on standard error and returned; what the others know is used. Raises BadInput where
    nothing is known of any paper although all sources answered.
    """
    pasted = [LibrarySource(pasted=identifier) for identifier in identifiers]
    papers = [source.pasted for source in pasted if not source.is_remote]
    sources = [LibrarySource(pasted="\n".join(papers))] if papers else []
    sources += [LibrarySource(file=read_file(file))] if file else []
    sources += [source for source in pasted if source.is_remote]
    sources += [LibrarySource(orcid_id=orcid)] if orcid else []
    library, failures = read_libraries(sources)
    print_failures(failures)
    if library.awaited:
        library, lookup_failures = pending_example_lookup.with_looked_up(library)
        print_failures(lookup_failures, _lookup_text(len(library.awaited)))
        failures += lookup_failures
    return (library if failures else require_usable(library)), failures


def print_failures(failures: Sequence[SourceDown], verdict: str = "not read") -> None:
    """One line that names each source that failed, on standard error."""
    if failures:
        typer.echo(one_line(f"{verdict}: {'; '.join(map(str, failures))}"), err=True)


def _lookup_text(papers: int) -> str:
    if not papers:
        return "looked up elsewhere"
    return f"{output.count_of(papers, 'paper')} could not be looked up"


def print_report(report: LibraryReport) -> None:
    """The counts, the suggested topics, and the first problems."""
    suggested = f"{output.count_of(len(report.topics), 'topic')} suggested, about {report.per_day:.1f} papers a day"
    output.print_line(f"{_counts_text(report.library)}, {suggested}")
    _print_problems(report.library, MAX_LISTED)
    rows = [
        (topic.text, topic.in_library, f"{topic.per_day:.1f}", topic.example.title if topic.example else "")
        for topic in report.topics
    ]
    if rows:
        output.print_table(["topic", "in library", "a day", "example"], rows, right_aligned=["in library", "a day"])
    output.print_line("")


def _print_counts(library: ResolvedLibrary) -> None:
    output.print_line(f"{_counts_text(library)} (read as {library.form})")


def _counts_text(library: ResolvedLibrary) -> str:
    """`842 entries, 610 known here, 3 repeated, 12 lost`."""
    counts = {
        "repeated": library.repeated,
        "unknown and without a title": len(library.unknown),
        "damaged": len({(problem.unit, problem.position) for problem in library.problems}),
        "lost": library.lost,
        "left out": library.left_out,
    }
    further = [f"{number} {name}" for name, number in counts.items() if number]
    return ", ".join(
        [output.count_of(library.total, "entry", "entries"), f"{library.stored_count} known here", *further]
    )


def _print_problems(library: ResolvedLibrary, limit: int | None) -> None:
    """A line for each problem and each unknown identifier, on standard error."""
    lines = [problem.message(_untranslated) for problem in library.problems]
    lines += [f"{identifier}: not stored here, and no source that was asked knows it" for identifier in library.unknown]
    for line in lines[:limit]:
        typer.echo(one_line(line), err=True)
    if limit is not None and len(lines) > limit:
        typer.echo(f"and {len(lines) - limit} more: see `digest library check`", err=True)


def _untranslated(message: str, **values: object) -> str:
    return message % values
