"""What a returned mail means: pure, within bounds, and without an error whatever it is given."""

from digest.mail.bounces.bounce_kinds import AUTO_REPLY, COMPLAINT, HARD, OTHER, POLICY, SOFT, UNSUBSCRIBE
from digest.mail.bounces.classifier import Judgement, judge
from digest.mail.bounces.delivery_attribution import Origin, Seal

__all__ = [
    "AUTO_REPLY",
    "COMPLAINT",
    "HARD",
    "OTHER",
    "POLICY",
    "SOFT",
    "UNSUBSCRIBE",
    "Judgement",
    "Origin",
    "Seal",
    "judge",
]
