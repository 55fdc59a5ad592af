"""What was read from a library, and what it suggests, as JSON for the API and the command line."""

from __future__ import annotations

from typing import Any

from digest.services.preview.library_topic_suggestions import LibraryReport
from digest.services.subscriptions.library_resolution import ResolvedLibrary


def library_json(library: ResolvedLibrary) -> dict[str, Any]:
    """The counts and problems of a library as JSON."""
    return {
        "format": library.form,
        "entries": library.total,
        "known": library.stored_count,
        "repeated": library.repeated,
        "left_out": library.left_out,
        "unknown": list(library.unknown),
        "awaited": [entry.identifier for entry in library.awaited],
        "problems": [
            {
                problem.unit: problem.position,
                "key": problem.key,
                "reason": problem.reason % {"detail": problem.detail},
                "lost": problem.is_lost,
            }
            for problem in library.problems
        ],
    }


def report_json(report: LibraryReport) -> dict[str, Any]:
    """A library with the topics that it suggests as JSON."""
    topics = [
        {
            "topic": topic.text,
            "in_library": topic.in_library,
            "per_day": round(topic.per_day, 2),
            "example": topic.example.title if topic.example else None,
        }
        for topic in report.topics
    ]
    return library_json(report.library) | {"topics": topics, "per_day": round(report.per_day, 2)}
