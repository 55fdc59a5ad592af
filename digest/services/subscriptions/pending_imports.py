"""Keeps imported papers between the start page, which suggests topics from them, and the sign-up."""

from __future__ import annotations

import json
import re
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.subscribers import pending_imports as store
from digest.errors import N_, BadInput
from digest.matching.profile import Examples, Profile
from digest.services.subscriptions import example_papers
from digest.services.subscriptions.example_papers import ExampleEntry

MAX_ABSTRACT = 1_500  # characters that are kept of a paper that is not stored here
EXPIRED = N_("the imported papers are no longer kept; import them again")
_TOKEN = re.compile(r"[\w-]{32}")


@dataclass(frozen=True, slots=True)
class PendingPapers:
    """Papers of an import, and their terms for matching."""

    examples: tuple[ExampleEntry, ...]
    terms: Examples | None

    @property
    def stored_papers(self) -> frozenset[int]:
        """The ids of those that are stored here."""
        return frozenset(entry.paper_id for entry in self.examples if entry.paper_id is not None)


def bounded_papers(examples: Sequence[ExampleEntry]) -> PendingPapers:
    """The papers as they can be kept, with their terms."""
    bounded = tuple(
        ExampleEntry(example.title, example.abstract[:MAX_ABSTRACT], example.identifier, example.paper_id)
        for example in examples
    )
    return PendingPapers(bounded, example_papers.terms_of_entries(bounded))


def keep_import(papers: PendingPapers) -> str:
    """Keep the papers for a day. Returns the token to find them by."""
    value = {
        "examples": [astuple(example) for example in papers.examples],
        "terms": Profile(examples=papers.terms).to_json().get("examples"),
    }
    token = secrets.token_urlsafe(24)
    with transaction() as session:
        store.add_import(session, token, zlib.compress(json.dumps(value).encode()), now=clock.now())
    return token


def pending_papers(token: str) -> PendingPapers:
    """The papers of an import; none without a token. Raises BadInput for one that expired or never was."""
    if not token:
        return PendingPapers((), None)
    content = None
    if _TOKEN.fullmatch(token):
        with reading() as session:
            content = store.content_of(session, token, now=clock.now())
    if content is None:
        raise BadInput(EXPIRED, field="library")
    value = json.loads(zlib.decompress(content))
    terms = Examples.from_json(value["terms"]) if value["terms"] else None
    return PendingPapers(tuple(ExampleEntry(*example) for example in value["examples"]), terms)
