"""`digest sources`: list and pause the sources of papers; test, add, confirm, restore and remove feeds."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli import output
from digest.cli.cli_dependencies import Dependencies
from digest.services.admin import source_admin, source_listing
from digest.services.admin.feed_preview import NEW, FeedPreview, preview_feed
from digest.services.security.audit_actor import command_line_actor

MAX_LISTED = 30  # papers, and entries left out, without --all
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The source, as `digest sources list` shows it.")]
Address = Annotated[str, typer.Argument(metavar="URL", help="The address of an RSS, Atom or JSON feed.")]
_HELP = "List and pause the sources of papers. Test, add, confirm, restore and remove feeds."


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help=_HELP)
    app.add_typer(group, name="sources")
    _add_list_and_test(group)
    _add_feed_commands(group)
    _add_feed_changes(group)
    _add_switches(group)


def _add_list_and_test(group: typer.Typer) -> None:
    @group.command("list")
    @output.report_errors
    def list_(json: Json = False) -> None:
        """List all sources. With their state, last and next fetch, and the number of items left out."""
        rows = source_listing.source_rows()
        if json:
            output.emit_json([row.to_json() for row in rows])
            return
        output.print_rows([_row(row) for row in rows], json=False, unbroken=["source", "last", "next"])

    @group.command()
    @output.report_errors
    def test(
        address: Address,
        all_: Annotated[bool, typer.Option("--all", help="Show every entry.")] = False,
        json: Json = False,
    ) -> None:
        """Show what a feed would bring. Nothing is stored."""
        preview = preview_feed(address)
        if json:
            output.emit_json(preview.to_json())
        else:
            _print_preview(preview, limit=None if all_ else MAX_LISTED)


def _add_feed_commands(group: typer.Typer) -> None:
    @group.command()
    @output.report_errors
    def add(
        address: Address,
        name: Annotated[str, typer.Option(metavar="NAME", help="Its short name. Default: from its title.")] = "",
        title: Annotated[
            str, typer.Option(metavar="TITLE", help="What subscribers see. Default: the feed's own title.")
        ] = "",
        subject: Annotated[
            str, typer.Option(metavar="SUBJECT", help="The subject of its papers that have none, such as Neuroscience.")
        ] = "",
        max_a_day: Annotated[
            int | None, typer.Option(metavar="N", help="How many of its papers are mailed a day at most.")
        ] = None,
        json: Json = False,
    ) -> None:
        """Add a feed. Only some of its papers are mailed a day until it is confirmed."""
        feed, preview = source_admin.add_feed(
            address, name=name, title=title, subject=subject, max_a_day=max_a_day, actor=command_line_actor()
        )
        new = sum(paper.outcome == NEW for paper in preview.papers)
        if json:
            output.emit_json({"source": feed.name, "title": feed.title, "new": new})
            return
        output.print_line(
            f"added: {output.plain_text(f'{feed.name} ({feed.title})')}; {output.count_of(new, 'new paper')} in it now"
        )
        output.print_line(f"when its papers are right: digest sources confirm {feed.name}")


def _add_feed_changes(group: typer.Typer) -> None:
    @group.command()
    @output.report_errors
    def confirm(name: Name) -> None:
        """Confirm that the papers of a feed are right. The daily limit for new feeds ends."""
        source_admin.confirm_feed(name, actor=command_line_actor())
        output.print_line(f"confirmed: {output.plain_text(name)}")

    @group.command()
    @output.report_errors
    def restore(name: Name) -> None:
        """Give a feed that moved its former address back. It moves again if that still redirects to a feed."""
        address = source_admin.restore_feed(name, actor=command_line_actor())
        output.print_line(f"restored: {output.plain_text(name)} is fetched from {output.plain_text(address)}")

    @group.command()
    @output.report_errors
    def remove(name: Name) -> None:
        """Remove a feed. Its papers stay."""
        source_admin.remove_feed(name, actor=command_line_actor())
        output.print_line(f"removed: {output.plain_text(name)}")


def _add_switches(group: typer.Typer) -> None:
    @group.command()
    @output.report_errors
    def pause(name: Name) -> None:
        """Stop fetching a source until it is resumed. This works for built-in sources and feeds."""
        source_admin.pause_source(name, actor=command_line_actor())
        output.print_line(f"paused: {output.plain_text(name)}")

    @group.command()
    @output.report_errors
    def resume(name: Name) -> None:
        """Fetch a paused source again. It continues where it stopped."""
        source_admin.resume_source(name, actor=command_line_actor())
        output.print_line(f"resumed: {output.plain_text(name)}")


def _row(row: source_listing.SourceRow) -> dict[str, object]:
    notes = ", ".join(filter(None, (row.detail, source_listing.feed_note(row))))
    return {
        "source": row.name,
        "title": row.title if row.title != row.name else "",
        "state": row.state,
        "last": f"{row.last_at:%Y-%m-%d %H:%M}" if row.last_at else "",
        "next": f"{row.next_at:%Y-%m-%d %H:%M}" if row.next_at else "",
        "left out": row.rejects or "",
        "note": notes,
    }


def _print_preview(preview: FeedPreview, *, limit: int | None) -> None:
    new = sum(paper.outcome == NEW for paper in preview.papers)
    cut = "; the feed is cut off" if preview.is_cut else ""
    title = output.plain_text(preview.title or "a feed without title")
    output.print_line(
        f"{title}: {output.count_of(len(preview.papers), 'paper')}, {new} new, "
        f"{output.count_of(len(preview.left_out), 'entry', 'entries')} left out{cut}"
    )
    papers: list[dict[str, object]] = [
        {
            "paper": paper.title[:120],
            "id": paper.identifier,
            "date": paper.date or "",
            "abstract from": paper.abstract_from or "nowhere",
            "stored as": paper.outcome,
        }
        for paper in preview.papers[:limit]
    ]
    if papers:
        output.print_rows(papers, json=False, unbroken=["date"])
    left_out: list[dict[str, object]] = [
        {"left out": title[:120], "because": reason} for title, reason in preview.left_out[:limit]
    ]
    if left_out:
        output.print_rows(left_out, json=False)
    if limit is not None and max(len(preview.papers), len(preview.left_out)) > limit:
        output.print_line("more with --all")
