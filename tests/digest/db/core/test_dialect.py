"""SQLite and PostgreSQL give the same results."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from digest.db.core.engine import reading, transaction
from digest.db.papers import paper_writes, papers
from digest.models import PaperKey, PaperVersion
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.papers.record_cleaning import clean_record
from digest.services.ingestion.import_document import store_document

numbers = count(1)  # ids of their own: papers with alike texts would be one
texts = st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=60)


@given(text=texts)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_stored_as_it_was_sanitised(database: str, text: str) -> None:
    record = Record(f"A title {text}", text, authors=(f"Ada {text}",), arxiv_id=f"2511.{next(numbers):05d}")
    store_document("jsonl", "test", ParsedDocument((ListedPaper(record),)))
    with reading() as session:
        newest = session.exec(select(PaperVersion).order_by(col(PaperVersion.id).desc())).first()

    assert newest is not None
    assert papers.to_record(newest) == clean_record(record)


def test_a_key_of_a_paper_that_is_there_already_is_left_out(database: str) -> None:
    with transaction() as session:
        paper_writes.insert_keys(session, [("a:1", 1), ("a\\2\t", 1)], is_new=True)
        paper_writes.insert_keys(session, [("a:1", 1), ("a:3", 1)])
    with reading() as session:
        keys = session.exec(select(PaperKey.key).order_by(PaperKey.key)).all()

    assert set(keys) == {"a:1", "a\\2\t", "a:3"}


def test_a_row_that_can_not_be_inserted_raises_the_usual_error(database: str) -> None:
    version = {"revision": 1, "batch_id": 1, "title": "A title", "abstract": "", "detail": {}}
    with pytest.raises(IntegrityError), transaction() as session:
        paper_writes.insert_versions(session, [{"paper_id": 4711, **version}])
