"""The tables. They don't validate: what comes from outside passes a schema of its own first."""

from digest.models.delivery import AdminToken, Audit, Bounce, Delivery, DomainPause, Lease
from digest.models.edition import Edition, Run, Shard
from digest.models.paper import (
    Announcement,
    AuthorFigure,
    Batch,
    Epoch,
    Novelty,
    Paper,
    PaperKey,
    PaperVersion,
    Reject,
    Signal,
)
from digest.models.source import SourceDay, SourceState
from digest.models.subscriber import (
    AccountRequest,
    Attempt,
    Consent,
    Feedback,
    ProfileVersion,
    SignUpRequest,
    Subscriber,
    Suppression,
    Threshold,
)

__all__ = [
    "AccountRequest",
    "AdminToken",
    "Announcement",
    "Attempt",
    "Audit",
    "AuthorFigure",
    "Batch",
    "Bounce",
    "Consent",
    "Delivery",
    "DomainPause",
    "Edition",
    "Epoch",
    "Feedback",
    "Lease",
    "Novelty",
    "Paper",
    "PaperKey",
    "PaperVersion",
    "ProfileVersion",
    "Reject",
    "Run",
    "Shard",
    "SignUpRequest",
    "Signal",
    "SourceDay",
    "SourceState",
    "Subscriber",
    "Suppression",
    "Threshold",
]
