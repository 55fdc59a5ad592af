"""What a returned mail means: pure, within bounds, and without an error whatever it is given."""

from digest.deliver.bounce.judging import Judgement, judge
from digest.deliver.bounce.kinds import AUTO_REPLY, COMPLAINT, HARD, OTHER, POLICY, SOFT, UNSUBSCRIBE
from digest.deliver.bounce.origin import Origin, Seal

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
