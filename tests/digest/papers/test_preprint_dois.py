"""DOIs of preprints are told from those of published papers."""

from __future__ import annotations

import pytest

from digest.papers import is_preprint_doi, without_version


@pytest.mark.parametrize(
    "doi",
    [
        "10.1101/2026.08.06.000001",
        "10.1101/123456",
        "10.64898/2026.08.06.000001v2",
        "10.48550/arXiv.2401.00001",
        "10.21203/rs.3.rs-1800050/v1",
        "10.20944/preprints202401.0001.v1",
        "10.26434/chemrxiv-2024-abcde-v2",
        "10.2139/ssrn.4000001",
        "10.31234/osf.io/abcde",
    ],
)
def test_a_doi_of_a_preprint_server_is_recognised(doi: str) -> None:
    assert is_preprint_doi(doi)


@pytest.mark.parametrize(
    "doi", ["10.1101/gr.123456.107", "10.1038/s41586-026-00001-1", "10.1103/mm1r-518p", "10.1002/anie.202400001", ""]
)
def test_a_doi_of_a_journal_is_none(doi: str) -> None:
    assert not is_preprint_doi(doi)


@pytest.mark.parametrize(
    ("doi", "without_its_version"),
    [
        ("10.1101/2026.08.06.000001v2", "10.1101/2026.08.06.000001"),
        ("10.21203/rs.3.rs-1800050/v1", "10.21203/rs.3.rs-1800050"),
        ("10.26434/chemrxiv-2024-abcde-v2", "10.26434/chemrxiv-2024-abcde"),
        ("10.1002/essoar.10503377.3", "10.1002/essoar.10503377"),
        ("10.1234/journal.v2", "10.1234/journal.v2"),
    ],
)
def test_versions_of_a_preprint_have_one_doi_and_a_journals_doi_is_left_alone(
    doi: str, without_its_version: str
) -> None:
    assert without_version(doi) == without_its_version
