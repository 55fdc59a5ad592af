"""`digest preview`: what a profile would have received."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from markupsafe import escape
from rich.markup import escape as escape_markup
from rich.text import Text

from digest.cli import exit_codes, library, output
from digest.cli.cli_dependencies import Dependencies
from digest.matching.profile import Profile
from digest.services.catalog import people_choice
from digest.services.catalog.page_schemas import NamedPeople, PersonRow, Preview, PreviewPaper
from digest.services.preview.library_json import report_json
from digest.services.preview.library_topic_suggestions import LibraryReport, MakePreview, report_library
from digest.services.preview.preview import preview
from digest.services.subscriptions import preference_fields
from digest.services.subscriptions.example_papers import terms_of_entries
from digest.services.subscriptions.library_resolution import ResolvedLibrary
from digest.text.plain_text import one_line
from digest.text.tex import readable


class Format(StrEnum):
    """Output formats."""

    text = "text"
    html = "html"
    json = "json"


_Texts = list[str] | None
_Topics = Annotated[_Texts, typer.Option(metavar="TOPIC", help="A keyword, phrase or query; may be repeated.")]
_Categories = Annotated[
    _Texts, typer.Option(metavar="SUBJECT", help="Only this subject, by code or name; may be repeated.")
]
_Sources = Annotated[_Texts, typer.Option(metavar="SOURCE", help="Only this source; may be repeated.")]
_Languages = Annotated[_Texts, typer.Option(metavar="LANGUAGE", help="Only this language; may be repeated.")]
_Exclusions = Annotated[_Texts, typer.Option(metavar="QUERY", help="A query to exclude; may be repeated.")]
_Authors = Annotated[_Texts, typer.Option(metavar="NAME", help="An author to follow; may be repeated.")]
_Papers = Annotated[
    _Texts,
    typer.Option(
        metavar="ID",
        help="A paper to start from: arXiv id, DOI or address; may be repeated. "
        "Exit code 1 if a source does not answer.",
    ),
]
_Library = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A library to start from: BibTeX, RIS, PubMed, CSL-JSON, …")
]
_LastDay = Annotated[datetime | None, output.date_option("The last day. Default: the newest announcement.")]


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the command."""

    @app.command("preview")
    @output.report_errors
    def command(
        topic: _Topics = None,
        category: _Categories = None,
        source: _Sources = None,
        language: _Languages = None,
        exclude: _Exclusions = None,
        author: _Authors = None,
        days: Annotated[int, typer.Option(min=1, max=400, metavar="N", help="Number of announcements.")] = 14,
        date: _LastDay = None,
        limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Maximum number of papers a day.")] = 10,
        strict: Annotated[bool, typer.Option("--strict", help="Without close matches.")] = False,
        paper: _Papers = None,
        bibtex: _Library = None,
        orcid: Annotated[
            str, typer.Option(metavar="ORCID", help="An ORCID iD, whose public works to start from.")
        ] = "",
        format: Annotated[Format, typer.Option(help="Output format.")] = Format.text,  # noqa: A002
    ) -> None:
        """Show what a profile would have received, day by day. Nobody is subscribed."""
        preferences = _read_preferences(
            topics=topic, exclusions=exclude, categories=category, authors=author, sources=source, languages=language
        )
        profile = replace(preferences.profile(), close=not strict, limit=limit)
        make_preview = partial(preview, days=days, limit=limit, until=date.date() if date else None, whole=True)
        if paper or bibtex or orcid:
            resolved, failures = library.resolve_options(paper or [], bibtex, orcid)
            _print_library_preview(resolved, profile, make_preview, format)
        else:
            failures = ()
            _print_preview(make_preview(profile), format)
        _print_people(preferences.authors, format)
        if failures:
            raise typer.Exit(exit_codes.EXIT_FAILED)


def _read_preferences(**texts_by_field: list[str] | None) -> preference_fields.SignUpPreferences:
    """The preferences of the command's options. Raises BadInput."""
    values = {name: texts or [] for name, texts in texts_by_field.items()}
    return preference_fields.validate(preference_fields.SignUpPreferences, values)


def _print_library_preview(
    resolved: ResolvedLibrary, profile: Profile, make_preview: Callable[..., Preview], output_format: Format
) -> None:
    """Print the preview of typed topics and a library's papers. Exits where there is neither."""
    if not resolved.examples and profile == replace(Profile(), close=profile.close, limit=profile.limit):
        raise typer.Exit(exit_codes.EXIT_FAILED)
    report = _preview_library(resolved, profile, partial(make_preview, owned=resolved.stored_papers))
    _print_preview(report.preview, output_format, report)


