"""What an action on the preferences page did, as a short code in the address of the page that is shown then.

The action answers with a redirect to it, so that neither a reload nor going back acts again (RFC 9110, 15.4.4). A code,
because a text in an address could be anybody's, and a cookie would follow people who only read.
"""

from __future__ import annotations

import re

from digest.errors import N_
from digest.i18n import localize, localize_plural

SAVED = "saved"
PAPERS_REMOVED = "papers-removed"  # with a number
_TEXTS = {
    SAVED: N_("Saved."),
    "return": N_("You are subscribed again."),
    "leave": N_("You are unsubscribed."),
    "pause": N_("The mail is paused."),
    "resume": N_("The pause is over."),
    "send-now": N_("Your newest edition is on its way."),
    "unlike": N_("The like is removed."),
    **dict.fromkeys(("export", "erase", "change-address"), N_("Check your inbox: a link for this is on its way.")),
}
_NUMBERED = re.compile(rf"{PAPERS_REMOVED}-([0-9]{{1,6}})")


def numbered_code(code: str, number: int) -> str:
    """A code with the number that its text names."""
    return f"{code}-{number}"


def notice_text(code: str) -> str:
    """The text of a code; '' for an unknown one."""
    numbered = _NUMBERED.fullmatch(code)
    if numbered:
        return localize_plural("%(n)s paper removed.", "%(n)s papers removed.", int(numbered[1]))
    return localize(_TEXTS[code]) if code in _TEXTS else ""
