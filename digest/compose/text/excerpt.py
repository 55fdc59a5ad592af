"""Choose the sentences of an abstract that state what the paper did.

A linear score over the sentences: each cue that matches adds its weight, position breaks ties. The weights were set by
reading excerpts of real abstracts; there is no hidden state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from digest.compose.text.highlighting import WordPattern
from digest.compose.text.sentences import sentences
from digest.compose.text.text_wrapping import shorten

TARGET_LENGTH, MAX_LENGTH = 220, 330  # characters: sentences are added up to TARGET_LENGTH, never past MAX_LENGTH
MAX_PIECE_LENGTH = 160  # characters of a sentence that is added for its matched words
MIN_LENGTH = 110  # a shorter excerpt gets the next sentence, whatever that says
_MAX_SENTENCES = 40  # sentences that are scored

_ADVERB = r"(?:(?:here|also|first|then|further|thus|therefore|hence|jointly|will|\w+ly)[, ]+){0,2}"
_STATES = (
    "propos|introduc|present|develop|devis|design|construct|build|built|establish|prov|deriv|show|demonstrat|"
    "investigat|stud|analy[sz]|examin|explor|evaluat|compar|report|describ|provid|releas|formulat|extend|"
    "generali[sz]|"
    "characteri[sz]|address|tackl|conduct|perform|offer|unif|argu|benchmark|implement|creat|identif|review|survey|"
    "revisit|consider|reformulat|contribut|estimat|measur|use|utili[sz]|leverag|apply|appli|adapt|combin|"
    "employ|quantif|"
    "comput|calculat|obtain|discover|detect|find|found|give|observ|train|fine-tun|collect|curat|model|adopt|solv|"
    "improv|outlin|discuss|test|search|suggest|take|aim|seek|ask|focus|document|systemati[sz]|assess|put|advanc|look|rethink|"
    "reveal|integrat|simulat|determin|constrain|infer|fit|select|assembl|open-sourc|learn|make|made|achiev|"
    "complement|map|trac|probe|confirm|cast|pioneer|bring|expand|enabl|bridg|fill|exploit|synthesi[sz]|"
    "augment|predict|optimi[sz]|reduc|approximat|choos|pos|analys|reconstruct|carr|bound|count|refin|classif|monitor|"
    "updat|captur|produc|interpret|defin|start|uncover|formali[sz]|instantiat|enhanc|pre-?train|distil|equip|catalog|decompos|disentangl|tailor"
)
_DOCUMENT = (
    "paper|work|study|article|letter|manuscript|note|thesis|dissertation|report|survey|review|chapter|contribution|"
    "research|tutorial|investigation|essay|monograph|position paper"
)
_NOUN = rf"{_DOCUMENT}|approach|project|dataset|benchmark|framework"
_CORE = re.compile(
    rf"\b(?:we|i) {_ADVERB}(?:propose|introduce|present|develop|devise|design|construct|build|built|prove|establish|"
    rf"derive|formulate|release|investigate|study|analy[sz]e|examine|explore|show|report|describe|demonstrate|offer|"
    rf"characteri[sz]e|unify|extend|generali[sz]e|consider|address|tackle|create|provide|conduct|update|produce|"
    rf"capture|uncover|formali[sz]e|identif(?:y|ie))(?:e?d)?\b",
    re.I,
)
# the verbs that name a contribution, while `we show` or `our method uses` often tell a result or a part of it
_PROPOSAL = re.compile(
    rf"(?:\b(?:we|i)|\b(?:this|our|the present|the current) (?:\w+ ){{0,2}}(?:{_DOCUMENT})) {_ADVERB}"
    rf"(?:propose|introduce|present|develop|devise|design|establish|construct|build|built|create|derive|"
    rf"prove|examine|explore|analy[sz]e|investigate|stud(?:y|ie)|conduct)(?:e?[sd])?\b",
    re.I,
)
_AIM = re.compile(
    rf"\b(?:aim|goal|purpose|objective|focus) of (?:this|the present|the current|our) (?:\w+ )?(?:{_NOUN})\b|"
    rf"\bour (?:\w+ )?(?:aim|goal|purpose|objective) (?:is|was)\b|\bwe (?:aim|seek|set out|intend)(?:ed)? to\b",
    re.I,
)
_WE_STATEMENT = re.compile(rf"\b(?:we|i) {_ADVERB}(?:have {_ADVERB})?(?:{_STATES})\w*", re.I)
_THIS_STATEMENT = re.compile(
    rf"\b(?:(?:this|the present|the current|present) (?:\w+ ){{0,2}}(?:{_DOCUMENT}|project)|"
    rf"our (?:\w+ ){{0,2}}(?:{_NOUN}))s? {_ADVERB}(?:{_STATES})\w*",
    re.I,
)
_IN_THIS = re.compile(rf"\b(?:in|with|through) (?:this|the present|our) (?:\w+ )?(?:{_NOUN})\b", re.I)
_THIS_SUBJECT = re.compile(rf"^(?:this|our|the present) (?:\w+ ){{0,2}}(?:{_DOCUMENT})\b", re.I)
_OURS = re.compile(
    r"\b(?:our|the proposed) (?:\w+[ -]){0,3}?(?:method|approach|framework|model|algorithm|system|results?|"
    r"analysis|findings|experiments|pipeline|architecture|dataset|benchmark|strategy|technique|solution|"
    r"key (?:idea|insight)|contributions?)\b",
    re.I,
)
_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|has been|have been) (?:\w+ly )?(?:proposed|presented|introduced|developed|investigated|"
    r"studied|derived|described|proved|proven|established|demonstrated|constructed|obtained|analy[sz]ed|examined|"
    r"reported|designed|discussed|considered|reviewed|evaluated|carried out|performed|conducted)\b",
    re.I,
)
_PASSIVE_METHOD = re.compile(
    r"\b(?:is|are|was|were|has been|have been) (?:\w+ly )?(?:used|trained|applied|employed|implemented|adopted|"
    r"utili[sz]ed|compared|tested|fabricated|synthesi[sz]ed|measured|calculated|computed)\b",
    re.I,
)
_NEW = re.compile(
    r"\b(?:an?|the first|several|two|three|new) (?:novel|new|first|simple|general|unified|scalable|efficient|"
    r"lightweight|comprehensive|large-scale)\b|\bnovel\b|\bthe first\b",
    re.I,
)
_HERE = re.compile(
    r"^here\b|\bto (?:this end|address|tackle|fill|bridge|overcome|mitigate|close|remedy|solve|resolve)\b", re.I
)
_BACKGROUND = re.compile(
    r"\b(?:remains?|has become|have become|has emerged|have emerged|(?:has|have) (?:recently |been |achieved|"
    r"shown|made|attracted|gained|demonstrated|revolutioni[sz]ed|led|enabled)|(?:is|are) (?:crucial|essential|"
    r"important|critical|fundamental|vital|challenging|difficult|ubiquitous|widely|often|typically|increasingly|still|"
    r"limited|a (?:fundamental|key|central|major|core|critical|challenging|crucial|promising|powerful))|play[s]? (?:a|"
    r"an) \w+ role|"
    r"suffers?|struggles?|fails? to|lacks?|existing|prior work|previous (?:work|stud|method)|traditional|"
    r"conventional|"
    r"current (?:approach|method|model)|most (?:existing|current)|state-of-the-art methods)",
    re.I,
)
_CONTRAST = re.compile(
    r"^(?:however|although|despite|while|recent|recently|existing|prior|previous|traditional|current|yet|"
    r"unfortunately|but|nevertheless|many|most|often|typically|in recent years)\b",
    re.I,
)
_AVAILABLE = re.compile(
    r"\b(?:code|data|dataset|models?|implementation|project page|source code|demos?|"
    r"videos?)\b[^.]{0,80}\b(?:available|released|found at|open-sourced|accessible)\b|https?:|github\.com",
    re.I,
)
_RESULTS = re.compile(
    r"^(?:(?:extensive |our |the |empirical |numerical |simulation |comprehensive |"
    r"experimental )*(?:experiments?|results?|evaluations?|simulations?|findings)|these (?:results|findings)|"
    r"on |across |compared)\b",
    re.I,
)
# an opening that leads to a result or to a step, unless a proposal follows
_ADJUNCT = re.compile(r"^(?:across|after|by|following|from|on|through|under|using|via|with)\b", re.I)
# nothing is said yet: the gap, the questions or the features follow, or went before
_EMPTY = re.compile(
    r"\b(?:address|bridg|clos|fill|mitigat|overcom|remed|resolv|solv|tackl)\w* "
    r"(?:(?:all|both|each) (?:of )?)?(?:this|these|that|those|the|such|both|it|them)\b"
    r"(?: (?:\w+[ -]){0,2}(?:gaps?|challenges?|limitations?|issues?|problems?|shortcomings?|questions?|needs?|"
    r"obstacles?|difficulties|drawbacks?))?[.:]$|"
    r"\b(?:as follows|(?:the )?following|(?:twofold|threefold|fourfold))\W*$|"
    r"\b(?:two|three|four|five|several) (?:\w+ ){0,2}(?:innovations|contributions|components|features|parts|aspects|"
    r"stages|modules|steps|properties|findings|insights|advantages)[.:]$",
    re.I,
)
_REFERRING = re.compile(
    r"^(?:(?:to |to further )?\w+|\w+(?:ed|ing) (?:on|upon|by|from)) (?:this|these|those|such|that) [^,.;:]{2,40},",
    re.I,
)
_EARLIER_WORK = re.compile(
    r"\b(?:our|my|in|from|an?|of) (?:previous|earlier|prior|preceding|companion|past) (?:work|study|studies|papers?|"
    r"article|letter)\b|\bwe (?:have )?(?:previously|earlier)\b|\bwe have recently\b|\bwe recently\b",
    re.I,
)
_DETAIL = re.compile(
    r"^(?:first|second|secondly|third|thirdly|fourth|lastly|finally|moreover|furthermore|in addition|"
    r"additionally|specifically|in particular|for example|for instance|concretely|then|next|also|we also|"
    r"we further|we then|we additionally|we conclude|we discuss|we hope|as an? (?:application|example|illustration)|"
    r"to (?:illustrate|assess|evaluate|validate|test|verify|demonstrate)|in fact|notably|importantly|"
    r"crucially|remarkably|interestingly)\b",
    re.I,
)
# a step or a further contribution, or a statement that is about what the sentence before names
_FURTHER = re.compile(r"\b(?:we|i) (?:also|additionally|first|further|then|next|finally)\b", re.I)
_ABOUT_PREVIOUS = re.compile(
    r"\bwe \w+ (?:their|its|them|it)\b|"
    r"\bthat (?:this|these|such) (?:limitations?|problems?|issues?|gaps?|challenges?|behaviou?rs?|failures?)\b",
    re.I,
)
_LABEL_NAME = (
    r"(?P<label>(?:(?:research |study |main |key |primary )?(?:background|introduction|context|"
    r"motivation|importance|significance|"
    r"rationale|purpose|objectives?|aims?|goals?|problem(?: statement)?|methods?|methodology|materials?|"
    r"approach|design|"
    r"setting|participants|data|results?|findings|outcomes?|conclusions?|discussion|summary|interpretation|"
    r"contributions?|"
    r"originality|limitations|implications|novelty|impact|abstract|keywords|highlights|overview|hypothesis|"
    r"evaluation|experiments))"
    r"(?:\s*(?:and|&|/|,)\s*(?:\w+ )?\w+)?)"
)
_LABEL = re.compile(rf"^[([]?{_LABEL_NAME}[)\]]?\s*(?:[:.]|[-–—]{{1,2}})\s*(?=\S)", re.I)
_LABEL_ALONE = re.compile(rf"[([]?{_LABEL_NAME}[)\]]?[:.]", re.I)
_REMARK = re.compile(r"[(\[]?(?:abridged|abbreviated|truncated|shortened)[)\].]*", re.I)
_UPPERCASE_LABEL = re.compile(
    r"^(?P<label>BACKGROUND|OBJECTIVES?|PURPOSE|AIMS?|METHODS?|RESULTS?|CONCLUSIONS?|CONTEXT|"
    r"INTRODUCTION)\b[:.]?\s+(?=[A-Z])"
)
_AIM_LABEL = re.compile(r"purpose|objective|aim|goal|contribution|approach|method|design|overview|summary", re.I)
_BACKGROUND_LABEL = re.compile(
    r"background|introduction|context|motivation|importance|significance|rationale|problem", re.I
)
_CONNECTIVE = re.compile(
    rf"^(?:(?:(?:in order )?to \w+|to (?:further|better) \w+|based on|building (?:on|upon)|guided by|given|under|"
    rf"motivated by|inspired by|driven by|informed by|leveraging|with|in (?:response|contrast|addition) to) "
    rf"(?:this|these|those|such|that|the above|the previous)\b[^,.;:]{{0,40}}|"
    rf"(?:in order )?to \w+ the (?:challenges?|problems?|issues?|gaps?|limitations?)|as such|to (?:this|that) end|"
    rf"(?:by|in) contrast|instead|however|specifically|(?:more specifically|in particular)|moreover|furthermore|"
    rf"additionally|in addition|first(?:ly)?|second(?:ly)?|third(?:ly)?|finally|lastly|then|"
    rf"therefore|thus|hence|consequently|accordingly|in response|in this (?:\w+ )?(?:{_NOUN}))\s*,\s*(?=\w)",
    re.I,
)
_CLAUSE = re.compile(r"[,;:] (?=[^\W\d])| [–—-] ")
# SpamAssassin's LONGWORDS (2.2 points) needs two of these three anywhere in a mail; such runs read badly too
_LONG_RUNS = tuple(re.compile(rf"\b(?:[a-z]{{{least},}}[\s.]+){{{run}}}") for least, run in ((8, 6), (6, 9), (5, 10)))
_CONTENT_WORD = re.compile(r"[^\W\d_]{4,}")


class Sentence(NamedTuple):
    """One sentence without its label, and its score: the higher, the more it says what the paper did."""

    text: str
    score: float


def excerpt(text: str, title: str = "") -> str:
    """The sentence that best states the contribution, and the next ones while there is room and they say more."""
    return chosen_sentences(scored_sentences(text, title))


def chosen_sentences(scored: list[Sentence]) -> str:
    """The excerpt made of sentences that were scored already."""
    whole = " ".join([sentence.text for sentence in scored])
    if len(whole) <= TARGET_LENGTH and not has_long_words(whole):
        return whole
    if not scored:
        return ""
    best = max(range(len(scored)), key=lambda place: scored[place].score)
    text = without_connective(scored[best].text)
    if len(text) > MAX_LENGTH:
        text = shorten(_from_statement(text), MAX_LENGTH)
    if has_long_words(text):
        return _without_long_words(text)
    for sentence in scored[best + 1 : best + 3]:
        dull = sentence.score < 0 and (len(text) >= MIN_LENGTH or bool(_EMPTY.search(sentence.text)))
        if (
            dull
            or len(text) >= TARGET_LENGTH
            or len(text) + 1 + len(sentence.text) > MAX_LENGTH
            or has_long_words(f"{text} {sentence.text}")
        ):
            break
        text = f"{text} {sentence.text}"
    return text


def add_matching_sentences(
    text: str, abstract: str, fold: Callable[[str], str], hidden_patterns: Sequence[WordPattern], max_added: int = 2
) -> str:
    """The excerpt with up to `max_added` sentences of the abstract, or pieces of them, that match the patterns.

    `fold` keeps offsets; the patterns search folded text.
    """
    added_sentences: list[str] = []
    parts = sentences(abstract)[:_MAX_SENTENCES] if hidden_patterns else []
    folded = [fold(part) for part in parts]
    for words_pattern in hidden_patterns:
        if len(added_sentences) == max_added or any(words_pattern.search(fold(piece)) for piece in added_sentences):
            continue
        position = next((i for i, part in enumerate(folded) if words_pattern.search(part)), None)
        if position is not None and (match := words_pattern.search(folded[position])):
            piece = _cut_piece(parts[position], match.start(), match.end(), MAX_PIECE_LENGTH)
            if has_long_words(piece):
                piece = _cut_piece(parts[position], match.start(), match.end(), MAX_PIECE_LENGTH // 2)
            added_sentences.append(piece)
    return _join_pieces([text, *added_sentences])


def _cut_piece(sentence: str, start: int, end: int, size: int) -> str:
    """The sentence, or a piece of about `size` characters around these offsets, cut at clauses, else at blanks."""
    label = _LABEL.match(sentence)
    if label and label.end() <= start:
        sentence, start, end = sentence[label.end() :], start - label.end(), end - label.end()
    if len(sentence) <= size:
        return sentence
    begin = _piece_start(sentence, start, size)
    end_offset = _piece_end(sentence, begin, end, size)
    piece = sentence[begin:end_offset].strip(" ,;:")
    return f"{'… ' if begin else ''}{piece}{'…' if end_offset < len(sentence) else ''}"


def _piece_start(sentence: str, start: int, size: int) -> int:
    """Where a piece begins: at the sentence's beginning or at a clause that leads to the match, so that it fits."""
    if start <= size // 2:
        return 0
    clauses = [match.end() for match in _CLAUSE.finditer(sentence, 0, start)]
    whole = [place for place in clauses if len(sentence) - place <= size]
    near = [place for place in clauses if start - place <= size // 2]
    if whole or near:
        return (whole or near)[0]
    return sentence.rfind(" ", 0, max(0, min(start - size // 3, len(sentence) - size))) + 1


def _piece_end(sentence: str, begin: int, end: int, size: int) -> int:
    """Where a piece ends: with the sentence, before the next clause, or at a blank."""
    limit = max(begin + size, end)
    if limit >= len(sentence):
        return len(sentence)
    clauses = [match.start() for match in _CLAUSE.finditer(sentence, max(end, begin + size // 2), limit)]
    return clauses[-1] if clauses else max(sentence.rfind(" ", end, limit), end)


def _join_pieces(pieces: Iterable[str]) -> str:
    """Pieces with one ellipsis between two that do not follow each other."""
    text = ""
    for piece in pieces:
        if not text or not piece:
            text = text or piece
        elif text.endswith("…"):
            text = f"{text} {piece.removeprefix('… ')}"
        else:
            text = f"{text} {piece if piece.startswith('…') else f'… {piece}'}"
    return text


def scored_sentences(text: str, title: str = "") -> list[Sentence]:
    """The sentences of an abstract with their scores; labels such as `Background:` are dropped."""
    scored: list[Sentence] = []
    title_words, names = _content_words(title), _names(title)
    pending = ""  # a label that stands alone, as in `Aims. We measure …`
    for part in sentences(text)[:_MAX_SENTENCES]:
        if (alone := _LABEL_ALONE.fullmatch(part)) or _REMARK.fullmatch(part):
            pending = alone["label"] if alone else pending
            continue
        match = _LABEL.match(part) or _UPPERCASE_LABEL.match(part)
        body = part[match.end() :] if match else part
        body = body[:1].upper() + body[1:] if match else body
        if body:
            score = _score(body, len(scored), title_words) + _label_score(match["label"] if match else pending)
            scored.append(Sentence(body, score + 1.5 * any(name in body for name in names)))
        pending = ""
    return scored or [Sentence(part, 0.0) for part in sentences(text)[:1]]


def without_connective(sentence: str) -> str:
    """The sentence without an opening such as `To this end,` that refers to what is not shown."""
    remainder = sentence
    while match := _CONNECTIVE.match(remainder):
        remainder = remainder[match.end() :]
    return remainder[:1].upper() + remainder[1:]


def _from_statement(sentence: str) -> str:
    """A long sentence from its statement on, where a subordinate clause of some length goes before it."""
    match = _WE_STATEMENT.search(sentence) or _THIS_STATEMENT.search(sentence)
    if match is None or match.start() < 60 or sentence[: match.start()].rstrip()[-1:] not in {",", ";", ":"}:
        return sentence
    return sentence[match.start()].upper() + sentence[match.start() + 1 :]


def has_long_words(text: str) -> bool:
    """True for a text with runs of long words that spam filters punish."""
    return any(run.search(f"{text} ") for run in _LONG_RUNS)


def _without_long_words(text: str) -> str:
    """The text, cut behind the third word of a run of long ones."""
    for run in _LONG_RUNS:
        if has_long_words(text) and (match := run.search(f"{text} ")):
            text = text[: match.start()] + " ".join(match[0].split()[:3]) + "…"
    return text


def _content_words(text: str) -> set[str]:
    """Words of four letters and more by their first five, so that endings do not matter."""
    return {word[:5].lower() for word in _CONTENT_WORD.findall(text)}


def _names(title: str) -> list[str]:
    """The names that a title introduces: the short part before its colon, and abbreviations in parentheses."""
    head, colon, _ = title.partition(":")
    names = re.findall(r"\(([\w.+-]{2,20})\)", title)
    return [head.strip(), *names] if colon and 1 < len(head.strip()) <= 30 and len(head.split()) <= 3 else names


def _label_score(label: str) -> float:
    """The score for the label of a structured abstract; '' for none."""
    return 1.5 * bool(_AIM_LABEL.search(label)) - 2.0 * bool(_BACKGROUND_LABEL.search(label)) if label else 0.0


def _score(sentence: str, position: int, title_words: set[str]) -> float:
    score = -0.15 * position
    if title_words:
        score += 1.5 * len(title_words & _content_words(sentence)) / len(title_words)
    core, this = bool(_CORE.search(sentence)), bool(_THIS_STATEMENT.search(sentence))
    statement = core or this or bool(_WE_STATEMENT.search(sentence) or _AIM.search(sentence))
    return (
        score + _contribution_score(sentence, core=core, this=this, statement=statement) - _penalty(sentence, statement)
    )


def _contribution_score(sentence: str, *, core: bool, this: bool, statement: bool) -> float:
    """The weights of the cues that speak for a sentence."""
    proposal, subject = bool(_PROPOSAL.search(sentence)), bool(_THIS_SUBJECT.match(sentence))
    score = 3.0 * core + 2.2 * (statement and not core) + 1.0 * (proposal or bool(_AIM.search(sentence)))
    in_this = bool(_IN_THIS.search(sentence))
    score += 1.2 * in_this + 1.0 * subject + 0.4 * (this and not subject)
    score += 0.8 * bool(_OURS.search(sentence) and not this)
    score += 1.4 * bool(_PASSIVE.search(sentence)) + (1.6 if in_this else 0.6) * bool(_PASSIVE_METHOD.search(sentence))
    score += 0.8 * bool(_NEW.search(sentence)) + 0.8 * bool(_HERE.search(sentence))
    return score - (0.7 if proposal else 1.0) * bool(_ADJUNCT.match(sentence))


def _penalty(sentence: str, statement: bool) -> float:
    """The weights of the cues that speak against a sentence."""
    penalty = 1.5 * bool(_CONTRAST.match(sentence)) + (0.4 if statement else 1.5) * bool(_BACKGROUND.search(sentence))
    penalty += 4.0 * bool(_AVAILABLE.search(sentence)) + 0.8 * bool(_RESULTS.match(sentence))
    penalty += 0.9 * bool(_DETAIL.match(sentence)) + 0.8 * bool(_FURTHER.search(sentence))
    penalty += 0.8 * bool(_ABOUT_PREVIOUS.search(sentence))
    penalty += 1.5 * (len(sentence) < 40) + 1.0 * sentence.endswith("?")
    penalty += 3.0 * bool(len(sentence) < 140 and _EMPTY.search(sentence)) + 3.0 * bool(_EARLIER_WORK.search(sentence))
    penalty += 0.8 * bool(_REFERRING.match(sentence) and not _HERE.search(sentence))
    return penalty + 2.5 * has_long_words(sentence)
