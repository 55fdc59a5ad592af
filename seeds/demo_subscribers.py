"""The demo's subscribers, one of each kind, with the values of their sign-up form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reader:
    """A demo subscriber. `description`: the kind in words; the other fields are those of the sign-up form."""

    name: str
    says: str
    topics: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    time_zone: str = "Europe/Berlin"
    send_at: str = "07:00"
    paused: bool = False
    late: bool = False

    @property
    def address(self) -> str:
        """The address in the demo's domain."""
        return f"{self.name}@digest.example"


READERS = (
    Reader(
        "ada",
        "keywords",
        topics=("offline reinforcement learning", "sample complexity", "linear function approximation"),
    ),
    Reader(
        "boole",
        "boolean query",
        topics=(
            '("differential privacy" OR "differentially private") AND optimiz*',
            "ti:diffusion ANDNOT text-to-image",
        ),
        time_zone="Europe/London",
    ),
    Reader("curie", "followed author", topics=("policy gradient",), authors=("Niao He", "Yingbin Liang")),
    Reader("darwin", "category only", categories=("math.OC",), time_zone="America/New_York"),
    Reader(
        "emmy",
        "exclusion",
        topics=("reinforcement learning", "stochastic optimization"),
        exclusions=("multi-agent", "bandit*"),
        time_zone="Europe/Paris",
    ),
    Reader("fermat", "no topics: trending", time_zone="America/Chicago"),
    Reader("gauss", "paused", topics=("reinforcement learning",), paused=True),
    Reader("hopper", "subscribes late: welcome", topics=("KV cache", "large language models"), late=True),
)
