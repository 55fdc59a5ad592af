"""Score the sentences of an abstract by how much they say what the paper did.

A linear score: each cue that is found adds its weight, position breaks ties. The weights were set by reading excerpts
of real abstracts; there is no hidden state.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from digest.compose.text.cue import Cue
from digest.compose.text.sentences import labelled_sentences, sentences

MAX_EMPTY_LENGTH = 140  # characters; a longer sentence says more than that something follows
MAX_SENTENCES = 40  # sentences of an abstract that are scored
_ASCII_WORDS = str.maketrans({code: " " for code in range(128) if not chr(code).isalpha()})  # blanks between them


# The cues below search sentences in lower case.
_FIRST_PERSON = "we |i "
_ADVERB = r"(?:(?:here|also|first|then|further|thus|therefore|hence|jointly|will|\w+ly)[, ]+){0,2}"
_STATES = (
    "propos|introduc|present|develop|devis|design|construct|build|built|establish|prov|deriv|show|demonstrat|"
    "investigat|stud|analy[sz]|examin|explor|evaluat|compar|report|describ|provid|releas|formulat|extend|"
    "generali[sz]|characteri[sz]|address|tackl|conduct|perform|offer|unif|argu|benchmark|implement|creat|identif|"
    "review|survey|revisit|consider|reformulat|contribut|estimat|measur|use|utili[sz]|leverag|apply|appli|adapt|"
    "combin|employ|quantif|comput|calculat|obtain|discover|detect|find|found|give|observ|train|fine-tun|collect|"
    "curat|model|adopt|solv|improv|outlin|discuss|test|search|suggest|take|aim|seek|ask|focus|document|"
    "systemati[sz]|assess|put|advanc|look|rethink|reveal|integrat|simulat|determin|constrain|infer|fit|select|"
    "assembl|open-sourc|learn|make|made|achiev|complement|map|trac|probe|confirm|cast|pioneer|bring|expand|enabl|"
    "bridg|fill|exploit|synthesi[sz]|augment|predict|optimi[sz]|reduc|approximat|choos|pos|analys|reconstruct|carr|"
    "bound|count|refin|classif|monitor|updat|captur|produc|interpret|defin|start|uncover|formali[sz]|instantiat|"
    "enhanc|pre-?train|distil|equip|catalog|decompos|disentangl|tailor|incorporat|substantiat|summari[sz]|extract|"
    "recast|showcas|rel(?:y|ied)|initiat|overc|embed|link|detail|assum|perturb|interview|prepar|grow|grew|resolv"
)
_BUILD = r"(?:build|built)(?!s? (?:up)?on\b)"
_DOCUMENT = (
    "paper|work|study|article|letter|manuscript|note|thesis|dissertation|report|survey|review|chapter|contribution|"
    "research|tutorial|investigation|essay|monograph|position paper|publication"
)
DOCUMENT_NOUNS = rf"{_DOCUMENT}|approach|project|dataset|benchmark|framework"
_THIS_DOCUMENT = (
    rf"\b(?:(?:this|our|the present|the current) (?:\w+ ){{0,2}}(?:{_DOCUMENT})|"
    r"the (?:paper|study|article|thesis|survey)(?! of\b)|these (?:lecture )?(?:lectures|notes)\b)"
)
_DOCUMENT_STARTS = (  # of `_THIS_DOCUMENT`
    "this |our |the present |the current |the paper|the study|the article|the thesis|the survey|these lecture|"
    "these notes"
)
_CORE = Cue(
    rf"\b(?:we|i) {_ADVERB}(?:propose|introduce|present|develop|devise|design|construct|{_BUILD}|prove|establish|"
    rf"derive|formulate|release|investigate|study|analy[sz]e|examine|explore|show|report|describe|demonstrate|offer|"
    rf"solve|characteri[sz]e|unify|assess|quantify|review|survey|revisit|summari[sz]e|extend|generali[sz]e|consider|"
    rf"address|tackle|create|provide|conduct|update|produce|capture|uncover|formali[sz]e|identif(?:y|ie))(?:e?d)?\b",
    _FIRST_PERSON,
)
_AUTHORS = Cue(
    r"\bthe (?:present )?authors?\b",
    "author",
)
# what a relative or subordinate clause states: `which we propose`, `as we show`, `the cache we introduce`
_SUBORDINATE = re.compile(
    r"\b(?:(?:which|that|where|whom|whose|what|how|as|than|because|since|when|if|once|after|before|until|whether),? "
    r"(?:we|i|this \w+|our \w+)\b|"
    r"(?=[aet])(?<!in |at |on |to |by )(?<!for )(?<!with |from )(?<!under )(?:an?|the|each|every|all) "
    r"(?:[\w-]+ ){1,2}(?:we|i) (?=\w))|\([^()]{0,300}\)",
)
_SUBORDINATE_SIGN = re.compile(r" (?:we|i|this|our)\b|\(")  # in all its matches, and found faster
# the verbs that name a contribution, while `we show` or `our method uses` often tell a result or a part of it
_PROPOSAL = Cue(
    rf"(?:\b(?:we|i)|{_THIS_DOCUMENT}) {_ADVERB}"
    rf"(?:propose|introduce|present|develop|devise|design|establish|construct|{_BUILD}|create|derive|"
    rf"prove|examine|explore|analy[sz]e|investigate|stud(?:y|ie)|conduct|initiate|"
    rf"(?:provide|offer|give|perform|carry out)s? (?:an?|the first) (?:[\w-]+ ){{0,3}}(?:review|survey|overview|study|"
    rf"analysis|benchmark|framework|method|comparison|evaluation))(?:e?[sd])?\b",
    f"{_FIRST_PERSON}|{_DOCUMENT_STARTS}",
)
_AIM = Cue(
    rf"\b(?:aim|goal|purpose|objective|focus|object|subject|topic|contribution)s? of "
    rf"(?:this|the present|the current|our) (?:\w+ )?(?:{DOCUMENT_NOUNS})\b|"
    rf"\bour (?:\w+ )?(?:aim|goal|purpose|objective) (?:is|was)\b|\bwe (?:aim|seek|set out|intend)(?:ed)? to\b",
    "this |the present |the current |our |we ",
)
_RESULT_VERB = Cue(
    rf"\b(?:we|i) {_ADVERB}(?:show|demonstrate|identif(?:y|ie))(?:e?d)?\b",
    _FIRST_PERSON,
)
_WE_STATEMENT = Cue(
    rf"\b(?:we|i) {_ADVERB}(?:are \w+ing|(?:have {_ADVERB})?(?:{_STATES})\w*)",
    _FIRST_PERSON,
)
# any other verb, but those of opinions and of what holds for all of us
_WE_VERB = Cue(
    rf"\b(?:we|i) {_ADVERB}(?!(?:are|were|am|was|can|could|cannot|may|might|must|should|would|have|had|do|did|know|"
    r"believe|hope|think|need|expect|see|hear|live|want|wish|lack|call|refer|note|conclude|speculate|anticipate|plan)\b)[a-z]+",
    _FIRST_PERSON,
)
_THIS_STATEMENT = Cue(
    rf"(?:{_THIS_DOCUMENT}|\bthis project|\bpresent (?:{_DOCUMENT})|\bour (?:\w+ ){{0,2}}(?:{DOCUMENT_NOUNS}))s? "
    rf"{_ADVERB}(?:{_STATES})\w*",
    f"{_DOCUMENT_STARTS}|present ",
)
_IN_THIS = Cue(
    rf"\b(?:in|with|through) (?:this|the present|our) (?:\w+ )?(?:{DOCUMENT_NOUNS})\b",
    "this |the present |our ",
)
_CONCERNED = Cue(
    rf"{_THIS_DOCUMENT} (?:is (?:\w+ly )?(?:concerned with|devoted to|"
    r"dedicated to|about|a study of)|(?:mainly |primarily )?(?:deals with|concerns|focuses on|is on))\b",
    _DOCUMENT_STARTS,
)
_THIS_SUBJECT = re.compile(rf"^{_THIS_DOCUMENT}\b")
_OURS = Cue(
    r"\b(?:our|the proposed) (?:\w+[ -]){0,3}?(?:method|approach|framework|model|algorithm|system|results?|"
    r"analysis|findings|experiments|pipeline|architecture|dataset|benchmark|strategy|technique|solution|"
    r"key (?:idea|insight)|contributions?)\b",
    "our |the proposed ",
)
# what the method does, not how well
_METHOD_SUBJECT = re.compile(
    r"^(?:our|the proposed) (?:\w+[ -]){0,3}?(?:method|approach|framework|model|algorithm|system|pipeline|architecture|"
    r"strategy|technique|solution) (?:\w+ly )?(?!(?:achieve|outperform|surpass|exceed|improve|show|demonstrate|yield|"
    r"reache|obtain|i|wa|ha|run|attain|match|produce|offer|provide|enable|perform|rank|deliver|generalize|"
    r"reduce)(?:s|es)\b)[a-z]+s\b",
)
_PASSIVE = Cue(
    r"\b(?:is|are|was|were|has been|have been) (?:\w+ly )?(?:proposed|presented|introduced|developed|investigated|"
    r"studied|derived|described|proved|proven|established|demonstrated|constructed|obtained|analy[sz]ed|examined|"
    r"reported|designed|discussed|considered|reviewed|evaluated|carried out|performed|conducted)\b",
    "proposed|presented|introduced|developed|investigated|studied|derived|described|prove|established|demonstrated"
    "|constructed|obtained|analy|examined|reported|designed|discussed|considered|reviewed|evaluated|carried out"
    "|performed|conducted",
)
_PASSIVE_METHOD = Cue(
    r"\b(?:is|are|was|were|has been|have been) (?:\w+ly )?(?:used|trained|applied|employed|implemented|adopted|"
    r"utili[sz]ed|compared|tested|fabricated|synthesi[sz]ed|measured|calculated|computed)\b",
    "used|trained|applied|employed|implemented|adopted|utili|compared|tested|fabricated|synthesi|measured"
    "|calculated|computed",
)
_NEW = Cue(
    r"\b(?:an?|the first|several|two|three|new) (?:novel|new|first|simple|general|unified|scalable|efficient|"
    r"lightweight|comprehensive|large-scale)\b|\bnovel\b|\bthe first\b",
    "novel|first|new|simple|general|unified|scalable|efficient|lightweight|comprehensive|large-scale",
)
_HERE = re.compile(
    r"\b(?:to (?:this end|(?:\w+ly )?(?:address|tackle|fill|bridge|overcome|mitigate|close|remedy|solve|resolve) "
    r"(?:this|these|those|such|the above|both|the (?:gaps?|challenges?|limitations?|issues?|problems?))\b)|"
    r"towards? (?:this|that) (?:end|goal)\b)",
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
)
_CONTRAST = Cue(
    r"^(?:however|although|despite|while|recent|recently|existing|prior|previous|traditional|current|yet|"
    r"unfortunately|but|nevertheless|many|most|often|typically|in recent years)\b",
)
_AVAILABLE = Cue(
    r"\b(?:code|data|dataset|models?|implementation|project page|source code|demos?|videos?)\b[^.]{0,80}"
    r"\b(?:(?:is|are|be|been|made|publicly|freely|openly) (?:\w+ly )?(?:available|released|open-sourced|accessible)|"
    r"found at|available (?:at|from|here|on|online|under|upon|via))\b|https?:|github\.com",
    "available|released|open-sourced|accessible|found at|http|github.com",
)
_RESULTS = Cue(
    r"^(?:(?:extensive |our |the |empirical |numerical |simulation |comprehensive |"
    r"experimental )*(?:experiments?|results?|evaluations?|simulations?|findings)|these (?:results|findings)|"
    r"on |across |compared)\b",
)
_EXPERIMENTS = Cue(
    r"\b(?:we|i) (?:\w+ly )?(?:conduct|perform|run|carry out|carried out)(?:ed)? [^,.;]{0,40}\bexperiments?\b",
    "experiment",
)
_OWN_EVALUATION = Cue(
    r"\b(?:we|i) (?:\w+ly )?(?:evaluate|test|validate|assess)(?:e?d)? (?:our|the (?:proposed|resulting)|its|their) ",
    "evaluate|test|validate|assess",
)
# an opening that leads to a result or to a step, unless a proposal follows
_ADJUNCT = re.compile(r"^(?:across|after|by|following|for(?! the first)|from|on|through|under|using|via|with)\b")
# nothing is said yet: the gap, the questions or the features follow, or went before
_EMPTY = Cue(
    r"\b(?:address|bridg|clos|fill|mitigat|overcom|remed|resolv|solv|tackl)\w* "
    r"(?:(?:all|both|each) (?:of )?)?(?:this|these|that|those|the|such|both|it|them)\b"
    r"(?: (?:\w+[ -]){0,2}(?:gaps?|challenges?|limitations?|issues?|problems?|shortcomings?|questions?|needs?|"
    r"obstacles?|difficulties|drawbacks?))?[.:]$|"
    r"\b(?:as follows|(?:the )?following|(?:two|three|four|five)-?fold(?: \w+)?)\W*$|"
    r"\b(?:two|three|four|five|several) (?:\w+ ){0,2}(?:innovations|contributions|components|features|parts|aspects|"
    r"stages|modules|steps|properties|findings|insights|advantages|challenges|questions)[.:]$",
    "address|bridg|clos|fill|mitigat|overcom|remed|resolv|solv|tackl|follow|fold|innovations|contributions"
    "|components|features|parts|aspects|stages|modules|steps|properties|findings|insights|advantages|challenges|questions",
)
# `we introduce X, a metric that addresses these challenges` says what was done, `we propose a remedy for them` does not
_NAMED_PROPOSAL = Cue(
    r"\bwe (?:propose|introduce|present|develop) (?:(?!,).){3,80}, (?:an?|the|which|that)\b",
    "propose|introduce|present|develop",
)
_REFERRING = re.compile(
    r"^(?:(?:to |to further )?\w+|\w+(?:ed|ing) (?:on|upon|by|from)) (?:this|these|those|such|that) [^,.;:]{2,40},",
)
# at the end of an abstract: what the results are good for
_OUTLOOK = Cue(
    rf"\b(?:our|this|these|the) (?:\w+ ){{0,2}}(?:{_DOCUMENT}|results|findings)s? (?:\w+ly )?(?:contributes?|offers?|"
    rf"provides?|advances?|highlights?|underscores?|suggests?|sheds?|opens?|paves?|lays?|will provide) [^.]{{0,160}}"
    rf"\b(?:insights?|findings|understanding|foundations?|template|basis|steps?|guidance|light|way|avenues?|need|"
    rf"potential|importance|implications)\b",
    "contribute|offer|provide|advance|highlight|underscore|suggest|shed|open|pave|lay",
)
_PROBLEM_ONLY = Cue(
    rf"\b(?:we|(?:this|our) (?:{_DOCUMENT})) (?:address|tackle)(?:e?[sd])? "
    r"(?:(?! by | with | via | using | through ).){0,400}$",
    "address|tackle",
)
_EARLIER_WORK = Cue(
    r"\b(?:our|my|in|from|an?|of) (?:previous|earlier|prior|preceding|companion|past) (?:work|study|studies|papers?|"
    r"article|letter)\b|\bwe (?:have )?(?:previously|earlier)\b|\bwe have recently\b|\bwe recently\b",
    "previous|earlier|prior|preceding|companion|past|recently",
)
_DETAIL = Cue(
    r"^(?:first|second|secondly|third|thirdly|fourth|lastly|finally|moreover|furthermore|in addition|"
    r"additionally|specifically|in particular|for example|for instance|concretely|then|next|also|we also|"
    r"we further|we then|we additionally|we conclude|we discuss|we hope|as an? (?:example|illustration)|"
    r"to (?:illustrate|assess|evaluate|validate|test|verify|demonstrate)|in fact|notably|importantly|"
    r"crucially|remarkably|interestingly|particularly|theoretically|empirically|experimentally|numerically|if|"
    r"(?:also, )?as (?:an? )?(?:direct |first |further |simple )?(?:applications?|consequence|"
    r"corollary|by-?product|result))\b",
)
_SECOND = Cue(r"^(?:second|third|fourth|last|final)(?:ly)?\b")
# a step or a further contribution, or a statement that is about what the sentence before names
_FURTHER = Cue(
    r"\b(?:we|i) (?:also|additionally|first|further|then|next|finally)\b",
    _FIRST_PERSON,
)
_ABOUT_PREVIOUS = Cue(
    r"\bwe \w+ (?:their|its|them|it)\b|\b(?:of|for|to|by) (?:such|these|those|the (?:mentioned|above|latter|same)) |"
    r"\bthat (?:this|these|such) (?:limitations?|problems?|issues?|gaps?|challenges?|behaviou?rs?|failures?)\b",
    "we | such | these | those | the mentioned | the above | the latter | the same |that this ",
)
_PENALTIES = (
    (4.0, _AVAILABLE),
    (3.0, _EARLIER_WORK),
    (1.5, _CONTRAST),
    (1.5, _OUTLOOK),
    (1.4, _DETAIL),
    (1.2, _EXPERIMENTS),
    (1.4, _OWN_EVALUATION),
    (0.8, _FURTHER),
    (0.8, _ABOUT_PREVIOUS),
    (0.8, _RESULTS),
    (0.7, _PROBLEM_ONLY),
    (0.6, _SECOND),
)
_AIM_LABEL = re.compile(r"purpose|objective|aim|goal|contribution|approach|method|design|overview|summary", re.I)
_BACKGROUND_LABEL = re.compile(
    r"background|introduction|context|motivation|importance|significance|rationale|problem", re.I
)
_CONTENT_WORD = re.compile(r"[^\W\d_]{4,}")


class Sentence(NamedTuple):
    """One sentence without its label, and its score: the higher, the more it says what the paper did."""

    text: str
    score: float


def scored_sentences(text: str, title: str = "") -> list[Sentence]:
    """The sentences of an abstract in order, at most MAX_SENTENCES, without labels such as `Background:`."""
    title_words, names = _content_words(title), _names(title)
    scored: list[Sentence] = []
    for position, (label, body) in enumerate(labelled_sentences(text)[:MAX_SENTENCES]):
        score = _score(body, position, title_words) + _label_score(label)
        scored.append(Sentence(body, score + 1.5 * any(name in body for name in names)))
    return scored or [Sentence(part, 0.0) for part in sentences(text)[:1]]


def _content_words(text: str) -> set[str]:
    """Words of four letters and more by their first five, so that endings do not matter."""
    if text.isascii():
        return {word[:5] for word in text.lower().translate(_ASCII_WORDS).split() if len(word) >= 4}
    return {word[:5].lower() for word in _CONTENT_WORD.findall(text)}


def _names(title: str) -> list[str]:
    """The names that a title introduces: the short part before its colon, and abbreviations in parentheses."""
    head, colon, _ = title.partition(":")
    names = re.findall(r"\(([\w.+-]{2,20})\)", title)
    return [head.strip(), *names] if colon and 1 < len(head.strip()) <= 40 and len(head.split()) <= 5 else names


def _label_score(label: str) -> float:
    """The score for the label of a structured abstract; '' for none."""
    return 1.5 * bool(_AIM_LABEL.search(label)) - 2.0 * bool(_BACKGROUND_LABEL.search(label)) if label else 0.0


def only_announces(sentence: str) -> bool:
    """True where only the gap, the questions or a number of features are mentioned, which follow or went before."""
    return _EMPTY.is_in(sentence.lower())


def _score(sentence: str, position: int, title_words: set[str]) -> float:
    score = -0.15 * position
    if title_words:
        score += 1.5 * len(title_words & _content_words(sentence)) / len(title_words)
    clause = _main_clause(sentence)
    core = _CORE.is_in(clause) or _CONCERNED.is_in(clause)
    is_about_this = _THIS_STATEMENT.is_in(clause)
    statement = core or is_about_this or _WE_STATEMENT.is_in(clause) or _AIM.is_in(clause)
    return (
        score
        + _contribution_score(clause, core=core, is_about_this=is_about_this, statement=statement)
        - _penalty(clause, statement)
    )


def _main_clause(sentence: str) -> str:
    """The sentence in lower case without subordinate clauses, `the authors` as `we`."""
    clause = _AUTHORS.replaced(sentence.lower(), "we")
    return _SUBORDINATE.sub(" ", clause) if _SUBORDINATE_SIGN.search(clause) else clause


def _contribution_score(clause: str, *, core: bool, is_about_this: bool, statement: bool) -> float:
    """The weights of the cues that speak for a sentence."""
    proposal, subject = _PROPOSAL.is_in(clause), bool(_THIS_SUBJECT.match(clause))
    core_weight = 2.6 if _RESULT_VERB.is_in(clause) and not proposal else 3.0
    score = core_weight * core + 2.2 * (statement and not core) + 1.0 * (proposal or _AIM.is_in(clause))
    score += 1.4 * (not statement and _WE_VERB.is_in(clause))
    in_this = _IN_THIS.is_in(clause)
    score += 1.5 * in_this + 1.0 * subject + 0.4 * (is_about_this and not subject)
    score += (0.4 if statement else 0.8) * (not is_about_this and _OURS.is_in(clause))
    score += 0.6 * bool(not statement and _METHOD_SUBJECT.match(clause))
    score += (2.2 if in_this else 1.4) * _PASSIVE.is_in(clause)
    score += (1.6 if in_this else 0.6) * _PASSIVE_METHOD.is_in(clause)
    score += 0.8 * _NEW.is_in(clause) + 0.8 * bool(core and _HERE.search(clause))
    score += 0.8 * clause.startswith("here")
    return score - (0.7 if proposal else 1.0) * bool(_ADJUNCT.match(clause))


def _penalty(clause: str, statement: bool) -> float:
    """The weights of the cues that speak against a sentence."""
    penalty = sum([weight for weight, cue in _PENALTIES if cue.is_in(clause)])
    penalty += (0.4 if statement else 1.5) * bool(_BACKGROUND.search(clause))
    penalty += 1.5 * (len(clause) < 40) + 1.0 * clause.endswith("?")
    if len(clause) < MAX_EMPTY_LENGTH and _EMPTY.is_in(clause):
        penalty += 1.0 if _NAMED_PROPOSAL.is_in(clause) else 3.0
    return penalty + 0.8 * bool(_REFERRING.match(clause) and not _HERE.search(clause))
