"""The tree of subjects: choosing by name, arXiv's equivalents, and the subjects of all sources' samples."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from digest.papers.subject_headings import subjects_of_headings
from digest.papers.subjects import (
    ARXIV_SUBJECTS,
    CODE_PATTERN,
    SUBJECTS,
    category_text,
    subject_code,
    subject_label,
    with_equivalents,
)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Neuroscience", "bio.neuroscience"),
        ("neuroscience", "bio.neuroscience"),
        ("  Animal Behavior and Cognition ", "bio.behavior"),
        ("Animal behaviour & cognition", "bio.behavior"),
        ("Endocrinology (including Diabetes Mellitus and Metabolic Disease)", "med.endocrinology"),
        ("Infectious Diseases (except HIV/AIDS)", "med.infectious"),
        ("Machine Learning", "cs.LG"),
        ("Machine Learning (cs.LG)", "cs.LG"),
        ("cs.LG", "cs.LG"),
        ("q-bio", "q-bio"),
        ("Physics", "phys"),
        ("Alchemy", ""),
        ("", ""),
    ],
)
def test_a_subject_is_known_by_name_label_and_code(name: str, code: str) -> None:
    assert subject_code(name) == code


def test_every_label_leads_back_to_its_subject() -> None:
    assert {code: subject_code(subject_label(code)) for code in (*SUBJECTS, *ARXIV_SUBJECTS)} == {
        code: code for code in (*SUBJECTS, *ARXIV_SUBJECTS)
    }


def test_every_subject_is_in_a_field_and_all_its_equivalents_exist() -> None:
    for subject in SUBJECTS.values():
        assert re.fullmatch(CODE_PATTERN, subject.code)
        assert subject.field == "" or subject.field in SUBJECTS
        assert set(subject.arxiv) <= set(ARXIV_SUBJECTS)


def test_neuroscience_includes_arxivs_neurons_and_cognition() -> None:
    assert with_equivalents([subject_code("Neuroscience")]) == ("bio.neuroscience", "q-bio.NC")


def test_a_field_includes_the_equivalents_of_its_subjects() -> None:
    assert {"bio", "q-bio", "physics.bio-ph"} <= set(with_equivalents(["bio"]))


@pytest.mark.parametrize("code", ["cs.LG", "q-bio", "q-bio.NC", "hep-th", "x-y"])
def test_arxivs_codes_include_nothing_else(code: str) -> None:
    assert with_equivalents([code]) == (code,)


def test_pages_print_arxivs_codes_and_the_names_of_other_subjects() -> None:
    assert [category_text(code) for code in ("cs.LG", "bio.plants", "unknown")] == ["cs.LG", "Plant biology", "unknown"]


def test_every_subject_of_the_preprint_servers_samples_maps(shared: Path) -> None:
    names = set()
    for file in (shared / "data" / "sources" / "biorxiv").glob("*.json"):
        rows = json.loads(file.read_text(encoding="utf-8")).get("collection", [])
        names |= {row.get("category") or row.get("preprint_category") for row in rows}

    assert len(names - {None, ""}) >= 6
    assert [name for name in names - {None, ""} if not subject_code(name)] == []


def test_every_sample_of_the_medical_index_with_headings_has_a_subject(shared: Path) -> None:
    heading = re.compile(r"<DescriptorName[^>]*>([^<]*)<")
    articles = [
        heading.findall(file.read_text(encoding="utf-8", errors="replace"))
        for file in (shared / "data" / "sources" / "pubmed" / "efetch").glob("*.xml")
    ]
    codes = [subjects_of_headings(headings) for headings in articles if headings]

    assert len(codes) >= 10
    assert all(codes)
    assert {code for paper in codes for code in paper} <= set(SUBJECTS)


def test_an_article_on_people_without_known_words_is_medicine() -> None:
    assert subjects_of_headings(["Humans", "Zzz"]) == ("med",)
    assert subjects_of_headings(["Zzz"]) == ("bio",)
    assert subjects_of_headings([]) == ()
