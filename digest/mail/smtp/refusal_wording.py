"""Wording of mail servers by cause of a refusal. One pattern family a cause; each phrase is a regular expression.

Patterns run over text in lower case without addresses, host names and URLs (`refusal_cause.plain_words`), so that
the name of a mailbox or host is never taken for a reason. `BLOCKLISTS` alone runs over text that still has host names.
"""

from __future__ import annotations

import re


def _any_of(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases))


# The gap between two words of one statement; a full stop ends the statement.
_NEAR = r"[^.;]{0,40}"
_SHORT = r"[^.;]{0,20}"
_DENIED = (
    r"(?:reject\w*|refus\w*|den(?:y|ied)|block\w*|bann\w*|disallow\w*|not (?:allowed|permitted|accepted|"
    r"authori[sz]ed)|"
    r"prohibit\w*|restrict\w*)"
)
_REFUSED = rf"(?:{_DENIED}|fail\w*)"
_NO_SUCH = (
    r"(?:unknown|un-?recogni[sz]ed|non-?exist(?:ent|ing|ant)|undefined|invalid|incorrect|mis-?spelled|"
    r"(?:not|n['’]?t)(?: be| been)? (?:\w+ )?(?:found|known|exist\w*|recogni[sz]ed|listed|valid|registered|located|"
    r"have an? \w+|match\w*|a known|in (?:our|my|the)|on (?:our|my|this)|handled)|"
    r"(?:doesn|isn|aren|wasn|couldn)['’]?t (?:\w+ )?(?:exist|found|known|valid|have)|no longer|has left|never logged)"
)
_RECIPIENT = (
    r"(?:user ?(?:id|name|s)?|recipients?|addressees?|addr(?:esse?s?)?|mail[ -]?box(?:es)?|accounts?|person|"
    r"(?<!domain )(?<!host )names?|employee|staff member|student|member|rcpt|"
    r"e-?mail|inbox|destination|local[ -]?part|customer|alias|mail ?drop|group|receiver|forward-path)"
)
SENDER_NAMED = re.compile(
    r"\bsender\b|\bmail from\b|return[ -]path|absender|expéditeur|remitente|mittente|отправител|发件人|差出人"
)
# Hedged wording: the writer does not know what happened.
HEDGED = _any_of(
    r"\b(?:may|might|maybe|perhaps|possibly|probably)\b|möglicherweise|eventuell|peut[- ]être|il se peut|"
    r"pourrait|puede que|"
    r"es posible|quizá|potrebbe|forse|talvez|possível|possivelmente|mogelijk|misschien|kanske|måske|kanskje|"
    r"ehkä|lehet|"
    r"\bmoże|možná|olabilir|возможно|вероятно|может|можливо|ймовірно|可能|かもしれ|수 있습니다",
)
_HOST = r"(?:hosts?|domains?|host ?name|mx|name ?server|exchanger)"
_SENDER = (
    r"(?:sender(?:['’]s)?|mail from|from[: ]{1,2}(?:address|header|domain|line)|envelope[ -](?:from|sender)|"
    r"return[ -]path|originator|reverse[ -]path|sending (?:domain|address)|"
    r"expéditeur|emetteur|émetteur|absender\w*|remitente|mittente|remetente|afzender|nadawc\w*|avsändar\w*|"
    r"отправител\w*|发件人|发送者|寄件人|差出人|送信者|発信者)"
)

