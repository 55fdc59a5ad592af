"""How long a domain rests after it has refused us, or our own server has refused its mail because of us.

In a session the first such refusal pauses the domain: a permanent one about us, or a temporary one that lasts a day
(`smtp/reply_outcome.py`, `state_transitions.py`). Reports that arrive by mail pause it from the second address on
(`services/bounces/policy_reports.py`). A server that refuses many domains alike: `relay_refusals.py`.
"""

from __future__ import annotations

from datetime import timedelta

from digest.mail.smtp.reply_outcome import SendOutcome

POLICY_PAUSE = timedelta(hours=4)  # of a domain that refuses us by policy
RELAY_PAUSE = timedelta(minutes=30)  # of a domain for which our own server refuses us (relaying, sender, quota)


def domain_pause(outcome: SendOutcome) -> timedelta:
    """How long the recipient's domain is paused after this outcome."""
    return RELAY_PAUSE if outcome.by_our_server else POLICY_PAUSE
