"""Papers independent of their sources: records, identity, similarity, merging. Pure."""

from digest.papers.identity import abstract_keys, arxiv_identity, title_key, version_dois
from digest.papers.keys import author_key, author_page_key, keys_of, lookup_keys, stored_keys, with_keys
from digest.papers.merging import fill_empty_fields, merge_all, merge_dois, merge_listed, merge_records
from digest.papers.outlets import outlet_key, outlet_keys, outlet_names
from digest.papers.preprint_dois import is_preprint_doi, without_version
from digest.papers.record import (
    AuthorCandidate,
    AuthorFigures,
    AuthorId,
    AuthorProfile,
    ListedPaper,
    PaperKeys,
    ParsedDocument,
    Record,
    RejectedItem,
    page_author,
    single_author,
)
from digest.papers.record_cleaning import clean_record, to_storable
from digest.papers.same_paper import is_near_duplicate, is_plausible_version, is_same_paper, similarity
from digest.papers.same_person import AuthoredPaper, group_papers
from digest.papers.summary_checks import (
    OWN_PREFIX,
    RefusedSummary,
    Summaries,
    Summary,
    bounded_summary,
    checked_summary,
    known_summaries,
    numbers_agree,
    own_origin,
    own_source,
)
from digest.papers.text_facts import code_address, is_retracted, is_withdrawn, venue

__all__ = [
    "OWN_PREFIX",
    "AuthorCandidate",
    "AuthorFigures",
    "AuthorId",
    "AuthorProfile",
    "AuthoredPaper",
    "ListedPaper",
    "PaperKeys",
    "ParsedDocument",
    "Record",
    "RefusedSummary",
    "RejectedItem",
    "Summaries",
    "Summary",
    "abstract_keys",
    "arxiv_identity",
    "author_key",
    "author_page_key",
    "bounded_summary",
    "checked_summary",
    "clean_record",
    "code_address",
    "fill_empty_fields",
    "group_papers",
    "is_near_duplicate",
    "is_plausible_version",
    "is_preprint_doi",
    "is_retracted",
    "is_same_paper",
    "is_withdrawn",
    "keys_of",
    "known_summaries",
    "lookup_keys",
    "merge_all",
    "merge_dois",
    "merge_listed",
    "merge_records",
    "numbers_agree",
    "outlet_key",
    "outlet_keys",
    "outlet_names",
    "own_origin",
    "own_source",
    "page_author",
    "similarity",
    "single_author",
    "stored_keys",
    "title_key",
    "to_storable",
    "venue",
    "version_dois",
    "with_keys",
    "without_version",
]
