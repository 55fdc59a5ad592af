"""Counts attempts to send, and how long they took, for /metrics. Stored at the end of each pass."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from digest.db.outbox.deliveries import ClaimedDelivery, DeliveryResult
from digest.db.reporting.metric_counters import LabelPairs
from digest.models.delivery import DEFERRED, REJECTED, SENT, UNCERTAIN

# Names of stored counters; digest.web.api.metrics adds the prefix and the unit.
ATTEMPTS, SMTP_SECONDS, DELIVERY_LAG = "delivery_attempts", "smtp_duration", "delivery_lag"
SMTP_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds, upper bounds
LAG_BUCKETS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 14_400.0, 86_400.0)
BUCKETS: Mapping[str, tuple[float, ...]] = {SMTP_SECONDS: SMTP_BUCKETS, DELIVERY_LAG: LAG_BUCKETS}
BUCKET_LABEL, SUM_LABEL = "le", "sum"
WITHHELD = "withheld"  # the outcome where the mail must not be sent: cancelled or suppressed
_OUTCOMES = frozenset({SENT, DEFERRED, REJECTED, UNCERTAIN})


class SendMetrics:
    """The counters of one pass. Not thread-safe."""

    def __init__(self) -> None:
        self._counters: Counter[tuple[str, LabelPairs]] = Counter()
        self._seconds: dict[tuple[str, LabelPairs], float] = {}

    def count_results(self, results: Sequence[DeliveryResult]) -> None:
        """Count attempts by outcome and by the class of the server's reply: 2xx, 4xx, 5xx or none."""
        for result in results:
            outcome = result.state if result.state in _OUTCOMES else WITHHELD
            self._counters[ATTEMPTS, (("outcome", outcome), ("reply", reply_class(result.reply)))] += 1

    def observe_attempt(self, delivery: ClaimedDelivery, state: str, seconds: float, now: datetime) -> None:
        """Observe how long an SMTP dialogue took; for a mail that was sent, also how long it had been queued."""
        self._observe(SMTP_SECONDS, seconds)
        if state == SENT:
            self._observe(DELIVERY_LAG, max((now - delivery.created_at).total_seconds(), 0.0))

    def increments(self) -> dict[tuple[str, LabelPairs], float]:
        """What to add to the stored counters."""
        return {**self._counters, **self._seconds}

    def _observe(self, name: str, value: float) -> None:
        bounds = (*BUCKETS[name], math.inf)
        bound = bounds[bisect_left(bounds, value)]
        self._counters[name, ((BUCKET_LABEL, format_bound(bound)),)] += 1
        sum_key = (name, ((SUM_LABEL, ""),))
        self._seconds[sum_key] = self._seconds.get(sum_key, 0.0) + value


def reply_class(reply: str) -> str:
    """`2xx`, `4xx` or `5xx`; `none` where the server sent no valid reply."""
    return f"{reply[0]}xx" if reply[:3].isdecimal() and reply[:1] in "245" else "none"


def format_bound(bound: float) -> str:
    """The upper bound of a bucket as Prometheus writes it."""
    return "+Inf" if bound == math.inf else repr(bound)
