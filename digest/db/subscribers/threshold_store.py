"""Thresholds of close matches by profile version and epoch, and the profile versions still to be calibrated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import case, func, select, text
from sqlmodel import Session, SQLModel, col

from digest.db.core.column_reads import read_column
from digest.db.core.dialect import in_values
from digest.models import ProfileVersion, Subscriber, Threshold
from digest.models.subscriber import ACTIVE


class ProfileThreshold(NamedTuple):
    """τ of a profile version in an epoch. `has_contexts`: close papers need the context of a topic as well."""

    tau: int | None = None
    has_contexts: bool = False


def stored_thresholds(session: Session, epoch_id: int, profile_ids: Iterable[int]) -> dict[int, ProfileThreshold]:
    """The threshold of each profile version that was calibrated for this epoch."""
    threshold = SQLModel.metadata.tables["threshold"].c
    columns = (
        threshold.profile_id,
        func.coalesce(threshold.tau, -1),
        case((threshold.has_contexts, 1), else_=0),
    )
    statement = select(*[read_column(session, column) for column in columns]).where(
        threshold.epoch_id == epoch_id, in_values(session, threshold.profile_id, list(profile_ids))
    )
    rows = zip(*(values or () for values in session.execute(statement).one()), strict=True)
    return {profile_id: ProfileThreshold(None if tau < 0 else tau, bool(flag)) for profile_id, tau, flag in rows}


def thresholds_of_subscriber(session: Session, subscriber_id: int) -> list[tuple[int, int, int | None]]:
    """The thresholds of a subscriber's profiles, oldest first: (number of the profile version, epoch, τ)."""
    statement = (
        select(col(ProfileVersion.number), col(Threshold.epoch_id), col(Threshold.tau))
        .join(ProfileVersion, col(ProfileVersion.id) == col(Threshold.profile_id))
        .where(col(ProfileVersion.subscriber_id) == subscriber_id)
        .order_by(col(Threshold.id))
    )
    return [(number, epoch_id, tau) for number, epoch_id, tau in session.execute(statement)]


def store_thresholds(session: Session, epoch_id: int, thresholds: Mapping[int, ProfileThreshold]) -> None:
    """Store thresholds of an epoch; existing ones stay."""
    insert = "INSERT INTO threshold (profile_id, epoch_id, tau, has_contexts)"
    if session.get_bind().dialect.name == "postgresql":
        rows = (
            "SELECT profile, :epoch, tau, has_contexts FROM unnest(CAST(:profiles AS integer[]),"
            " CAST(:taus AS integer[]), CAST(:contexts AS boolean[])) AS given (profile, tau, has_contexts)"
        )
        taus, contexts = [row.tau for row in thresholds.values()], [row.has_contexts for row in thresholds.values()]
        parameters: Any = {"profiles": [*thresholds], "taus": taus, "contexts": contexts, "epoch": epoch_id}
    else:
        rows = "VALUES (:profile, :epoch, :tau, :has_contexts)"
        parameters = [{"profile": number, "epoch": epoch_id, **row._asdict()} for number, row in thresholds.items()]
    if thresholds:
        statement = text(f"{insert} {rows} ON CONFLICT DO NOTHING")
        session.execute(statement, parameters)


def copy_threshold(session: Session, from_profile: int, to_profile: int) -> None:
    """Copy the thresholds of one profile version to a new one that differs only in settings that do not affect them."""
    session.execute(
        text(
            "INSERT INTO threshold (profile_id, epoch_id, tau, has_contexts) "
            "SELECT :after, epoch_id, tau, has_contexts FROM threshold WHERE profile_id = :before "
            "ON CONFLICT DO NOTHING"
        ),
        {"before": from_profile, "after": to_profile},
    )


def uncalibrated_versions(session: Session, epoch_id: int, first_id: int, last_id: int) -> list[int]:
    """Profile versions of active subscribers with ids from `first_id` to `last_id` without a threshold of the epoch."""
    statement = _uncalibrated(epoch_id).where(col(Subscriber.id).between(first_id, last_id))
    return [int(profile_id) for profile_id in session.execute(statement.order_by(col(Subscriber.id))).scalars()]


def uncalibrated_parts(session: Session, epoch_id: int, size: int, max_parts: int) -> list[tuple[int, int]]:
    """Id ranges (first, last) of subscribers with such profiles, the first ones. A part's bounds never change."""
    part = (col(Subscriber.id) // size).label("part")
    statement = _uncalibrated(epoch_id).with_only_columns(part).distinct().order_by(part).limit(max_parts)
    return [
        (size * int(part_number), size * int(part_number) + size - 1)
        for part_number in session.execute(statement).scalars()
    ]


def _uncalibrated(epoch_id: int) -> Any:
    thresholds = select(col(Threshold.profile_id)).where(
        col(Threshold.epoch_id) == epoch_id,
        col(Threshold.profile_id) == col(Subscriber.profile_id),
    )
    return select(col(Subscriber.profile_id)).where(
        col(Subscriber.state) == ACTIVE, col(Subscriber.profile_id).is_not(None), ~thresholds.exists()
    )
