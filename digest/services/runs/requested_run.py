"""A run that somebody requests: the slots that are due or those of a date, and a rehearsal that changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.runs import runs
from digest.errors import BadInput
from digest.models import Audit, Subscriber
from digest.models.edition import CANCELLED, PAUSED
from digest.models.types import stored_id
from digest.queues import Enqueue
from digest.services.runs import run_planning


@dataclass(frozen=True, slots=True)
class RequestedSlot:
    """A slot of a request. `subscribers`: those who have no edition of it yet; `run_id`, `state`: of its run, if any.

    `waits`: its papers are not stored yet, so the scheduler starts it later. `starts`: its editions are built now.
    """

    slot: datetime
    subscribers: int
    run_id: int | None
    state: str
    waits: bool
    starts: bool


def rehearse(day: date | None, *, subscriber_id: int | None = None) -> list[RequestedSlot]:
    """The slots of a request, and which of them `start` would start.

    Raises BadInput for a date too far ahead, or where there is no subscriber.
    """
    _require_subscriber(subscriber_id)
    return _slots(run_planning.count_by_slot(day, only=subscriber_id), is_due=day is None)


def count_papers(day: date | None, *, subscriber_id: int) -> int:
    """How many papers a run would choose for one subscriber now."""
    return sum(len(choice.content.entries) for choice in run_planning.dry_run(day, only=subscriber_id))


def start(day: date | None, *, subscriber_id: int | None, actor: str, enqueue: Enqueue) -> list[RequestedSlot]:
    """Start the runs of the slots that are due, or of all slots of a date; audited. Repeating it sends nothing twice.

    The workers build the editions and send them. Raises BadInput as `rehearse` does.
    """
    _require_subscriber(subscriber_id)
    counts = run_planning.count_by_slot(day, only=subscriber_id)
    if day is None:
        run_ids = run_planning.plan_due(enqueue, only=subscriber_id)
    else:
        run_ids = run_planning.plan_day(day, only=subscriber_id)
    slots = _slots(counts, is_due=day is None, planned_ids=frozenset(run_ids))
    with transaction() as session:
        detail = {"runs": len(run_ids), "subscribers": subscribers_started(slots)}
        detail |= {} if subscriber_id is None else {"subscriber": subscriber_id}
        session.add(Audit(at=clock.now(), actor=actor, action="start run", detail=detail))
        shards = [pair for run_id in run_ids for pair in runs.open_shards(session, run_id)]
    if day is not None:  # those of due slots were enqueued when they were planned
        for run_id, number in shards:
            enqueue.freeze(run_id, number)
    return slots


def subscribers_started(slots: Iterable[RequestedSlot]) -> int:
    """How many subscribers the slots that start have: those who get an edition, or nothing where no paper is new."""
    return sum(slot.subscribers for slot in slots if slot.starts)


def _slots(
    counts: Mapping[datetime, int], *, is_due: bool, planned_ids: Collection[int] | None = None
) -> list[RequestedSlot]:
    """The slots with their runs. `planned_ids`: the runs that were started; None before."""
    now = clock.now()
    slots = []
    with reading() as session:
        for slot in sorted(counts):
            run = runs.run_at_slot(session, slot)
            run_id, state = (None, "") if run is None else (stored_id(run), run.state)
            waits = is_due and run_planning.waits_for_papers(session, slot, now)
            can_start = not waits and state not in {PAUSED, CANCELLED}
            starts = can_start if planned_ids is None else run_id in planned_ids
            slots.append(RequestedSlot(slot, counts[slot], run_id, state, waits, starts))
    return slots


def _require_subscriber(subscriber_id: int | None) -> None:
    if subscriber_id is None:
        return
    with reading() as session:
        if session.get(Subscriber, subscriber_id) is None:
            raise BadInput(f"subscriber: there is no subscriber {subscriber_id}", field="subscriber")
