"""`digest export`: papers as citations for reference managers."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from digest.cli import output
from digest.cli.cli_dependencies import Dependencies
from digest.errors import BadInput
from digest.replace_file import replace_file
from digest.services.admin import subscriber_admin
from digest.services.catalog import paper_exports, paper_lookup
from digest.services.subscriptions import topic_feedback


class CitationFormatName(StrEnum):
    """Formats of citations."""

    bibtex = "bibtex"
    ris = "ris"
    csl_json = "csl-json"


class Encoding(StrEnum):
    """Encodings of BibTeX."""

    unicode = "unicode"
    tex = "tex"


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="Export papers as citations.")
    app.add_typer(group, name="export")

    @group.callback()
    def only() -> None:
        """Export papers as citations."""

    @group.command("papers")
    @output.report_errors
    def papers(
        format: Annotated[CitationFormatName, typer.Option(help="Format.")] = CitationFormatName.bibtex,  # noqa: A002
        ids: Annotated[
            str | None,
            typer.Option(metavar="IDS", help="These papers: arXiv ids, DOIs or numbers, with commas between."),
        ] = None,
        subscriber: Annotated[
            str | None, typer.Option(metavar="ADDRESS", help="The papers that this subscriber likes.")
        ] = None,
        since: Annotated[datetime | None, output.date_option("The papers announced from this day on.")] = None,
        encoding: Annotated[
            Encoding, typer.Option(help="Of BibTeX: Unicode, or TeX commands as far as there are any.")
        ] = Encoding.unicode,
        file: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Write to this file instead of standard output.")
        ] = None,
    ) -> None:
        """Print papers as BibTeX, RIS or CSL-JSON."""
        paper_ids = _paper_ids(ids, subscriber, since)
        file_format = paper_exports.citation_format(format.value)
        texts = paper_exports.citation_texts(paper_ids, file_format, tex=encoding is Encoding.tex)
        _write(texts, file)


def _paper_ids(ids: str | None, subscriber: str | None, since: datetime | None) -> Sequence[int]:
    """The papers of the only option given. Raises BadInput."""
    if sum(option is not None for option in (ids, subscriber, since)) != 1:
        raise BadInput("use one of --ids, --subscriber and --since", field="ids")
    if subscriber is not None:
        return topic_feedback.liked_papers(subscriber_admin.subscriber_number(subscriber))
    if since is not None:
        return paper_exports.announced_since(since.date())
    identifiers = paper_lookup.split_identifiers(ids or "")
    if not identifiers:
        raise BadInput("ids: name at least one paper", field="ids")
    identified = paper_lookup.find_papers(identifiers)
    if identified.unknown:
        raise BadInput(f"ids: not stored here: {', '.join(identified.unknown)[:300]}", field="ids")
    return identified.paper_ids


def _write(texts: Iterable[str], file: Path | None) -> None:
    """Write UTF-8, whatever the terminal's encoding is. Raises BadInput."""
    if file is None:
        for text in texts:
            sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
        return
    try:
        if file.exists() and not file.is_file():  # a device or a pipe
            file.write_bytes("".join(texts).encode())
        else:
            replace_file(file, (text.encode() for text in texts))
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror or 'cannot be written'}", field="file") from error
