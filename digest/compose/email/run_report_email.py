"""The report to the administrators when a run has ended. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from digest.compose.email.email_parts import render_mail
from digest.compose.email.paper_block import INDENT
from digest.compose.email.run_figures import RunFigures
from digest.compose.email.template_context import DEFAULT_SERVICE, MailService, RenderedMail
from digest.compose.text.highlighting import escape_text
from digest.compose.text.text_wrapping import wrap
from digest.i18n import format_duration, format_number, localize, localize_plural
from digest.text.plain_text import one_line

MAX_SOURCES = 10


def run_report(
    figures: RunFigures, *, run_url: str, sources_url: str, service: MailService = DEFAULT_SERVICE
) -> RenderedMail:
    """The report, with links to the run's and the sources' pages."""
    if figures.finished:
        title = localize("The run of %(slot)s UTC has finished", slot=figures.slot)
    else:
        title = localize("The run of %(slot)s UTC has not finished", slot=figures.slot)
    lines = [one_line(line) for line in _lines(figures)]
    values: dict[str, object] = {
        "title": escape_text(title),
        "summary": escape_text(", ".join(_mail_counts(figures))),
        "lines": [escape_text(line) for line in lines],
        "text_lines": [wrap(line, INDENT) for line in lines],
        "title_lines": wrap(title),
        "run": figures.run,
        "run_url": run_url,
        "sources_url": sources_url,
    }
    return render_mail("run-report", values, service)


def _mail_counts(figures: RunFigures) -> Iterator[str]:
    yield localize("%(count)s sent", count=format_number(figures.sent))
    if figures.deferred:
        yield localize("%(count)s deferred", count=format_number(figures.deferred))
    if figures.rejected:
        yield localize("%(count)s rejected", count=format_number(figures.rejected))
    if figures.uncertain:
        yield localize("%(count)s uncertain", count=format_number(figures.uncertain))
    if figures.waiting:
        yield localize("%(count)s waiting", count=format_number(figures.waiting))


def _lines(figures: RunFigures) -> Iterator[str]:
    yield localize("Mails: %(counts)s.", counts=", ".join(_mail_counts(figures)))
    papers = localize_plural("%(n)s paper in all mails.", "%(n)s papers in all mails.", figures.papers)
    yield papers
    if figures.skipped:
        yield localize_plural(
            "%(n)s subscriber had nothing new.", "%(n)s subscribers had nothing new.", figures.skipped
        )
    yield localize("Duration: %(time)s.", time=format_duration(figures.seconds))
    if figures.late_sources:
        sources = ", ".join(f"{name} ({localize(state)})" for name, state in figures.late_sources[:MAX_SOURCES])
        yield localize("Sources in trouble: %(sources)s.", sources=sources)
    else:
        yield localize("All sources are on time.")
    if figures.notice:
        yield figures.notice
