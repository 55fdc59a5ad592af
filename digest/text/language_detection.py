"""Detects the language of a title and abstract, by script and by function words. Pure.

Own and small on purpose: the libraries with a model in their wheel need numpy in every process, or 100 MB, or guess at
random for short texts. Here a text without enough evidence has no language, so that nobody misses a paper by a guess.
"""

from __future__ import annotations

import re
from collections import Counter

# The most frequent function words; those that two languages share count for both.
_WORDS_BY_LANGUAGE = {
    "en": "the of and to in is that for with are this we on as by from an which be our can have has its was were these"
    " between using at or not than it their such also but both into",
    "de": "der die das und ist in den von zu mit auf für eine ein des dem im sich nicht werden wird als auch an durch"
    " aus bei wir diese dieser sind zur zum einer eines über wurde nach oder",
    "fr": "le la les de des du et un une en est que qui dans pour par sur avec ce cette ces nous sont au aux pas plus"
    " ou ont être entre son ses leur dont à l d",
    "es": "el la los las de del y en un una que es se por con para su al como más este esta son entre sus lo ha han"
    " no o sobre también estos estas desde",
    "pt": "o a os as de do da dos das e em um uma que é se por com para no na nos nas ao como mais este esta são entre"
    " foi foram pelo pela não ou sobre também",
    "it": "il la le lo gli i di del della dei delle e in un una che è si per con da al alla come più questo questa sono"
    " tra nel nella non o anche dal dalla sulla",
    "nl": "de het een van en in is op te dat die voor met zijn aan door er niet om ook bij wordt worden als uit naar we"
    " deze dit over hun tussen kunnen",
    "sv": "och att det som en på är av för med den till i har de inte om ett vi från kan var eller denna detta mellan"
    " sig vid",
    "da": "og at det som en på er af for med den til i har de ikke om et vi fra kan var eller denne dette mellem sig"
    " ved blev",
    "pl": "i w na z do się nie że jest to o od przez dla oraz po jak są które który być jako tym tej także lub badania"
    " między",
    "cs": "a v na se je že s z do pro jsou které který o po jako byla byl bylo této tento nebo jeho při mezi ve i",
    "tr": "ve bir bu için ile olarak olan da de çok daha gibi göre ancak veya arasında sonra en kadar ise ya tarafından"
    " çalışmada",
    "id": "yang dan di dari untuk dengan pada ini dalam adalah tidak oleh ke sebagai dapat telah antara secara atau"
    " penelitian hasil akan lebih",
}  # fmt: skip
LANGUAGE_NAMES = {  # of the languages that are detected, by ISO 639-1
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "pt": "Portuguese", "it": "Italian",
    "nl": "Dutch", "sv": "Swedish", "da": "Danish", "pl": "Polish", "cs": "Czech", "tr": "Turkish",
    "id": "Indonesian", "ru": "Russian", "uk": "Ukrainian", "zh": "Chinese", "ja": "Japanese", "ko": "Korean",
    "ar": "Arabic", "fa": "Persian", "he": "Hebrew", "el": "Greek",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]{2,}")  # single letters are mostly symbols
_FORMULA = re.compile(r"\$[^$]{0,300}\$|\\[a-z]+")
_TWO_LETTERS = {  # by the three letters of ISO 639-2 and -3, which indexes of journals use
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "por": "pt", "ita": "it",
    "nld": "nl", "dut": "nl", "swe": "sv", "dan": "da", "nor": "no", "pol": "pl", "ces": "cs", "cze": "cs",
    "tur": "tr", "ind": "id", "rus": "ru", "ukr": "uk", "zho": "zh", "chi": "zh", "jpn": "ja", "kor": "ko",
    "ara": "ar", "fas": "fa", "per": "fa", "heb": "he", "ell": "el", "gre": "el", "fin": "fi", "hun": "hu",
    "ron": "ro", "rum": "ro", "hrv": "hr", "srp": "sr", "bul": "bg", "slk": "sk", "slo": "sk",
}  # fmt: skip
_CHARACTERS_READ = 1_000
_MIN_WORDS = 3  # function words of the language
_MIN_SHARE = 0.12  # of all words; running text has 0.3 to 0.5
_MIN_LEAD = 1.2  # over the second language
_SCRIPTS = (  # in this order: Japanese has Chinese characters, too
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7a3]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("uk", re.compile("[іїєґІЇЄҐ]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("fa", re.compile("[پچژگ]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("el", re.compile("[\u0370-\u03ff]{4,}")),
)
_MIN_SCRIPT_SHARE = 0.3  # of the letters: an English text may quote a name
_LETTERS = re.compile(r"[^\W\d_]")
_OTHER_SCRIPT = re.compile("[\u0370-\u03ff\u0400-\u04ff\u0590-\u06ff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]")


def _languages_by_word() -> dict[str, tuple[str, ...]]:
    languages: dict[str, tuple[str, ...]] = {}
    for language, words in _WORDS_BY_LANGUAGE.items():
        for word in filter(_WORD.fullmatch, words.split()):
            languages[word] = (*languages.get(word, ()), language)
    return languages


_LANGUAGES_OF_WORD = _languages_by_word()


def detect_language(text: str) -> str:
    """The language of a text as ISO 639-1; '' where the evidence is weak, as in a short title."""
    text = text[:_CHARACTERS_READ]
    if not text.isascii() and (language := _language_of_script(text)):
        return language
    words = _WORD.findall(_FORMULA.sub(" ", text.lower()))
    counts = Counter(language for word in words for language in _LANGUAGES_OF_WORD.get(word, ()))
    ranked = counts.most_common(2)
    if not ranked or ranked[0][1] < max(_MIN_WORDS, _MIN_SHARE * len(words)):
        return ""
    (language, count), second = ranked[0], ranked[1][1] if len(ranked) > 1 else 0
    return language if count >= _MIN_LEAD * second else ""


def language_code(code: str) -> str:
    """A code of ISO 639-1, -2 or -3, perhaps with a region (`en-GB`), as two letters where there are two."""
    language = re.split(r"[-_]", code.strip().lower())[0]
    return _TWO_LETTERS.get(language, language[:3])


def _language_of_script(text: str) -> str:
    """The language of a text that is largely in another script than Latin, else ''."""
    other_letters = len(_OTHER_SCRIPT.findall(text))
    if other_letters < _MIN_SCRIPT_SHARE * len(_LETTERS.findall(text)):
        return ""
    return next((language for language, pattern in _SCRIPTS if pattern.search(text)), "")
