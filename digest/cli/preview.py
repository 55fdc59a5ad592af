"""`digest preview`: what a profile would have got."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from markupsafe import escape

from digest.cli import output
from digest.cli.outside import Outside
from digest.matching import query
from digest.matching.profile import Profile, Topic
from digest.services.preview import preview
from digest.services.views import Preview, PreviewPaper


class Format(StrEnum):
    """How it is printed."""

    text = "text"
    html = "html"
    json = "json"


def register(app: typer.Typer, outside: Outside) -> None:
    """Add the command."""

    @app.command("preview")
    @output.guarded
    def command(
        topic: Annotated[list[str] | None, typer.Option(help="A keyword, phrase or query.")] = None,
        category: Annotated[list[str] | None, typer.Option(help="Only these categories.")] = None,
        exclude: Annotated[list[str] | None, typer.Option(help="Never papers that match this.")] = None,
        author: Annotated[list[str] | None, typer.Option(help="A followed author.")] = None,
        days: Annotated[int, typer.Option(min=1, max=400)] = 14,
        date: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day.")] = None,
        limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many papers a day.")] = 10,
        strict: Annotated[bool, typer.Option("--strict", help="No close matches.")] = False,
        format: Annotated[Format, typer.Option()] = Format.text,  # noqa: A002
    ) -> None:
        """What this profile would have got, per day, without subscribing."""
        for text in [*(topic or []), *(exclude or [])]:
            query.parse(text)
        profile = Profile(
            topics=tuple(Topic(text) for text in topic or []),
            exclusions=tuple(exclude or ()),
            categories=tuple(category or ()),
            authors=tuple(author or ()),
            close=not strict,
            limit=limit,
        )
        shown = preview(profile, days=days, limit=limit, until=date.date() if date else None)
        _print(shown, format)


def as_json(shown: Preview) -> dict[str, Any]:
    """The JSON form that DESIGN names; `id` is the arXiv id where there is one."""
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
        return
    if form is Format.html:
        typer.echo(_html(shown))
        return
    for day in shown.days:
        output.say(f"\n[accent]{day.date:%a %d %b %Y}[/accent]  {len(day.papers)} of {day.announced} announced")
        rows = [
            (p.arxiv_id or p.id, p.title, "strict" if p.strict else "close", p.score, _words(p)) for p in day.papers
        ]
        if rows:
            output.table(["paper", "title", "match", "score", "because of"], rows, numbers=["score"])
    output.say(f"\nabout {shown.per_day:.1f} papers a day")


def _words(paper: PreviewPaper) -> str:
    return "; ".join(f"{topic}: {', '.join(words)}" for topic, words in paper.matched)


def _html(shown: Preview) -> str:
    parts = ["<!doctype html><meta charset=utf-8><title>Preview</title>"]
    for day in shown.days:
        parts.append(f"<h2>{day.date.isoformat()}</h2><ol>")
        parts += [f"<li>{escape(p.title)} <small>{escape(_words(p))}</small></li>" for p in day.papers]
        parts.append("</ol>")
    return "\n".join(parts)