def _preview_library(resolved: ResolvedLibrary, profile: Profile, make_preview: MakePreview) -> LibraryReport:
    """The report of a library; it suggests topics only where none are typed."""
    profile = replace(profile, examples=terms_of_entries(resolved.examples))
    return report_library(resolved, profile, make_preview)


def as_json(result: Preview) -> dict[str, Any]:
    """The preview as JSON; `id` is the arXiv id if there is one, else our own."""
    return {
        "days": [
            {"date": d.date.isoformat(), "papers": [_paper_json(paper) for paper in d.papers]} for d in result.days
        ]
    }


def _paper_json(paper: PreviewPaper) -> dict[str, Any]:
    return {
        "id": paper.arxiv_id or str(paper.id),
        "title": paper.title,
        "score": paper.score,
        "strict": paper.strict,
        "matched": [{"topic": topic, "words": list(words)} for topic, words in paper.matched],
        "example": paper.example,
        "example_words": list(paper.example_words),
        "trending": paper.trending,
    }


def _print_preview(result: Preview, output_format: Format, report: LibraryReport | None = None) -> None:
    if output_format is Format.json:
        library_json = {"library": report_json(report)} if report else {}
        typer.echo(json.dumps(library_json | as_json(result), ensure_ascii=False))
    elif output_format is Format.html:
        typer.echo(_to_html(result))
    else:
        if report:
            library.print_report(report)
        _print_text(result)


def _print_text(result: Preview) -> None:
    """A heading for each day, then each paper with its reason on the next line."""
    if not result.days:
        output.print_line("nothing was announced on these days; fetch papers with `digest ingest`")
        return
    for day in result.days:
        counts = f"{day.total} of {day.announced} announced"
        counts += f", the first {len(day.papers)}:" if day.total > len(day.papers) else ""
        output.print_line(f"[accent]{day.date:%a %d %b %Y}[/accent]  {counts}")
        if day.papers:
            output.print_table([""], [(_paper_cell(paper),) for paper in day.papers], show_header=False)
        output.print_line("")
    output.print_line(f"about {result.per_day:.1f} papers a day")


def _print_people(authors: Sequence[str], output_format: Format) -> None:
    """The people of each followed name that several have, with the text to follow one of them by; only as text."""
    if output_format is not Format.text:
        return
    for named in people_choice.people_of_authors(authors, ask=True):
        output.print_line(
            f"\n[accent]Which {escape_markup(named.name)}?[/accent] `--author` takes the text of a person:"
        )
        rows = [(row.reference or "-", row.institution, row.papers, _newest_title(row)) for row in _listed(named)]
        output.print_table(["person", "institution", "papers", "newest"], rows, right_aligned=["papers"])


def _listed(named: NamedPeople) -> tuple[PersonRow, ...]:
    return (*named.people, *named.elsewhere)


def _newest_title(row: PersonRow) -> str:
    return row.latest[1] if row.latest else next(iter(row.titles), "")


def _paper_cell(paper: PreviewPaper) -> Text:
    """The title of a paper, and on the next line its id and why it matches."""
    match_kind = ("matches" if paper.strict else "close to") if paper.matched else ""
    trend = f"trending, above {paper.trending:.0f} % of its field" if paper.trending is not None else ""
    number = paper.arxiv_id or f"no. {paper.id}"
    facts = " · ".join(filter(None, (number, paper.source, f"{match_kind} {_reasons(paper)}".strip(), trend)))
    return Text.assemble(one_line(readable(paper.title)), "\n", (one_line(facts), "muted"))


def _to_html(result: Preview) -> str:
    parts = ["<!doctype html><html lang=en><meta charset=utf-8><title>Preview</title>"]
    for day in result.days:
        parts.append(f"<h2>{day.date.isoformat()}</h2><ol>")
        parts += [f"<li>{escape(readable(p.title))} <small>{escape(_reasons(p))}</small></li>" for p in day.papers]
        parts.append("</ol>")
    return "\n".join(parts)


def _reasons(paper: PreviewPaper) -> str:
    reasons = [
        topic if [word.casefold() for word in words] in ([], [topic.casefold()]) else f"{topic} ({', '.join(words)})"
        for topic, words in paper.matched
    ]
    if paper.example:
        reasons.append(f"like ‘{paper.example}’ ({', '.join(paper.example_words)})")
    return "; ".join(reasons)
