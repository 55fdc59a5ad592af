"""Excerpts say what a paper did, and show the matched words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.compose.text import excerpt as excerpts
from digest.compose.text.excerpt import MATCH_LENGTH, MAX_LEAD_LENGTH, MAX_LENGTH, excerpt_with_words
from digest.compose.text.highlighting import compile_pattern
from digest.compose.text.sentence_scores import scored_sentences

BACKGROUND = "Large language models have become ubiquitous. However, their memory use remains a major obstacle. "
METHOD = "We propose a cache that keeps only the keys which later tokens attend to, and prove that it loses nothing."
RESULTS = "Experiments on three datasets show a speed-up of 2.4 times."


def excerpt(text: str, title: str = "") -> str:
    return excerpts.excerpt(scored_sentences(text, title))


def test_an_excerpt_begins_with_the_contribution() -> None:
    assert excerpt(f"{BACKGROUND}{METHOD} {RESULTS}").startswith(METHOD)


@pytest.mark.parametrize(
    "statement",
    [
        "This paper presents a survey of methods for the design of wind farms with many turbines.",
        "Here we report the first detection of a radio burst from a globular cluster near us.",
        "A new method for the detection of weak signals in noisy detector data is proposed.",
        "Our framework maps each scene to a graph and plans on it with a learned heuristic.",
        "This paper will review the progress that this field has made, and chart its future for the next ten years.",
        "We update the limits on dark energy with all of the surveys of galaxies that were made in the last ten years.",
        "We captured the motion of pairs of people who move an object together while only one knows where to go.",
        "The aim of this study is to measure how students use chat bots at home and in school.",
        "This paper is concerned with the decay of solutions of the heat equation on trees with many branches.",
        "The authors prove that each graph of this kind has a cycle that passes through all of its vertices.",
        "We initiate a principled study of the games that makers of models play with test sets.",
        "This survey provides a broad review of ways to track objects in films with models of the last years.",
    ],
)
def test_statements_of_all_sorts_are_preferred_to_background(statement: str) -> None:
    assert excerpt(f"{BACKGROUND}{statement} {RESULTS}").startswith(statement)


@pytest.mark.parametrize(
    "lesser",
    [
        "This paper aims to bridge this gap.",
        "We address these challenges.",
        "Our contributions are as follows.",
        "We presented the sensor in our previous work, which integrates a camera with a soft and compliant finger.",
        "Across eight models on three benchmarks, we demonstrate that the quality of grounding predicts robustness.",
        "Our approach generally achieves strong scores with high throughput and low memory on all of the benchmarks.",
        "Second, we conduct a study of 4111 chains of both kinds, and confirm that all nine types of errors occur.",
        "To decipher such cues, we further propose a second sampler that looks at the values of all layers at once.",
        "We show that this limitation is not caused by memory alone, but by how all of the keys are used at run time.",
        "We first present the finding that keys differ in how often the later tokens of a long text attend to them.",
        "Guided by this framework, we construct data sets of many images that cover all sorts of places and needs.",
        "To this end, we collect four hundred texts of many kinds and train six models of all sizes on each of them.",
        "Keys that later tokens attend to are kept by the cache that we introduce, while all others are thrown away.",
        "Here, the policy which we propose keeps the keys of the first four tokens and of the last two hundred ones.",
        "Theoretically, we prove that the policy keeps the error of attention below any bound that a user may choose.",
        "This work contributes findings on keys that help to see how the memory of such models is used in practice.",
        "Finally, the authors propose to use the same policy in models of images, which have become ever larger since.",
    ],
)
def test_a_proposal_is_preferred_to_what_only_announces_details_or_reports(lesser: str) -> None:
    for order in (f"{METHOD} {lesser}", f"{lesser} {METHOD}"):
        assert excerpt(f"{BACKGROUND}{order} {RESULTS}").startswith(METHOD)


def test_the_sentence_with_the_name_that_the_title_introduces_is_preferred() -> None:
    named = "We introduce TimeWarp, a benchmark that emulates how pages change over the years in look and layout."
    other = "We propose TimeTraj, a simple yet effective new algorithm that distils plans to collect trajectories."

    assert excerpt(f"{BACKGROUND}{other} {named}", "TimeWarp: Web Agents and the Past").startswith(named)


@pytest.mark.parametrize(
    "statement",
    [
        "The purpose of this paper is to establish a foundation for solving such programs in a practical manner.",
        "We aim to quantify how often gas-rich dwarf galaxies come in pairs, with an untargeted radio survey.",
        "This empirical observational study examines how often solutions of the known kinds are written down.",
        "Thus, in this research, several convolutional networks have been trained to tell malignant cells apart.",
        "I show that the remnants radiate turbulence through small-scale instabilities at the inner interface.",
    ],
)
def test_statements_of_aims_and_of_single_authors_are_preferred_to_background(statement: str) -> None:
    assert statement.removeprefix("Thus, in this research, ")[1:] in excerpt(f"{BACKGROUND}{statement} {RESULTS}")


def test_a_sentence_that_only_announces_a_list_is_not_added() -> None:
    assert excerpt(f"{BACKGROUND}{METHOD} It features two key innovations. {RESULTS} {RESULTS}") == METHOD


def test_labels_that_stand_alone_are_dropped() -> None:
    labelled = (
        f"Context. {BACKGROUND}Aims. We find the masses of forty stars in two clusters near us. Results. {RESULTS}"
    )
    text = excerpt(f"{labelled} {RESULTS}")

    assert text.startswith("We find the masses of forty stars")
    assert "Results" not in text


@pytest.mark.parametrize(
    "opening",
    [
        "Based on this finding, ",
        "By contrast, ",
        "Given the above limits, in this work, ",
        "First, ",
        "To fill the gap, ",
        "In light of this, ",
        "In this context, ",
        "More importantly, ",
        "To systematically address these issues, ",
    ],
)
def test_openings_that_refer_to_the_sentence_before_are_dropped(opening: str) -> None:
    text = excerpt(f"{BACKGROUND}{opening}we propose a cache that keeps few keys and loses nothing. {RESULTS}")

    assert text.startswith("We propose a cache")


@pytest.mark.parametrize("label", ["Background: ", "OBJECTIVE: ", "Methods and Materials: ", "Results - ", "PURPOSE "])
def test_labels_of_structured_abstracts_are_dropped(label: str) -> None:
    assert excerpt(f"{label}We measured the spin of four black holes.").startswith("We measured")


def test_an_opening_that_refers_to_what_is_not_shown_is_dropped() -> None:
    text = excerpt(f"{BACKGROUND}To address this problem, we propose a smaller cache. {RESULTS} {RESULTS}")

    assert text.startswith("We propose a smaller cache.")


def test_a_run_of_long_words_that_spam_filters_punish_is_cut() -> None:
    run = "hierarchical taxonomy sampling mechanism ensuring comprehensive subject representation across datasets"
    text = excerpt(f"We propose a benchmark with a {run}.")

    assert text == "We propose a benchmark with a hierarchical taxonomy sampling mechanism ensuring…"


def test_a_statement_that_is_nearly_as_good_is_preferred_to_one_that_would_be_cut() -> None:
    run = "hierarchical taxonomy sampling mechanism ensuring comprehensive subject representation across datasets"

    assert excerpt(f"We present a benchmark with a {run}. {METHOD} {RESULTS}").startswith(METHOD)


def test_a_bare_announcement_is_followed_by_the_next_sentence() -> None:
    following = "First, each client picks its own precision for the gradients that it sends."

    assert excerpt(f"{BACKGROUND}We propose a three-fold strategy. {following}").endswith(
        f"We propose a three-fold strategy. {following}"
    )


def test_an_abstract_without_a_statement_begins_at_its_beginning() -> None:
    assert excerpt("Galaxies are bright. Their cores are brighter still.") == (
        "Galaxies are bright. Their cores are brighter still."
    )


def test_a_short_abstract_is_shown_whole() -> None:
    assert excerpt("Diffusion models sample well. We use them on proteins.") == (
        "Diffusion models sample well. We use them on proteins."
    )


def test_a_long_sentence_is_cut_once() -> None:
    text = excerpt("We propose " + "a method that is long and " * 40 + "ends.")

    assert len(text) <= MAX_LEAD_LENGTH
    assert text.count("…") == 1


def test_a_rather_long_contribution_is_shown_whole() -> None:
    sentence = "We propose " + "a method that is long and " * 15 + "ends."

    assert MAX_LENGTH < len(sentence) <= MAX_LEAD_LENGTH
    assert excerpt(f"{sentence} {RESULTS}") == sentence


def visible(abstract: str, *groups: tuple[str, ...]) -> str:
    patterns = [pattern for group in groups if (pattern := compile_pattern(group))]
    return excerpt_with_words(scored_sentences(abstract), patterns)


def test_a_sentence_with_hidden_matched_words_is_added() -> None:
    abstract = f"{METHOD} {RESULTS} It helps speculative decoding too."

    assert visible(abstract, ("speculative decoding",)) == f"{METHOD} … It helps speculative decoding too."


def test_a_sentence_that_follows_the_contribution_joins_it_without_an_ellipsis() -> None:
    abstract = f"{BACKGROUND}{METHOD} However, it slows speculative decoding. {RESULTS}"

    assert visible(abstract, ("speculative decoding",)) == f"{METHOD} However, it slows speculative decoding."


def test_of_the_sentences_with_matched_words_the_one_that_says_most_is_added() -> None:
    background = "Speculative decoding has become an important ingredient of fast language models."
    result = "We apply it to speculative decoding on four machines, where half of the time is saved."

    assert visible(f"{background} {METHOD} {RESULTS} {result}", ("speculative decoding",)) == f"{METHOD} … {result}"


def test_one_sentence_with_the_words_of_two_topics_is_added_once() -> None:
    both = "It helps speculative decoding and quantization too."

    assert visible(f"{METHOD} {RESULTS} {both}", ("speculative decoding",), ("quantization",)) == f"{METHOD} … {both}"


def test_an_opening_that_holds_the_matched_words_stays() -> None:
    last = "To avoid this quantization fault, a second scale is kept."

    assert visible(f"{METHOD} {RESULTS} {last}", ("quantization",)) == f"{METHOD} … {last}"


def test_a_long_sentence_is_cut_at_its_end_only() -> None:
    long = "It helps speculative decoding" + " and much more besides" * 20 + "."
    text = visible(f"{METHOD} {RESULTS} {long}", ("speculative decoding",))
    added = text.removeprefix(f"{METHOD} … ")

    assert long.startswith(added.removesuffix("…"))
    assert len(added) <= MATCH_LENGTH


def test_matched_words_late_in_a_long_sentence_are_shown_in_their_clause() -> None:
    long = f"{'Among many other things ' * 30}, it helps speculative decoding-based models{' and much more' * 30}."
    added = visible(f"{METHOD} {long}", ("speculative decoding",)).removeprefix(METHOD)

    assert added.startswith(" … it helps speculative decoding-based models and much more")
    assert len(added) <= MATCH_LENGTH + 1


def test_a_clause_behind_a_semicolon_is_preferred_to_a_nearer_one_behind_a_comma() -> None:
    long = f"{'Among many other things ' * 20}; on four machines, it helps speculative decoding a lot."

    assert visible(f"{METHOD} {long}", ("speculative decoding",)).endswith(
        " … on four machines, it helps speculative decoding a lot."
    )


def test_matched_words_late_in_a_clause_without_end_are_shown_from_a_word_on() -> None:
    long = f"{'Among many other things ' * 40}it helps speculative decoding a lot."
    added = visible(f"{METHOD} {long}", ("speculative decoding",)).removeprefix(f"{METHOD} … ")

    assert added in long
    assert added.endswith("it helps speculative decoding a lot.")
    assert len(added) <= MATCH_LENGTH


def test_a_part_of_a_sentence_does_not_begin_within_parentheses() -> None:
    long = f"{'Among many things ' * 18}; it helps (in many, many cases; and more) speculative decoding."

    assert visible(f"{METHOD} {long}", ("speculative decoding",)).endswith(
        " … it helps (in many, many cases; and more) speculative decoding."
    )


def test_the_contribution_is_continued_by_the_clause_with_the_matched_words() -> None:
    long = f"We propose a method that {'is very long and ' * 30}good; it helps speculative decoding."
    text = visible(long, ("speculative decoding",))

    assert text.startswith("We propose a method that is very long")
    assert text.endswith("is very long … it helps speculative decoding.")


def test_words_of_two_topics_late_in_the_contribution_are_both_shown() -> None:
    long = f"We propose a method that {'is very long and ' * 30}good; it quantizes.{' Or not' * 40}; it decodes."
    text = visible(long, ("decodes",), ("quantizes",))

    assert "it quantizes" in text
    assert "it decodes" in text


def test_no_cut_leaves_a_parenthesis_open() -> None:
    text = excerpt("We propose " + "a method that is long and " * 11 + "good (or " + "better and " * 20 + "best).")

    assert text.endswith("good…")


def test_words_that_the_abstract_does_not_hold_add_nothing() -> None:
    assert visible(f"{METHOD} {RESULTS}", ("quantization",)) == excerpt(f"{METHOD} {RESULTS}")


SENTENCES = st.lists(
    st.lists(
        st.sampled_from(["We", "propose", "this", "cache,", "keys", "(which", "last)", "quantization", "However,"]),
        min_size=1,
        max_size=90,
    ).map(lambda words: f"{' '.join(words)[:1].upper()}{' '.join(words)[1:]}."),
    min_size=1,
    max_size=8,
)


@given(SENTENCES)
@settings(deadline=None)
def test_excerpts_consist_of_parts_of_sentences_and_show_the_words(parts: list[str]) -> None:
    abstract = " ".join(parts)
    shown = visible(abstract, ("quantization",))

    assert all(part.strip().lower() in abstract.lower() for part in shown.split("…"))
    assert "……" not in shown.replace(" ", "")
    assert ("quantization" in shown.lower()) == ("quantization" in abstract.lower())


@given(SENTENCES)
@settings(deadline=None)
def test_an_excerpt_is_at_most_as_long_as_the_contribution_and_a_sentence_with_words(parts: list[str]) -> None:
    assert len(visible(" ".join(parts), ("quantization",))) <= MAX_LENGTH + len(" … ") + MATCH_LENGTH