RELAY = _any_of(
    rf"relay\w*{_NEAR}{_REFUSED}",
    rf"{_REFUSED}{_SHORT}(?:to |for |open )?relay",
    r"(?:not|n['’]?t|no|cannot|never|unable to|un-?authori[sz]ed|we) (?:\w+ ){0,2}relay",
    r"relay (?:not|access)|rcpthosts|not (?:a|an open|my) gateway|(?:mail )?relaying is",
    r"(?:domain|host) (?:\w+ ){0,2}(?:is )?not (?:a )?(?:local|hosted|handled|served)",
    r"relais (?:refus|interdit|non autoris)|relay(?:ing)? (?:nicht|verweigert|no permitido|negado|non consentito)",
)
AUTHENTICATION = _any_of(
    r"(?:smtp[ -]?)?auth(?:entication|enticate|orization)?\b"
    r"[^.;]{0,30}(?:required|needed|first|must|enabled?|unsuccessful|invalid|mechanism)",
    r"(?:must|please|need to|required to|turn on) (?:\w+ ){0,4}(?:authenticat\w*|smtp auth\w*|log ?in)",
    r"(?:user ?name|password|credentials?) (?:\w+ ){0,3}(?:not accepted|invalid|incorrect|rejected|wrong)",
    r"\bauth failed|authentication (?:credentials|failed|failure|error)|bad (?:user ?name|password|credentials)|"
    r"starttls (?:command )?first|requires (?:smtp )?auth\w*",
    r"encryption (?:is )?required|authentifi\w+ (?:\w+ )?(?:requise|nécessaire)|anmeldung erforderlich",
)
# SPF, DKIM, DMARC and ARC: Gmail 5.7.26, Exchange Online 5.7.23 and 5.7.509, Yahoo, Apple.
DOMAIN_AUTHENTICATION = _any_of(
    r"\b(?:dmarc|spf|dkim|arc|sender[ -]?id)\b",
    r"un-?authenticated|authentication (?:checks|information|results)|(?:not|n['’]?t) (?:be )?authenticated",
    r"sender policy framework|domainkeys",
)
SENDER = _any_of(
    rf"{_SENDER}{_NEAR}(?:{_REFUSED}|{_NO_SUCH}|verif\w*|not verified|resolv\w*|no mx|null mx|reputation|"
    r"unbekannt|existiert|ungültig|nicht|abgelehnt|gesperrt|inconnu|invalide|non autoris|inexist\w*|rechazad\w*|"
    r"desconocid\w*|"
    r"rifiutat\w*|sconosciut\w*|rejeitad\w*|geweigerd|odrzucon\w*|отклон\w*|запрещ\w*|не существует|не найден|"
    r"不存在|拒绝|拒否)",
    rf"(?:{_REFUSED}|unknown|invalid|bad|unroute?able|verify|verification of|un-?verified|unrouteable|"
    rf"un-?resolvable|forged|spoofed|"
    rf"illegal|blacklisted|no permission for) (?:\w+ ){{0,2}}{_SENDER}",
    r"(?:permission|permitted|authori[sz]ed|allowed)s? to send (?:as|mail|e-?mails?|messages?|from|using|on behalf)",
    r"verify mail ?from|mail ?from is mismatched|send as (?:this|denied)|on behalf of|own(?:ed)? (?:by user|"
    r"the address)|domain of (?:the )?sender|"
    r"(?:sender|callback) (?:address )?(?:callout|setup)|verify (?:the )?(?:return|sender)|dns check failed|"
    r"your (?:e-?mail )?(?:address|domain|account|"
    r"organi[sz]ation)\b"
    rf"{_NEAR}(?:{_REFUSED}|suspended|disabled|locked)",
)
BLOCKLISTS = _any_of(
    r"spamhaus|spamcop|spamrats|barracuda ?(?:central|reputation|networks)|\bsorbs\b|uceprotect|invaluement|"
    r"mailspike|"
    r"senderscore|cloudmark|proofpoint\.com/|ipcheck|backscatterer|nixspam|abusix|abuseat|\bcbl\.|\bpsbl\b|"
    r"surbl|\buribl|"
    r"\b(?:zen|sbl|xbl|pbl|dnsbl|rbl|bl|bsb|cbl)\.[a-z]|senderbase|trendmicro|njabl|dsbl",
)
# About the host that sends. With codes of Outlook.com (SC-001), Yahoo (TSS), AOL (RLY:B1), QQ and 163 (RP:RDN).
CLIENT = _any_of(
    r"(?<!may be )(?:black|block|deny|reject|ban)[ -]?list|\bdnsbl\b|\brbl\b|\bs3140\b|reputation",
    rf"(?:client|ip(?: address| range|v[46])?|source|sending (?:mta|server|host|ip|network)|connecting|"
    rf"host network|your (?:\w+ )?(?:ip|host|server|network|mta|mail ?server|address))\b{_NEAR}"
    rf"(?:{_REFUSED}|listed|limit|bad|poor|dynamic|residential|unusual)",
    r"connections?\b[^.;]{0,20}(?:reject\w*|denied|block\w*|bann\w*|not (?:allowed|permitted|accepted)|limit)",
    rf"{_REFUSED} (?:\w+ ){{0,3}}(?:ip\b|client|source|connection|your (?:ip|host|server|network))",
    r"reverse[ -]?(?:dns|lookup|host ?name|mapping|resolution|path lookup|map)|\br?dns (?:entry|record|ptr)|"
    r"\bptr\b|\brdns\b|"
    r"no (?:host name|hostname) for|cannot find your|hostname lookup|(?:fcrdns|forward.confirmed)|"
    r"(?:could not|cannot|unable to) (?:\w+ )?resolve (?:your|client|ip|the (?:ip|host))",
    rf"\b(?:helo|ehlo)\b{_NEAR}(?:{_REFUSED}|invalid|not|bad|must|mismatch|syntax|fqdn|resolv\w*)|"
    rf"(?:{_REFUSED}|invalid|bad) (?:\w+ ){{0,2}}(?:helo|ehlo)",
    r"liste noire|sperrliste|schwarze[nr]? liste|lista n(?:egra|era)|ч[её]рн\w+ спис|黑名单|ブラックリスト|"
    r"adresse ip\b|\[?tss\d\d\]?|\boub?[0-9]|dynamic (?:ip|address|host)|banned sending|suspicious (?:ip|"
    r"activity|host)|"
    r"reverse (?:name|look-?up)\b|no reverse\b|mismatch\w* (?:\w+ )?(?:client|ip)|"
    r"my name was rejected|(?:server|relay|gateway) of your (?:isp|provider)|"
    r"your isp\b|no (?:smtp|mail) service here",
    r"\b(?:you|your \w+(?: address)?) (?:are|is|has been|have been) (?:blocked|banned|black ?listed|blocklisted)|"
    r"not allowed to (?:connect|send)|\( ?:blocked\)|unfortunately, (?:some )?messages from|a problem occurred|"
    r"\b(?:sc|dy|ou|rp)-00\d|\brp:[a-z]{3}\b|\b(?:rly|rtr|hvu|dyn|con):[a-z0-9]{2}\b|too many unknown|"
    r"no access from|(?:is|are) (?:on|in) our (?:\w+ )?list|synchroni[sz]ation error|protocol (?:violation|"
    r"error)|sender ip\b|(?:block|black)listing|"
    r"(?:mails?|messages?|traffic) from (?:your |this |that )(?:\w+ )?(?:ip|host|server|network|mta|address)\b",
)
_OUR_QUOTA = r"(?:sending|daily|hourly|outgoing|outbound|relay|send|messages?|smtp|per[ -](?:hour|day|minute))"
QUOTA = _any_of(
    rf"(?:{_OUR_QUOTA}|your(?! (?:mail ?box|inbox|disk))) (?:\w+ )?(?:quota|limits?)\b(?! set by){_SHORT}"
    r"(?:exceed\w*|reach\w*|over|used|hit|$)",
    rf"(?:exceed\w*|reach\w*|over|hit)\b{_SHORT}{_OUR_QUOTA}[ -](?:\w+ )?(?:quota|limit|rate)",
    r"max\w* (?:e-?mails|messages) per|unusual sending activity|"
    r"(?:plan|subscription|billing|payment|credits?)\b" + _NEAR + r"(?:expired|exceeded|exhausted|required|overdue)",
)
RATE = _any_of(
    r"rate[ -]?limit\w*|throttl\w*|(?:sending|delivery|message|mail|connection|receiv\w+) (?:rate|frequency)|"
    r"frequency (?:is )?limit\w*|unusual rate|gr[ae]ylist\w*",
    r"too (?:many|much|fast|frequent)\b"
    + _NEAR
    + r"(?:message|mail|connection|session|recipient|error|sent|concurrent|"
    r"request|command|smtp|from|transaction|fast)",
    r"max\w* (?:number of )?(?:\w+ )?(?:connections|sessions|messages|mails|recipients) |"
    r"concurrent (?:connection|session)|"
    r"connections? limit",
)
# Mailing lists and groups: GNU Mailman, LISTSERV, Google Groups.
POSTING = _any_of(
    r"only (?:\w+ )?(?:subscribers|members) (?:may|can|are)|permission to post|"
    r"(?:accept\w*|allow\w*)\b[^.;]{0,20} posts?\b|"
    r"not (?:a member(?! of (?:the )?domain)|subscribed)|non-?members?|to post to (?:this|"
    r"the) (?:mailing )?(?:list|group)",
)
SPAM = _any_of(
    r"\bspam(?:my|ming|med|mers?)?\b|unsolicited|\bube\b|\buce\b|bulk (?:e-?)?mail|\bjunk\b|phish\w*|malware|"
    r"\bvirus(?:es)?\b|infected|"
    r"trojan|malicious|suspicious|(?:message|mail|content)\b"
    + _NEAR
    + r"(?:scored|unacceptable|undesirable)|reject, id=|"
    r"spam-?verdacht|垃圾邮件|スパム|迷惑メール|спам|pourriel|prohibited (?:attachment|file)",
)
SIZE = _any_of(
    r"(?:message|mail|content|size|body|length|attachment|data|letter)\b(?: (?!queue)[\w,'’()-]+){0,6} "
    r"(?:too (?:large|big|long)|exceed\w*[^.;]{0,30}(?:size|limit|maximum|length)|over(?:size| max\w*)|larger than)",
    r"(?:exceed\w*|maximum|max)\b[^.;]{0,30}(?:message |mail |file )?(?:size|length)|size (?:limit|exceed\w*)|"
    r"\b(?:file|message) (?:too|size) ?(?:big|large)?|zu groß|trop (?:volumineux|grand)",
)
CONTENT = _any_of(
    r"(?:content|attachments?|header|mime|encoding|message|body|subject)\b"
    + _SHORT
    + r"(?:reject\w*|not (?:allowed|accepted|"
    r"permitted|compliant|acceptable)|malformed|invalid|missing|duplicate|forbidden|prohibited|blocked|refused|"
    r"filter\w*)",
    r"rfc ?\d{3,4}|(?:8-?bit|bare (?:lf|cr)|line (?:is )?too long|non-?compliant|(?:invalid|missing|multiple|"
    r"duplicate|bad) "
    r"(?:\w+ ){0,2}header)|smtputf8|internationali[sz]ed|conversion (?:required|not)",
)
# A rule of the receiver refused the mail: outweighs a status about the address.
RULE = _any_of(
    r"(?:due to|because of|for|by|violat\w+|violation of|against|local|security|content|spam)"
    r"\b[^.;]{0,20} polic(?:y|ies)|"
    r"polic(?:y|ies) (?:reasons?|violation|restrictions?|rejection|error)|(?:content|message|delivery) (?:is )?denied|"
    r"(?:deliver\w*) not authori[sz]ed|sensitive words|not allowed to (?:mail|write to)|rejected aup|\breject by\b|"
    r"not accept (?:e-?mail|mail|messages) from|only accept\w* (?:\w+ )?(?:mail|messages) from|senderfilter|"
    r"message refused|\bno permit\b|(?:mail|"
    r"message)? ?data refused|domain is not allowed|forgery|due to abuse|"
    r"(?:mail|message) \S+ is rejected|invalid data|\bdenied \[",
)
POLICY = _any_of(
    r"polic(?:y|ies)|security|administrative(?:ly)?|access (?:is )?(?:denied|restricted|not|refused)|violat\w*|"
    r"complian\w*|"
    r"un-?authori[sz]ed|not authori[sz]ed|not (?:accepted|allowed|permitted) (?:for|by|from|due|to)|prohibited|"
    r"forbidden|"
    r"permission denied|no permission|rejected (?:for|due|because|by (?:the |your )?(?:filter|rule|admin))|"
    r"local reasons|"
    rf"transaction failed|(?:message|mail|transaction|delivery) (?:was |has been |is )?(?:{_DENIED})|restricted|"
    rf"cannot accept (?:mail|messages?)",
)
# Also what local delivery agents write: maildrop, Cyrus, procmail, mail.local.
FULL = _any_of(
    r"(?:mail ?box|inbox|account|folder|user|recipient|maildir|mailfolder|disk|store|storage|quota|box)\b[^.;:]{0,50}"
    r"(?:full\b|exceed\w*|over[ -]?quota|over (?:its|the|the maximum|allocated|disk|storage|limit)|"
    r"out of (?:space|storage)|limit|overflow|insufficient|no space)",
    r"(?:over|exceed\w*|exeed\w*|exhausted|reached|out of|beyond|"
    r"used up)\b[^.;]{0,30}(?:quota|storage|disk ?space|mailbox size)|"
    r"quota (?:exceeded|violation)",
    r"(?:disk ?|space )(?:is )?not enough|(?:insufficient|not enough|no) (?:disk |storage |mailbox )?(?:space|"
    r"storage|quota)|"
    r"error writing message|cannot (?:append|update|access) (?:message to )?(?:destination file|mail ?box)|"
    r"full mailbox|mailbox (?:is )?(?:at|over)|exceeded storage allocation|overquota|(?:maximum|"
    r"too many) messages (?:allowed|in|on|stored)",
    r"(?:boîte|boite|postfach|buz[oó]n|casella|caixa|skrzynka|ящик|メールボックス|信箱|邮箱)[^.;]{0,60}"
    r"(?:pleine|voll|lleno|llena|piena|cheia|pełna|переполнен|満杯|いっぱい|已满|满|超)",
)
# RFC 3463, 3.4: X.3.2 is about the host of the mailbox, which is down, overloaded or maintained.
HOST_CLOSED = _any_of(
    r"\b(?:system|server|host|service|mx|relay|gateway|node)(?: is)?(?: \w+ly)? not(?: \w+ly)? accepting "
    r"(?:network |any |new |more )?(?:mail|messages|e-?mails)\b(?! (?:for|to) (?:this|the|that|your))"
)
# Exchange Online's wording, with 5.4.1, for an address in no directory; elsewhere it is a rule of Postfix.
NOT_IN_DIRECTORY = re.compile(r"recipient address rejected: access denied")
NO_ADDRESS = _any_of(
    r"(?:not|n['’]?t)(?: be)? (?:able to )?(?:find|locate) (?:the |that |any |a )?(?:\w+ )?(?:user|recipient|"
    r"mail ?box|address)|"
    r"(?:address|mail ?box|account) (?:\w+ )?no longer (?:accepts?|receives?|exists?|used|active|available)",
    rf"{_RECIPIENT}\b[^.;]{{0,50}}\b{_NO_SUCH}",
    rf"{_RECIPIENT}:? {_NO_SUCH}",
    rf"(?:unknown|invalid|no such|bad|non-?existent|nonexisting|not an? (?:valid|known)|un-?recogni[sz]ed|illegal|"
    rf"un-?deliverable|unroute?able|unrouteable|no valid|wrong|incorrect|not our) (?:\w+ ){{0,2}}{_RECIPIENT}",
    r"(?:no|not any) (?:mail ?box|user|account|recipient|one|customer|address|person|mail ?box(?:es)?)\b[^.;]{0,20}"
    r"(?:here|by th(?:at|is) name|found|called|with|matching|under|on this|available for|for this|exists?|"
    r"known|listed)|user (?:is )?not local|not (?:our|my) (?:customer|user|account)",
    r"(?:do(?:es)?(?: not|n['’]?t)) have (?:an?|any) [^.;]{0,40}(?:account|mail ?box|user)|"
    r"there is no (?:\w+ )?(?:user|account|mailbox|address|one)",
    r"not (?:listed|found|present) in (?:\w+ ){0,4}(?:director|address book|table|names|maps?|database)|"
    r"no longer (?:works|employed|at|with)",
    r"(?:ex)?recipnotfound|adr\.\w*notfound|unrouteable|unroutable|"
    r"can['’]?t create output|"
    r"is not an? (?:user|mail ?box|account|recipient|address)\b|not have a final e-?mail delivery|"
    r"i cannot deliver mail for|command rcpt (?:\w+ )?not ok|"
    r"no such (?:id\b|mailing list)|recipient is not allowed|"
    r"no valid recipients|tenant or domain not found|^mail ?box unavailable|"
    r"(?:mailbox|user|address|recipient)[ _-]?(?:not[ _-]?found|unknown|does not exist)|vrfy failed|"
    rf"not a member of (?:the )?domain|{_RECIPIENT} (?:could not|cannot|can['’]?t) be verified|"
    rf"{_RECIPIENT} path no exist|"
    r"requested action not taken: mailbox (?:unavailable|not (?:found|available))|resolver\.\w+\.\w*not\w*found",
    r"no (?:\w+ )?such (?:\w+ ){0,2}(?:person|user|mailbox|address|account|recipient)|address (?:does|"
    r"did) not resolve|^\W*(?:address|recipient|user|mail ?box) rejected\W*$|"
    r"account (?:or domain )?may not exist|(?:has|have) moved|moved (?:to|permanently)|address (?:has )?changed|"
    r"(?:user|account|mail ?box|address)\b[^.;]{0,40}\b(?:deleted|removed|erased|cancell?ed)|"
    r"(?:address|spelling|recipient)\b[^.;]{0,10} (?:is |seems )?(?:wrong|misspelt)|nobody (?:by|with|called|here)",
)
NO_ADDRESS_TRANSLATED = _any_of(
    r"n['’]existe p(?:as|lus)|inconnue?\b|destinataire\w* (?:invalide|inexistant)|adresse destinataire invalide|"
    r"existiert nicht|unbekannt|nicht (?:gefunden|vorhanden|bekannt)|empfänger ungültig|"
    r"kein (?:solches |gültiges )?(?:postfach|benutzer|konto|empfänger)",
    r"no existe|desconocid[oa]|no (?:se )?encontr\w+|inexistente|não existe|nao existe|desconhecid[oa]|"
    r"não encontrad[oa]|"
    r"non esiste|sconosciut[oa]|inesistente|non trovat[oa]|bestaat niet|onbekend|niet gevonden",
    r"nie istnieje|nie ma takiego|"
    r"nieznany|neexistuje|neznámý|finns inte|okänd|findes ikke|finnes ikke|ukendt|ukjent|ei (?:ole|"
    r"löydy)|tuntematon|"
    r"bulunamad\w|mevcut değil|nem létez\w+|ismeretlen|nu există",
    r"не существует|не найден\w*|неизвестн\w+|нет такого|не зарегистрирован|не існує|不存在|查无此|无此用户|"
    r"無此|找不到|"
    r"存在しま|使われており?ま?せん|使われていま|使用されていま|"
    r"存在しない|見つかりません|宛先不明|ありません|존재하지|없는 (?:사용자|계정)|찾을 수 없",
)
LOOKUP_FAILED = _any_of(
    r"(?:not found|error|failed|failure)[,;:]? (?:please )?try again|temporar\w+ (?:name|dns|lookup|resolution)|"
    r"(?:dns|lookup|name ?(?:service|server)|resolution|resolving)\b[^;]{0,60}(?:temporar\w+|servfail|"
    r"time(?:d)?[ -]?out)",
)
NO_DOMAIN = _any_of(
    r"no route found to domain|indicated no smtp service|look-?ups? failed permanently|(?:not|"
    r"n['’]?t)(?: be)? able to find (?:the |any |a )?"
    r"(?:\w+ )?(?:domain|host)|(?:could|can|did|was) ?(?:not|n['’]?t) (?:find|locate|resolve) (?:the |any |"
    r"a )?(?:\w+ )?"
    r"(?:domain|host|mail exchanger)",
    rf"{_HOST}\b[^.;:]{{0,30}}(?:unknown|not (?:be )?found|{_NO_SUCH}|nxdomain|does(?: not|n['’]?t) (?:accept|"
    rf"receive|take))",
    rf"(?:unknown|no such|invalid|non-?existent|illegal|bad|unrouteable|"
    rf"un-?resolvable) (?:mail )?(?:destination )?(?:{_HOST})",
    r"\bnxdomain\b|null ?mx|(?:does(?: not|n['’]?t)|never) (?:accept|receive)s? (?:any )?(?:e-?)?mail\b(?! from)|"
    r"no (?:mail exchanger|mail ?server|mx|usable mx|valid mx|relevant answers?|mail hosts?)"
    r"\b(?! servers? (?:respon|rea))|"
    r"(?:do(?:es)?(?: not|n['’]?t)) handle (?:e-?)?mail for|name or service not known|"
    r"host not found(?!, try)|domain (?:name )?not found|couldn['’]?t find (?:any|a) host|"
    r"not a (?:valid )?host ?name|"
    r"all relevant mx records point to",
)
# The server says that the mailbox exists, but is disabled: outweighs a status of 5.1.1.
DISABLED = _any_of(
    rf"{_RECIPIENT}\b[^.;]{{0,50}}\b(?:disabled?|in-?active|suspended|de-?activated|frozen|locked|on hold|archived|"
    r"discontinued|not (?:yet )?(?:active|activated|enabled)|is over|overloaded|expired account)\b",
    rf"{_RECIPIENT} (?:is |was |has been |been )?(?:administratively )?(?:closed|blocked|expired)\b",
    rf"\b(?:disabled|in-?active|suspended|de-?activated|locked|frozen|archived)[ -]?{_RECIPIENT}\b|"
    r"no longer (?:active|valid|enabled)|several matches found|not unique|suppression list|"
    r"has suppressed sending|previously bounced|"
    r"no recipient activity|should log in to|temporarily (?:locked|limited|suspended|in-?active)",
    r"(?:konto|account|compte|cuenta|conta|boîte|boite|учётная запись|учетная запись|ящик|帐号|账号|"
    r"アカウント)[^.;]{0,40}"
    r"(?:gesperrt|deaktiviert|désactiv|desactiv|bloqu|archiv|suspend|desativad|zablokowan|заблокирован|отключен|"
    r"冻结|停用|禁用|停止)",
)
# The mailbox may be disabled, gone, or only busy.
UNAVAILABLE = _any_of(
    rf"{_RECIPIENT}\b[^.;]{{0,50}}(?:closed|blocked|expired|unavailable|not (?:available|accepting)|"
    r"refus\w+ (?:to accept|mail)|temporarily|terminated|restricted)",
    rf"\b(?:closed|over-?quota) (?:\w+ )?{_RECIPIENT}",
    r"not accepting (?:mail|messages|e-?mails)|rejected by (?:the )?(?:recipient|user)\b(?! domain)|"
    r"recipient (?:\w+ ){0,3}(?:refused|rejects|filter)|over (?:the )?receiving",
)
EXPIRED = _any_of(
    r"(?:time|delivery|retry|message|envelope|queue|period)\b[^.;]{0,30}(?:expired|time(?:d)?[ -]?out|exceeded)|"
    r"too old|timed out|"
    r"giv(?:e|ing|en) up (?:on|after)?|retry time(?:out)?|multiple (?:retries|attempts)|(?:failed|"
    r"after) \d+ attempts|"
    r"(?:last|past|within) \d+ (?:second|hour|day|minute)s?|queue\.expired|still being retried|"
    r"attempts? (?:have )?failed",
)
LOOP = _any_of(
    r"best-preference mx|too many hops|(?:mail|routing|forwarding|message) loop\w*|"
    r"loops? (?:back|detected)|hop count|maximum hop|"
    r"(?:mail )?loop(?:ed|ing)?\b",
)
NETWORK = _any_of(
    r"no (?:answer|response|route|reply) (?:from|to)|connection\b[^.;]{0,20}(?:refused|timed out|reset|lost|"
    r"closed|dropped|failed|"
    r"terminated|broken)|lost connection|(?:could not|couldn['’]?t|unable to|cannot|can['’]?t|failed to|not|"
    r"being unable to) "
    r"(?:\w+ ){0,2}(?:connect|contact|reach|establish)|network (?:is )?(?:unreachable|error|down)|"
    r"host (?:\w+ ){0,2}(?:down|unreachable)|"
    r"did not accept our requests to connect|no route|(?:name (?:server|service)|dns)\b[^.;]{0,30}(?:error|"
    r"failure|time|temporary)|"
    r"try again|sorry, i (?:wasn['’]t|was not) able to establish|host unreachable|broken pipe|ssl|tls",
)
SYSTEM = _any_of(
    r"(?:internal|system|server|local|configuration|software|i/o|input/output|fatal|mailer|unexpected|delivery) "
    r"(?:\w+ )?(?:error|failure|problem)|temporar\w+|resources|(?:service|"
    r"server) (?:currently )?(?:not available|unavailable|busy)|"
    r"(?:disk|file ?system|spool)\b|deferred|lookup fail\w*|maintenance|command (?:died|failed|output)|"
    r"status \d+|exit(?:ed)?\b",
)
