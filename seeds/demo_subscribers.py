"""The demo's subscribers, one of each kind, with the values of their sign-up form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoSubscriber:
    """A demo subscriber. `description`: the kind in words; the other fields are those of the sign-up form."""

    name: str
    description: str
    topics: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    time_zone: str = "Europe/Berlin"
    send_at: str = "07:00"
    paused: bool = False
    subscribes_late: bool = False

    @property
    def address(self) -> str:
        """The address in the demo's domain."""
        return f"{self.name}@digest.example"


DEMO_SUBSCRIBERS = (
    DemoSubscriber(
        "ada",
        "keywords",
        topics=("offline reinforcement learning", "sample complexity", "linear function approximation"),
    ),
    DemoSubscriber(
        "boole",
        "boolean query",
        topics=(
            '("differential privacy" OR "differentially private") AND optimiz*',
            "ti:diffusion ANDNOT text-to-image",
        ),
        time_zone="Europe/London",
    ),
    DemoSubscriber("curie", "followed author", topics=("policy gradient",), authors=("Niao He", "Yingbin Liang")),
    DemoSubscriber("darwin", "category only", categories=("math.OC",), time_zone="America/New_York"),
    DemoSubscriber(
        "emmy",
        "exclusion",
        topics=("reinforcement learning", "stochastic optimization"),
        exclusions=("multi-agent", "bandit*"),
        time_zone="Europe/Paris",
    ),
    DemoSubscriber("fermat", "no topics: trending", time_zone="America/Chicago"),
    DemoSubscriber("gauss", "paused", topics=("reinforcement learning",), paused=True),
    DemoSubscriber(
        "hopper", "subscribes late: welcome", topics=("KV cache", "large language models"), subscribes_late=True
    ),
)
