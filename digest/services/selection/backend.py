"""What selects papers: two back ends of one interface, which give the same results.

`ReferenceBackend` needs no preparation; `EngineBackend` compiles and loads machine code first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from sqlmodel import Session

from digest.compose.edition import Content, StoredContent
from digest.matching.profile import Profile
from digest.matching.scoring.bm25 import Weights
from digest.services.catalog.announcements import AnnouncementDay
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.edition_sections import SelectionRequest


class ProfileCache(Protocol):
    """A cache of a shard's compiled profiles."""

    def is_compiled(self, version: int) -> bool:
        """True where this profile version is compiled."""

    def needs_profile(self, version: int) -> bool:
        """True where the profile must be read from the database."""


class SelectionBackend(Protocol):
    """Selects papers for requests, and computes thresholds for profiles."""

    def choose(self, session: Session, pool: CandidatePool, requests: Sequence[SelectionRequest]) -> list[Content]:
        """The edition of each request."""

    def choose_stored(
        self,
        session: Session,
        pool: CandidatePool,
        requests: Sequence[SelectionRequest],
        cache: ProfileCache | None = None,
    ) -> Iterator[StoredContent]:
        """The edition of each request as it is stored, with the measured signals of its papers; in batches."""

    def thresholds(
        self,
        session: Session,
        days: Sequence[AnnouncementDay],
        weights: Weights,
        profiles: Mapping[int, Profile],
        cache: ProfileCache | None = None,
    ) -> list[int | None]:
        """τ of each profile, in their order, from these announcements; None where they are too few."""


class CompiledBackend(SelectionBackend, Protocol):
    """A back end with compiled profiles and an index of each day."""

    def open_cache(self, session: Session, name: str, max_profiles: int) -> ProfileCache:
        """The cache of a shard's compiled profiles, by name."""

    def index_day(self, session: Session, day: AnnouncementDay) -> None:
        """Index an announcement, unless it is indexed."""
