"""Abstracts are split where their sentences end, and nowhere else."""

from __future__ import annotations

import pytest

from digest.compose.text.sentences import labelled_sentences, sentences


@pytest.mark.parametrize(
    "text",
    [
        "We use kinases, e.g. Src, and i.e. those of Fig. 3 alone.",
        "Vaswani et al. (2017) came first.",
        "Smith et al. found that it holds.",
        "The bound of J. Neumann and A. N. Other is sharp.",
        "It is 2.4 times faster at p < 0.05 than before.",
        "Robots, cars, etc. are controlled by it.",
        "Eq. 4 and Sec. 2 show cf. Ref. 7 at approx. 5 K.",
        "The U.S. market is large.",
        "It is funded by the U.S. Department of Energy.",
        "We treat non-i.i.d. data settings.",
        "It was in Nat. Commun. 12 and Phys. Rev. Lett. 130 before.",
        "It extends a result in [J. Geom. Anal. 34 (2024), no. 12. Part II] by an (optimal) rate.",
        "Blum (Arch. Ration. Mech. Anal., 223 (2), 677-691. Paper No. 4) proved it.",
        "The density of Pop. III stars is low.",
        "The norm ‖.‖ of u(t,.) is bounded by |.| from below.",
        "1. The first step reads.",
    ],
)
def test_abbreviations_initials_and_decimals_end_no_sentence(text: str) -> None:
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("It holds for robots, cars, etc.", "We prove it."),
        ("We follow Smith et al.", "We extend it."),
        ("Is it so?", "It is."),
        ('He said "yes."', "Others did not."),
        ("It costs 5.", "Then it stops."),
        ("We use vitamin C.", "The effect is small."),
        ("We cluster.", "k-means is fast."),
        ("(It was short.)", "This is not."),
        ("It takes 300 ms.", "Others take longer."),
        ("It is critical in p.", "Letting p grow, we prove it."),
        ("It holds on (0,1].", "Elsewhere (and then only) it fails."),
        ("It has two aims: 1) speed.", "Others have one (at most)."),
    ],
)
def test_a_sentence_ends_before_the_next_one(first: str, second: str) -> None:
    assert sentences(f"{first} {second}") == [first, second]


def test_a_blank_may_be_missing_between_two_sentences() -> None:
    assert sentences("It has many uses.However, it is slow.") == ["It has many uses.", "However, it is slow."]


def test_a_stop_within_a_name_ends_no_sentence() -> None:
    assert sentences("We use torch.Tensor, Node.js and example.org here.") == [
        "We use torch.Tensor, Node.js and example.org here."
    ]


def test_chinese_stops_need_no_blank() -> None:
    assert sentences("我们研究强化学习。结果很好。") == ["我们研究强化学习。", "结果很好。"]


def test_labels_are_taken_off_and_kept_beside_their_sentences() -> None:
    assert labelled_sentences("Aims. We count keys. METHODS: four models were used. Keys matter. (abridged)") == [
        ("Aims", "We count keys."),
        ("METHODS", "Four models were used."),
        ("", "Keys matter."),
    ]
