"""Which of a profile's matches its limits admit, and slots for the topics that stand in titles."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from digest.matching.profile import Match, Profile
from digest.matching.scoring.parameters import TITLE_SLOTS


class OrderedMatches(Protocol):
    """Matches by their place in the order."""

    def __len__(self) -> int:
        """How many they are."""

    def match(self, place: int) -> Match:
        """The match at a place."""

    def title_topics(self, place: int) -> frozenset[int]:
        """The topics that hold for the paper at a place and stand in its title."""


def within_limits(profile: Profile, matches: OrderedMatches) -> list[Match]:
    """At most `limit` papers, at most a topic's cap for each; no topic in a title left out.

    Papers of followed authors are always admitted, and count towards the limit.

    A topic that stands in titles but in none that fits, or in one where there is room for two, takes the last slot of
    a topic that has several: docs/MATCHING.md, "Selection".
    """
    selection = _SlotSelection(profile, matches)
    selection.fill()
    if len(profile.topics) > 1 and len(selection.places) < len(matches):
        selection.give_slots()
    return [selection.places[place] for place in sorted(selection.places)]


class _SlotSelection:
    """Matches that fit, by place. `used`: slots by topic; `titles`: by topic the papers that have it in the title."""

    def __init__(self, profile: Profile, matches: OrderedMatches) -> None:
        self._profile, self._matches = profile, matches
        self.places: dict[int, Match] = {}
        self._used: Counter[int] = Counter()
        self._titles: Counter[int] = Counter()

    def fill(self) -> None:
        """Take the matches in their order."""
        for place in range(len(self._matches)):
            match = self._matches.match(place)
            if not match.followed:
                if len(self.places) >= self._profile.limit:
                    return  # followed authors come first
                if self._is_full(match.topic):
                    continue
                self._used[match.topic] += 1
            self.places[place] = match

    def give_slots(self) -> None:
        """Exchange papers for those of topics with too few: topic by topic, each its first paper that fits."""
        in_title = [self._matches.title_topics(place) for place in range(len(self._matches))]
        self._titles.update(topic for place in self.places for topic in in_title[place])
        for slot in range(1, _title_slots(self._profile) + 1):
            for topic in range(len(self._profile.topics)):
                if self._titles[topic] < slot:
                    self._give_slot(topic, slot, in_title)

    def _give_slot(self, topic: int, slot: int, in_title: list[frozenset[int]]) -> None:
        """Exchange a paper for the first one of a topic that fits."""
        for place, topics in enumerate(in_title):
            if topic in topics and place not in self.places and self._exchange(place, slot, in_title):
                return

    def _exchange(self, place: int, slot: int, in_title: list[frozenset[int]]) -> bool:
        """Give a paper the last slot of a topic that has several. False if none can go.

        Papers stay without which a topic would have fewer than `slot` in titles.
        """
        match = self._matches.match(place)
        for other in sorted(self.places, reverse=True):
            former = self.places[other]
            if former.followed or self._used[former.topic] < 2 or any(self._titles[t] <= slot for t in in_title[other]):
                continue
            if former.topic != match.topic and self._is_full(match.topic):
                continue
            self._used.subtract((former.topic,))
            self._used.update((match.topic,))
            self._titles.subtract(in_title[other])
            self._titles.update(in_title[place])
            del self.places[other]
            self.places[place] = match
            return True
        return False

    def _is_full(self, topic: int) -> bool:
        """True where a topic has as many papers as its cap admits."""
        cap = self._profile.topics[topic].cap if topic >= 0 else None
        return cap is not None and self._used[topic] >= cap


def _title_slots(profile: Profile) -> int:
    """How many papers with it in the title each topic gets: two where there is room for two of each, else one."""
    topic_count = sum(not topic.muted for topic in profile.topics)
    return max(1, min(TITLE_SLOTS, profile.limit // max(1, topic_count)))
