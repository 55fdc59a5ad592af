"""What a paper is, whatever source told of it: records, identity, likeness, merging. Pure."""

from digest.papers.clues import code_address, venue, withdrawn
from digest.papers.identity import abstract_keys, arxiv_identity, doi_identity, title_key
from digest.papers.keys import author_key, kept, keyed, keys_of, sought
from digest.papers.likeness import near_duplicate, same, similarity
from digest.papers.merging import merge, merge_all, merge_listed
from digest.papers.record import AuthorFigures, Bad, Keys, Listed, Parsed, Person, Record, person
from digest.papers.storable import clean_record, storable

__all__ = [
    "AuthorFigures",
    "Bad",
    "Keys",
    "Listed",
    "Parsed",
    "Person",
    "Record",
    "abstract_keys",
    "arxiv_identity",
    "author_key",
    "clean_record",
    "code_address",
    "doi_identity",
    "kept",
    "keyed",
    "keys_of",
    "merge",
    "merge_all",
    "merge_listed",
    "near_duplicate",
    "person",
    "same",
    "similarity",
    "sought",
    "storable",
    "title_key",
    "venue",
    "withdrawn",
]
