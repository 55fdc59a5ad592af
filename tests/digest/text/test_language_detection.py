"""The language of a title and abstract."""

from __future__ import annotations

import json
import lzma
from itertools import islice
from pathlib import Path

import pytest

from digest.text.language_detection import LANGUAGE_NAMES, detect_language, language_code

TEXTS = {
    "en": "We study the growth of networks and show that it depends on the order in which the nodes are added.",
    "de": "Die Arbeit untersucht das Wachstum von Netzen und zeigt, dass es nicht von der Größe abhängt.",
    "fr": "Nous étudions la croissance des réseaux et nous montrons que le résultat dépend de la taille du graphe.",
    "es": "El estudio de las redes muestra que el crecimiento no depende del tamaño de los grafos en esta clase.",
    "pt": "O estudo das redes mostra que o crescimento não depende do tamanho dos grafos em uma classe geral.",
    "it": "Lo studio delle reti mostra che la crescita non dipende dalla dimensione dei grafi in questa classe.",
    "nl": "Wij onderzoeken de groei van netwerken en laten zien dat deze niet van het aantal knopen afhangt.",
    "sv": "Vi undersöker hur nätverk växer och visar att det inte är storleken som har betydelse för resultatet.",
    "da": "Vi undersøger hvordan netværk vokser, og det viser sig at de ikke blev større af den grund.",
    "pl": "Badania pokazują, że wzrost sieci nie zależy od liczby węzłów oraz że jest on ograniczony przez czas.",
    "cs": "Práce se zabývá růstem sítí, které jsou ve své podstatě náhodné, a výsledky byly ověřeny při měření.",
    "tr": "Bu çalışmada ağların büyümesi incelenmiş ve sonuç olarak düğüm sayısı ile bir ilişki bulunmuştur.",
    "id": "Penelitian ini membahas pertumbuhan jaringan yang tidak bergantung pada jumlah simpul dan hasil.",
    "ru": "В работе изучается рост сетей и показано, что он не зависит от числа вершин.",
    "uk": "У роботі вивчається ріст мереж і показано, що він не залежить від кількості вершин.",
    "zh": "本文研究网络的增长，结果表明增长与节点数无关。",
    "ja": "本論文ではネットワークの成長について述べる。",
    "ko": "이 논문은 네트워크의 성장을 연구한다.",
    "ar": "تدرس هذه الورقة نمو الشبكات وتبين أنه لا يعتمد على عدد العقد",
    "fa": "این مقاله رشد شبکه‌ها را بررسی می‌کند و پیوندها را نشان می‌دهد",
    "he": "המאמר חוקר את הצמיחה של רשתות ומראה שהיא אינה תלויה בגודל",
    "el": "Μελετάμε την ανάπτυξη των δικτύων και δείχνουμε ότι δεν εξαρτάται από το μέγεθος",
}


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_the_language_of_a_sentence_is_detected(language: str) -> None:
    assert detect_language(TEXTS[language]) == language


@pytest.mark.parametrize(
    "text", ["", "Zebrafish", "Graph neural networks", "$x \\in X$", "Erdős–Rényi 2.0", "a v z na s k $a_v$ z_s"]
)
def test_too_little_text_has_no_language(text: str) -> None:
    assert detect_language(text) == ""


def test_an_english_text_that_quotes_another_script_is_english() -> None:
    assert detect_language("We discuss the word 网络 and its use in the texts of the corpus that we collected.") == "en"


def test_formulas_are_no_words() -> None:
    assert (
        detect_language(r"Let $\\na \\se \\do$ be the sum of all $v$ in the set; we show that it is of the class.")
        == "en"
    )


@pytest.mark.parametrize(("code", "short"), [("eng", "en"), ("ger", "de"), ("en-GB", "en"), ("pt_BR", "pt"), ("", "")])
def test_codes_of_three_letters_and_regions_become_two_letters(code: str, short: str) -> None:
    assert language_code(code) == short


def test_real_papers_in_english_are_hardly_ever_taken_for_others(shared: Path) -> None:
    with lzma.open(shared / "data" / "corpus.jsonl.xz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, 5000)]
    detected = [detect_language(f"{row['title']}. {row['abstract']}") for row in rows]

    assert detected.count("en") > 0.998 * len(rows)
    assert len(rows) - detected.count("en") - detected.count("") <= 5
