"""What epochs made of profiles: who is still to be calibrated, and the words that stand in for likes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Text, cast, func, select, text, update
from sqlmodel import Session, SQLModel, col

from digest.db.core.column_reads import collected
from digest.db.core.dialect import among
from digest.models import Subscriber, Threshold
from digest.models.subscriber import ACTIVE

Words = tuple[tuple[str, int], ...]
_KEEP = text(
    "INSERT INTO threshold (profile_id, epoch_id, tau, assumed) VALUES (:profile, :epoch, :tau, :assumed) "
    "ON CONFLICT (profile_id, epoch_id) DO UPDATE SET assumed = excluded.assumed"
)


def assumed(session: Session, epoch_id: int, profiles: Iterable[int]) -> dict[int, Words]:
    """The words that stand in for likes, by profile version, for those that have some in this epoch."""
    statement = select(col(Threshold.profile_id), col(Threshold.assumed)).where(
        col(Threshold.epoch_id) == epoch_id, among(session, col(Threshold.profile_id), list(profiles))
    )
    found = session.execute(statement)
    return {int(profile): tuple((str(stem), int(n)) for stem, n in words) for profile, words in found if words}


def standing(session: Session, epoch_id: int, profiles: Iterable[int]) -> dict[int, tuple[int | None, bool]]:
    """τ of each profile version that has one in this epoch, and whether some words stand in for likes."""
    threshold = SQLModel.metadata.tables["threshold"].c
    words = func.length(cast(threshold.assumed, Text)) > len("null")
    given = (threshold.profile_id, func.coalesce(threshold.tau, -1), words)
    statement = select(*[collected(session, one) for one in given]).where(
        threshold.epoch_id == epoch_id, among(session, threshold.profile_id, list(profiles))
    )
    numbers, taus, some = session.execute(statement).one()
    told = zip(numbers or (), taus or (), some or (), strict=True)
    return {number: (None if tau < 0 else tau, bool(words)) for number, tau, words in told}


def keep(session: Session, epoch_id: int, made: Mapping[int, tuple[int | None, Words]]) -> None:
    """Store τ and words of profile versions; a τ that stands already stays."""
    rows = [
        {"profile": number, "epoch": epoch_id, "tau": tau, "assumed": json.dumps(words)}
        for number, (tau, words) in sorted(made.items())
    ]
    if rows:
        session.execute(_KEEP, rows)


def keep_taus(session: Session, epoch_id: int, taus: Mapping[int, int | None]) -> None:
    """Store thresholds of an epoch; those that stand already stay."""
    put = "INSERT INTO threshold (profile_id, epoch_id, tau)"
    if session.get_bind().dialect.name == "postgresql":
        rows = (
            "SELECT profile, :epoch, tau FROM unnest(CAST(:profiles AS integer[]), CAST(:taus AS integer[]))"
            " AS given (profile, tau)"
        )
        given: Any = {"profiles": [*taus], "taus": [*taus.values()], "epoch": epoch_id}
    else:
        rows = "VALUES (:profile, :epoch, :tau)"
        given = [{"profile": number, "epoch": epoch_id, "tau": tau} for number, tau in taus.items()]
    if taus:
        said = text(f"{put} {rows} ON CONFLICT DO NOTHING")
        session.execute(said, given)


def copy(session: Session, before: int, after: int) -> None:
    """A new profile version of which epochs would make the same: nothing that decides it changed."""
    session.execute(
        text(
            "INSERT INTO threshold (profile_id, epoch_id, tau, assumed) "
            "SELECT :after, epoch_id, tau, assumed FROM threshold WHERE profile_id = :before ON CONFLICT DO NOTHING"
        ),
        {"before": before, "after": after},
    )


def forget(session: Session, profile: int) -> None:
    """Nothing is assumed of a profile version any more; a later epoch may assume something again."""
    session.execute(update(Threshold).where(col(Threshold.profile_id) == profile).values(assumed=[]))


def waiting(session: Session, epoch_id: int, first: int, last: int) -> list[int]:
    """Profile versions of active readers with these numbers that the epoch has not been calibrated for."""
    wanted = _waiting(epoch_id).where(col(Subscriber.id).between(first, last))
    return [int(number) for number in session.execute(wanted.order_by(col(Subscriber.id))).scalars()]


def parts(session: Session, epoch_id: int, size: int, most: int) -> list[tuple[int, int]]:
    """The first parts of readers with such profiles: first and last number of each. A part's bounds never change."""
    part = (col(Subscriber.id) // size).label("part")
    statement = _waiting(epoch_id).with_only_columns(part).distinct().order_by(part).limit(most)
    return [(size * int(n), size * int(n) + size - 1) for n in session.execute(statement).scalars()]


def _waiting(epoch_id: int) -> Any:
    done = select(col(Threshold.profile_id)).where(
        col(Threshold.epoch_id) == epoch_id,
        col(Threshold.profile_id) == col(Subscriber.profile_id),
        col(Threshold.assumed).is_not(None),
    )
    return select(col(Subscriber.profile_id)).where(
        col(Subscriber.state) == ACTIVE, col(Subscriber.profile_id).is_not(None), ~done.exists()
    )
