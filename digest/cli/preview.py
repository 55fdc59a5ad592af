"""`digest preview`: what a profile would have received."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from markupsafe import escape
from rich.text import Text

from digest.cli import output
from digest.cli.outside import Dependencies
from digest.services.catalog.page_schemas import Preview, PreviewPaper
from digest.services.editions.preview import preview
from digest.services.subscriptions import preference_fields
from digest.text.plain_text import one_line
from digest.text.tex import readable


class Format(StrEnum):
    """Output formats."""

    text = "text"
    html = "html"
    json = "json"


def register(app: typer.Typer, outside: Dependencies) -> None:
    """Add the command."""

    @app.command("preview")
    @output.report_errors
    def command(
        topic: Annotated[list[str] | None, typer.Option(help="A keyword, phrase or query; may be repeated.")] = None,
        category: Annotated[list[str] | None, typer.Option(help="Only this category; may be repeated.")] = None,
        exclude: Annotated[list[str] | None, typer.Option(help="A query to exclude; may be repeated.")] = None,
        author: Annotated[list[str] | None, typer.Option(help="An author to follow; may be repeated.")] = None,
        days: Annotated[int, typer.Option(min=1, max=400, help="Number of announcements.")] = 14,
        date: Annotated[datetime | None, output.date_option("The last day. Default: the newest announcement.")] = None,
        limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of papers a day.")] = 10,
        strict: Annotated[bool, typer.Option("--strict", help="Without close matches.")] = False,
        format: Annotated[Format, typer.Option(help="Output format.")] = Format.text,  # noqa: A002
    ) -> None:
        """Show what a profile would have received each day, without subscribing."""
        given = {"topics": topic, "exclusions": exclude, "categories": category, "authors": author}
        wanted = preference_fields.validate(
            preference_fields.SignUpPreferences, {name: lines or [] for name, lines in given.items()}
        )
        profile = replace(wanted.profile(), close=not strict, limit=limit)
        shown = preview(profile, days=days, limit=limit, until=date.date() if date else None)
        _print(shown, format)


def as_json(shown: Preview) -> dict[str, Any]:
    """The preview as JSON; `id` is the arXiv id if there is one, else our own."""
    return {"days": [{"date": d.date.isoformat(), "papers": [_row(paper) for paper in d.papers]} for d in shown.days]}


def _row(paper: PreviewPaper) -> dict[str, Any]:
    return {
        "id": paper.arxiv_id or str(paper.id),
        "title": paper.title,
        "score": paper.score,
        "strict": paper.strict,
        "matched": [{"topic": topic, "words": list(words)} for topic, words in paper.matched],
        "trending": paper.trending,
    }


def _print(shown: Preview, form: Format) -> None:
    if form is Format.json:
        typer.echo(json.dumps(as_json(shown), ensure_ascii=False))
    elif form is Format.html:
        typer.echo(_html(shown))
    else:
        _lines(shown)


def _lines(shown: Preview) -> None:
    """A heading for each day, then each paper with its reason on the next line."""
    if not shown.days:
        output.print_line("nothing was announced on these days; fetch papers with `digest ingest`")
        return
    for day in shown.days:
        counted = f"{day.total} of {day.announced} announced"
        counted += f", the first {len(day.papers)}:" if day.total > len(day.papers) else ""
        output.print_line(f"[accent]{day.date:%a %d %b %Y}[/accent]  {counted}")
        rows = [(p.score or "", _told(p)) for p in day.papers]
        if rows:
            output.table(["score", ""], rows, numbers=["score"], heads=False)
        output.print_line("")
    output.print_line(f"about {shown.per_day:.1f} papers a day")


def _told(paper: PreviewPaper) -> Text:
    """The title of a paper, and on the next line its id and why it matches."""
    how = ("matches" if paper.strict else "close to") if paper.matched else ""
    trend = f"trending, above {paper.trending:.0f} % of its field" if paper.trending is not None else ""
    facts = " · ".join(filter(None, (paper.arxiv_id or f"no. {paper.id}", f"{how} {_reasons(paper)}".strip(), trend)))
    return Text.assemble(one_line(readable(paper.title)), "\n", (one_line(facts), "muted"))


def _html(shown: Preview) -> str:
    parts = ["<!doctype html><html lang=en><meta charset=utf-8><title>Preview</title>"]
    for day in shown.days:
        parts.append(f"<h2>{day.date.isoformat()}</h2><ol>")
        parts += [f"<li>{escape(readable(p.title))} <small>{escape(_reasons(p))}</small></li>" for p in day.papers]
        parts.append("</ol>")
    return "\n".join(parts)


def _reasons(paper: PreviewPaper) -> str:
    return "; ".join(f"{topic} ({', '.join(words)})" for topic, words in paper.matched)
