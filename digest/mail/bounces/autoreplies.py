"""Detects automatic replies and challenges (RFC 3834), and requests to unsubscribe."""

from __future__ import annotations

from digest.mail.bounces.bounce_kinds import AUTO_REPLY, UNSUBSCRIBE, Detection
from digest.mail.bounces.parsed_message import ParsedMessage
from digest.mail.bounces.report_wording import any_of
from digest.mail.bounces.sender_type import is_machine

_AUTOREPLY_HEADERS = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Auto-Reply-From",
    "X-Mail-Autoreply",
    "X-Vacation",
)
_PREFIX = r"(?:(?:re|aw|fwd?|sv|antw|odp|rif|vs)\s*:\s*)*"

_AUTOREPLY_SUBJECT = any_of(
    r"\[?auto(?:matic|mated)?[- ]?(?:reply|response)\]?|out[- ]of[- ](?:the[- ])?office|ooo\b",
    r"(?:on )?vacation|away from|i am (?:away|out)",
    r"automatische antwort|abwesen\w*|nicht im büro|automatisch antwoord|afwezig\w*",
    r"réponse automatique|absence|absent|risposta automatica|fuori (?:sede|ufficio)",
    r"respuesta automática|fuera de (?:la )?oficina|resposta automática|ausência|ausente",
    r"automatiskt svar|frånvaro\w*|autosvar|fravær\w*|automaattinen vastaus|poissa\w*",
    r"automatyczna odpowiedź|nieobecn\w*|automatická odpověď",
    r"автоответ|автоматический ответ|отсутств\w*",
    r"自動応答|自動返信|不在|自动回复|自動回覆|부재중|자동 회신",
    before=_PREFIX,
)

_CHALLENGE = any_of(
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

_UNSUBSCRIBE_SUBJECT = any_of(rf"{_POLITE_PREFIX}{_UNSUBSCRIBE}", before=_PREFIX, after=r"(?: \S{20,200})?[\s.!]*")
_UNSUBSCRIBE_LINE = any_of(
    rf"{_POLITE_PREFIX}{_UNSUBSCRIBE}{_FROM}", before=r"(?:(?:hi|hello)[,!. ]+)?", after=rf"[\s,.!]*{_THANKS}[\s.!]*"
)

_QUOTED_LINE = any_of(
    r">|-{2,}|_{5,}|on .{5,200} wrote:|am .{5,200} schrieb|le .{5,200} a écrit|from: |von: |sent from ", before=r"\s*"
)


def detect_autoreply(mail: ParsedMessage) -> Detection | None:
    """An automatic reply; None for any other mail."""
    submitted = mail.header("Auto-Submitted").lower()
    if submitted.startswith("auto-replied") or _has_autoreply_header(mail):
        return Detection(AUTO_REPLY)
    subject = mail.header("Subject")
    if _AUTOREPLY_SUBJECT.match(subject) or (_CHALLENGE.search(subject) and not mail.header("List-Id")):
        return Detection(AUTO_REPLY)
    return None


def _has_autoreply_header(mail: ParsedMessage) -> bool:
    precedence = (mail.header("Precedence") or mail.header("X-Precedence")).lower()
    return precedence.replace("-", "_") == "auto_reply" or any(mail.header(name) for name in _AUTOREPLY_HEADERS)


def detect_unsubscribe_request(mail: ParsedMessage) -> Detection | None:
    """A mail to the List-Unsubscribe address, or a reply that asks for nothing else; None for any other mail."""
    if is_machine(mail) or mail.header("List-Id"):
        return None
    if _UNSUBSCRIBE_SUBJECT.fullmatch(mail.header("Subject")) or _UNSUBSCRIBE_LINE.fullmatch(_unquoted_text(mail.text)):
        return Detection(UNSUBSCRIBE, (mail.sender,))
    return None


def _unquoted_text(text: str) -> str:
    """The text above the quotation in one line; '' where it is too long to be only a request."""
    lines: list[str] = []
    for line in text[:4000].splitlines():
        if _QUOTED_LINE.match(line):
            break
        lines.append(line.strip())
    words = " ".join(" ".join(lines).split())
    return words if len(words) <= 160 else ""
