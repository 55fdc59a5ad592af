"""The tree of subjects over all sources: what people choose by name, and which categories each subject includes. Pure.

A subject has a field and a name: `bio.neuroscience` is Neuroscience in Biology; the field `bio` includes all of them.
Sources map the names of their own subjects with `subject_code`. A profile that chooses a subject of ours also gets
arXiv's equivalents; one that chooses arXiv's codes gets these alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from digest.papers.arxiv_categories import ARXIV_NAMES

# Code, name, arXiv's equivalents, further names, separated by |. A code without a point is a field.
_SUBJECTS = """
bio|Biology|q-bio|life sciences; biological sciences; all of biology
bio.behavior|Animal behavior and cognition||ethology; behavioral biology
bio.biochemistry|Biochemistry|q-bio.BM|
bio.bioengineering|Bioengineering||biomedical engineering; biotechnology
bio.bioinformatics|Bioinformatics|q-bio.QM|computational biology
bio.biophysics|Biophysics|physics.bio-ph|
bio.cancer|Cancer biology||
bio.cell-biology|Cell biology|q-bio.CB q-bio.SC|cytology
bio.developmental|Developmental biology||
bio.ecology|Ecology|q-bio.PE|
bio.evolution|Evolutionary biology|q-bio.PE|evolution
bio.genetics|Genetics||
bio.genomics|Genomics|q-bio.GN|
bio.immunology|Immunology||
bio.microbiology|Microbiology||bacteriology; virology
bio.molecular|Molecular biology|q-bio.MN q-bio.BM|
bio.neuroscience|Neuroscience|q-bio.NC|neurosciences; neurobiology; neural science
bio.paleontology|Paleontology||
bio.pharmacology|Pharmacology and toxicology||pharmacology
bio.physiology|Physiology|q-bio.TO|
bio.plants|Plant biology||botany; plant science; plant sciences
bio.scientific-communication|Scientific communication and education||
bio.synthetic|Synthetic biology||
bio.systems|Systems biology|q-bio.MN|
bio.zoology|Zoology||entomology
med|Medicine|physics.med-ph|health sciences; clinical medicine; all of medicine
med.addiction|Addiction medicine||
med.allergy|Allergy and immunology||
med.anesthesia|Anesthesia||anesthesiology
med.cardiology|Cardiovascular medicine||cardiology
med.clinical-trials|Clinical trials||
med.critical-care|Intensive care and critical care medicine||critical care; intensive care
med.dentistry|Dentistry and oral medicine||dentistry
med.dermatology|Dermatology||
med.education|Medical education||med students
med.emergency|Emergency medicine||
med.endocrinology|Endocrinology||diabetes & endocrinology
med.epidemiology|Epidemiology||
med.ethics|Medical ethics||
med.forensic|Forensic medicine||
med.gastroenterology|Gastroenterology||
med.genetics|Genetic and genomic medicine||medical genetics
med.geriatrics|Geriatric medicine||geriatrics
med.gynecology|Obstetrics and gynecology||
med.health-economics|Health economics||
med.health-informatics|Health informatics||medical informatics
med.health-policy|Health policy||
med.health-systems|Health systems and quality improvement||health services
med.hematology|Hematology||
med.hiv|HIV/AIDS||
med.infectious|Infectious diseases||
med.nephrology|Nephrology||
med.neurology|Neurology||neurology & neurosurgery
med.nursing|Nursing||
med.nutrition|Nutrition||
med.occupational|Occupational and environmental health||
med.oncology|Oncology||
med.ophthalmology|Ophthalmology||
med.orthopedics|Orthopedics||
med.otolaryngology|Otolaryngology||
med.pain|Pain medicine||
med.palliative|Palliative medicine||
med.pathology|Pathology||
med.pediatrics|Pediatrics||
med.pharmacology|Pharmacology and therapeutics||
med.primary-care|Primary care research||primary care; family medicine/primary care
med.psychiatry|Psychiatry and clinical psychology||psychiatry; clinical psychology
med.public-health|Public and global health||public health; public health & prevention
med.radiology|Radiology and imaging||radiology
med.rehabilitation|Rehabilitation medicine and physical therapy||
med.respiratory|Respiratory medicine||pulmonology
med.reproduction|Sexual and reproductive health||
med.rheumatology|Rheumatology||
med.sports|Sports medicine||
med.surgery|Surgery||
med.toxicology|Toxicology||
med.transplantation|Transplantation||
med.urology|Urology||
chem|Chemistry|physics.chem-ph|chemical sciences; all of chemistry
chem.analytical|Analytical chemistry||
chem.inorganic|Inorganic chemistry||
chem.materials|Materials chemistry|cond-mat.mtrl-sci|materials
chem.organic|Organic chemistry||
chem.physical|Physical chemistry|physics.chem-ph|theoretical chemistry
earth|Earth and environment|physics.geo-ph physics.ao-ph|earth sciences; environmental sciences; geosciences
earth.climate|Climate and atmosphere|physics.ao-ph|climate; climatology; meteorology; atmospheric science
earth.environment|Environmental science||environment
earth.geology|Geology and geophysics|physics.geo-ph|geology
earth.oceans|Oceans|physics.ao-ph|oceanography
eng|Engineering|eess|technology; all of engineering
eng.chemical|Chemical engineering||
eng.civil|Civil engineering||
eng.energy|Energy||
eng.mechanical|Mechanical engineering||
phys|Physics|physics astro-ph cond-mat gr-qc hep-ex hep-lat hep-ph hep-th math-ph nlin nucl-ex nucl-th quant-ph|
phys.condensed-matter|Condensed matter and materials|cond-mat|
phys.particles|Particles and fields|hep-ex hep-lat hep-ph hep-th|particle physics; high energy physics
soc|Social sciences|econ physics.soc-ph|all of the social sciences
soc.anthropology|Anthropology||
soc.business|Business and management||management; finance
soc.education|Education||
soc.law|Law||
soc.linguistics|Linguistics||
soc.politics|Political science||politics
soc.psychology|Psychology||
soc.sociology|Sociology||demography
hum|Humanities||arts and humanities
hum.history|History||
hum.philosophy|Philosophy||ethics
"""
CODE_PATTERN = r"(?:bio|med|chem|earth|eng|phys|soc|hum)(?:\.[a-z]+(?:-[a-z]+)*)?"
_SEPARATORS = re.compile(r"[\W_]+")
_ALIKE = 0.7  # of SequenceMatcher; 0.6 suggests hep-ph for help
_REMARK = re.compile(r"\s*\((?:including|except) [^()]*\)$")


class Subject(NamedTuple):
    """A subject of the tree. `field`: the code of the subject above it, '' for a field; `arxiv`: equivalent codes."""

    code: str
    name: str
    field: str
    arxiv: tuple[str, ...] = ()
    further_names: tuple[str, ...] = ()


def _subject(line: str) -> Subject:
    code, name, arxiv, further_names = line.split("|")
    field = code.rpartition(".")[0]
    return Subject(code, name, field, tuple(arxiv.split()), tuple(filter(None, further_names.split("; "))))


def _arxiv_subject(code: str, name: str) -> Subject:
    return Subject(code, name, code.partition(".")[0] if "." in code else "")


SUBJECTS: dict[str, Subject] = {subject.code: subject for subject in map(_subject, filter(None, _SUBJECTS.split("\n")))}
ARXIV_SUBJECTS: dict[str, Subject] = {code: _arxiv_subject(code, name) for code, name in ARXIV_NAMES.items()}


def _folded(name: str) -> str:
    return _SEPARATORS.sub(
        " ", _REMARK.sub("", name.casefold()).replace("&", " and ").replace("behaviour", "behavior")
    ).strip()


def _codes_by_name() -> dict[str, str]:
    """Codes by folded names; a subject of ours wins over one of arXiv's that has its name, which it includes."""
    names = {_folded(code): code for code in (*ARXIV_SUBJECTS, *SUBJECTS)}
    names |= {_folded(subject.name): code for code, subject in ARXIV_SUBJECTS.items()}
    names |= {_folded(name): subject.code for subject in SUBJECTS.values() for name in subject.further_names}
    names |= {_folded(subject.name): code for code, subject in SUBJECTS.items()}
    labels = {_folded(subject_label(code)): code for code in (*ARXIV_SUBJECTS, *SUBJECTS)}
    return names | labels


