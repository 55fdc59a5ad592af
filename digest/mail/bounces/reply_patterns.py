"""Patterns for the wording of mail servers and replies. Each phrase is a regular expression."""

from __future__ import annotations

import re


def _any_of(*phrases: str, before: str = "", after: str = "") -> re.Pattern[str]:
    return re.compile(f"{before}(?:{'|'.join(phrases)}){after}", re.IGNORECASE | re.MULTILINE)


FAILURE = _any_of(
    r"undeliver|not delivered|unable to deliver|failed to deliver",
    r"(?:could|can|did|was|were|has|have)(?: ?n['’]t| ?not|not) (?:yet )?(?:be |been )?(?:deliver|reach|receive)",
    r"deliver\w* (?:has |have |had )?(?:failed|failure|error|problems?)",
    r"delivery (?:status|failure|to the following|attempts?|agent|error)",
    r"fatal errors|returned mail|returning message|permanent(?:ly)? (?:fail|error)",
    r"failed (?:recipient|address)|failure notice|has been (?:delayed|rejected)|was (?:automatically )?rejected",
    r"no puede ser entregado|no pudo|non remis|nicht zugestellt|unzustellbar|не может быть доставлено|無法|无法",
)

FAILURE_SUBJECT = _any_of(
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

DELAYED = _any_of(
    r"not yet been delivered|has been (?:delayed|postponed)|still being retried|will be retried",
    r"delivery attempts will continue|no action is required on your part|this is (?:just )?a warning",
)

RETURNED = _any_of(
    r"original message (?:follows|header|details|attached)|(?:this|below|here) is (?:a copy|your returned)",
    r"--- ?(?:below|start of returned|returned mail|header)|included is a copy|-- ?the header",
    r"---+ ?(?:original|forwarded) message|message text follows|your message reads",
    r"reporting-mta:|return-path: <|received: from ",
    before=r"^.{0,20}",
)

PREFIX = r"(?:(?:re|aw|fwd?|sv|antw|odp|rif|vs)\s*:\s*)*"

AUTOREPLY_SUBJECT = _any_of(
    r"\[?auto(?:matic|mated)?[- ]?(?:reply|response)\]?|out[- ]of[- ](?:the[- ])?office|ooo\b",
    r"(?:on )?vacation|away from|i am (?:away|out)",
    r"automatische antwort|abwesen\w*|nicht im büro|automatisch antwoord|afwezig\w*",
    r"réponse automatique|absence|absent|risposta automatica|fuori (?:sede|ufficio)",
    r"respuesta automática|fuera de (?:la )?oficina|resposta automática|ausência|ausente",
    r"automatiskt svar|frånvaro\w*|autosvar|fravær\w*|automaattinen vastaus|poissa\w*",
    r"automatyczna odpowiedź|nieobecn\w*|automatická odpověď",
    r"автоответ|автоматический ответ|отсутств\w*",
    r"自動応答|自動返信|不在|自动回复|自動回覆|부재중|자동 회신",
    before=PREFIX,
)

CHALLENGE = _any_of(
    r"(?:please )?(?:confirm|verify|validate) (?:your|that you|this) (?:message|e-?mail|sent|are human|address)",
    r"(?:your )?(?:message|e-?mail)\b.{0,60}"
    r"(?:requires? verification|awaiting (?:approval|verification)|needs? to be confirmed)",
    r"challenge[- ]response|boxtrapper|spam ?arrest|tmda",
)

_POLITE_PREFIX = r"(?:please |pls |kindly |bitte |i (?:want|would like) to )?"
_UNSUBSCRIBE = (
    r"(?:unsubscribe|opt[ -]?out|remove me|take me off|stop|abmelden|abbestellen|austragen|désabonn\w+|desuscrib\w+|"
    r"cancelar suscripción|darme de baja|baja|uitschrijven|disiscri\w+|отписаться|отписка|退订|配信停止)(?: me)?"
)
_FROM = r"(?: from)?(?: (?:this|the|your|all))?(?: (?:e-?)?(?:mail(?:ing)?s?|list|digest|newsletter))*"
_THANKS = r"(?:thanks?|thank you|danke|merci|gracias)?"

UNSUBSCRIBE_SUBJECT = _any_of(rf"{_POLITE_PREFIX}{_UNSUBSCRIBE}", before=PREFIX, after=r"(?: \S{20,200})?[\s.!]*")
UNSUBSCRIBE_LINE = _any_of(
    rf"{_POLITE_PREFIX}{_UNSUBSCRIBE}{_FROM}", before=r"(?:(?:hi|hello)[,!. ]+)?", after=rf"[\s,.!]*{_THANKS}[\s.!]*"
)

QUOTED_LINE = _any_of(
    r">|-{2,}|_{5,}|on .{5,200} wrote:|am .{5,200} schrieb|le .{5,200} a écrit|from: |von: |sent from ", before=r"\s*"
)
