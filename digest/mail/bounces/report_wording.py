"""Patterns for the wording of failure reports by mail servers. Each phrase is a regular expression.

They find a report and its address. Why it failed (mailbox full, no such address, in any language):
`mail/smtp/refusal_wording.py`.
"""

from __future__ import annotations

import re


def any_of(*phrases: str, before: str = "", after: str = "") -> re.Pattern[str]:
    """A pattern that matches any of these phrases between `before` and `after`, in upper or lower case."""
    return re.compile(f"{before}(?:{'|'.join(phrases)}){after}", re.IGNORECASE | re.MULTILINE)


FAILURE = any_of(
    r"undeliver|not delivered|unable to deliver|failed to deliver",
    r"(?:could|can|did|was|were|has|have)(?: ?n['’]t| ?not|not) (?:yet )?(?:be |been )?(?:deliver|reach|receive)",
    r"deliver\w* (?:has |have |had )?(?:failed|failure|error|problems?)",
    r"delivery (?:status|failure|to the following|attempts?|agent|error)",
    r"fatal errors|returned mail|returning message|permanent(?:ly)? (?:fail|error)",
    r"failed (?:recipient|address)|failure notice|has been (?:delayed|rejected)|was (?:automatically )?rejected",
    r"no puede ser entregado|no pudo|non remis|nicht zugestellt|unzustellbar|не может быть доставлено|無法|无法",
)

FAILURE_SUBJECT = any_of(
    r"re: .*(?:\(delivery failed\)|non remis)",
    r"undeliver|non-?delivery|unzustellbar|nicht zugestellt|mancato recapito|échec|не доставлено",
    r"mail system error|mail (?:delivery )?(?:failed|failure|error|problem)|mail delivery",
    r"mail (?:could )?not (?:be )?delivered|no se (?:puede|pudo) entregar",
    r"delivery (?:failure|status|report|notification|has failed|problem)|permanent delivery",
    r"returned (?:mail|to sender)|failure (?:notice|delivery)|failed mail|processing error",
    r"(?:(?:your|the) )?(?:message|e-?mail|mail)s? (?:was |could |couldn['’]t |has |were )?(?:status|undeliver|not|be "
    r"delivered|rejected|returned|blocked)|there was an error sending|.{0,40}\b(?:undeliverable|not delivered)|"
    r"message (?:delivery|delayed|not)|delayed mail|automatically rejected|warning: ",
    before=r"(?:\[\w+\] *)?",
)

DELAYED = any_of(
    r"not yet been delivered|has been (?:delayed|postponed)|still being retried|will be retried",
    r"delivery attempts will continue|no action is required on your part|this is (?:just )?a warning",
)

RETURNED = any_of(
    r"original message (?:follows|header|details|attached)|(?:this|below|here) is (?:a copy|your returned)",
    r"--- ?(?:below|start of returned|returned mail|header)|included is a copy|-- ?the header",
    r"---+ ?(?:original|forwarded) message|message text follows|your message reads",
    r"reporting-mta:|return-path: <|received: from ",
    before=r"^.{0,20}",
)