def subject_label(code: str) -> str:
    """What people choose by: the name, for arXiv's categories with the code; the code itself where it is unknown."""
    if code in SUBJECTS:
        return SUBJECTS[code].name
    return f"{ARXIV_SUBJECTS[code].name} ({code})" if code in ARXIV_SUBJECTS else code


def category_text(code: str) -> str:
    """A paper's category as mails and pages print it: arXiv's codes as they are, the names of other subjects."""
    return SUBJECTS[code].name if code in SUBJECTS else code


def subject_code(name: str) -> str:
    """The code of the subject of that name, code (also `bio.*`) or label; '' where there is none."""
    name = name.strip().removesuffix(".*")
    if name in SUBJECTS or name in ARXIV_SUBJECTS:
        return name
    return _CODES_BY_NAME.get(_folded(name), "")


def with_equivalents(codes: Iterable[str]) -> tuple[str, ...]:
    """The categories that a choice of subjects includes: the codes, and arXiv's equivalents of our subjects.

    A field includes the equivalents of its subjects.
    """
    included: dict[str, None] = {}
    for code in codes:
        included[code] = None
        for subject in SUBJECTS.values() if code in SUBJECTS else ():
            if code in {subject.code, subject.field}:
                included |= dict.fromkeys(subject.arxiv)
    return tuple(included)


@lru_cache(maxsize=1 << 12)
def included_categories(category: str) -> tuple[str, ...]:
    """The codes in lower case that a category (`cs.LG`), a whole archive or field (`cs`, `bio.*`) includes.

    Each stands for itself and all codes that follow it after a point.
    """
    return tuple(code.lower() for code in with_equivalents([category.lower().removesuffix(".*")]))


def is_known(category: str) -> bool:
    """True for the code of a subject of ours or of arXiv's in any case, also with `.*` for a whole field or archive."""
    return category.lower().removesuffix(".*") in _CODES_IN_LOWER_CASE


def suggested_subjects(text: str) -> tuple[str, ...]:
    """The codes, at most three, whose code or name is like an unknown one; () where none is."""
    folded = _folded(text.removesuffix("*").removesuffix("."))
    if code := _CODES_BY_NAME.get(folded):
        return (code,)
    names = get_close_matches(folded, _CODES_BY_NAME, n=3, cutoff=_ALIKE)
    return tuple(dict.fromkeys(_CODES_BY_NAME[name] for name in names))


_CODES_BY_NAME = _codes_by_name()
_CODES_IN_LOWER_CASE = frozenset(code.lower() for code in (*ARXIV_SUBJECTS, *SUBJECTS))
