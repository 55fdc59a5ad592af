"""Classifies returned mail. Pure, bounded in time and memory, and without errors for malformed mail."""

from digest.mail.bounces.bounce_kinds import AUTO_REPLY, COMPLAINT, HARD, OTHER, POLICY, SOFT, UNSUBSCRIBE
from digest.mail.bounces.classifier import ClassifiedMessage, classify_message
from digest.mail.bounces.delivery_attribution import Attribution, AttributionKeys

__all__ = [
    "AUTO_REPLY",
    "COMPLAINT",
    "HARD",
    "OTHER",
    "POLICY",
    "SOFT",
    "UNSUBSCRIBE",
    "Attribution",
    "AttributionKeys",
    "ClassifiedMessage",
    "classify_message",
]
